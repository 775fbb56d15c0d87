"""After a test that had a hub the store is proved: what was written follows from the raw bytes."""

from collections.abc import Iterator

import pytest

from sync.verify import verify


@pytest.fixture(autouse=True)
def proved(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did to a hub, `hub verify` finds nothing.

    `unproved` leaves it out: where a test spoils the store, or where many write the same little.
    """
    names = [name for name in ("hub", "hubs") if name in request.fixturenames]
    found = [request.getfixturevalue(name) for name in names]
    yield
    if request.node.get_closest_marker("unproved") is not None:
        return
    for one in found:
        for hub in one if isinstance(one, list) else [one]:
            report = verify(hub.context)
            assert report.ok, [check for check in report.checks if not check.ok]
