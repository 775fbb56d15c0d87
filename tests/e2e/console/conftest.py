"""One hub and one browser for all tests of the console's pages in real Chromium.

The system's Chromium is used. Where there is none the tests are skipped and say so; in CI that is a
failure (LIENTHONG_REQUIRE_CHROMIUM).
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.console.chromium import FLAGS, NAMES, chromium
from tests.e2e.console.seeded import Seeded, seeded
from tests.e2e.console.visitor import WIDE, Visitor


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    found = chromium()
    if found is None:
        why = f"no Chromium here (looked for {', '.join(NAMES)}): the console is not tried in it"
        if os.environ.get("LIENTHONG_REQUIRE_CHROMIUM"):
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def hub(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    """The one hub of all these tests; each leaves it so that the others can go on."""
    with seeded(tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="session")
def visitors(browser: Any, hub: Seeded) -> Iterator[Callable[..., Visitor]]:
    """Who has signed in, by account and width; kept, since signing in costs a hash."""
    made: dict[tuple[str, int], Visitor] = {}

    def visitor(name: str = "administrator", size: dict[str, int] | None = None) -> Visitor:
        size = size or WIDE
        key = (name, size["width"])
        if key not in made:
            made[key] = Visitor(browser, hub.base, size)
            made[key].sign_in(name)
        made[key].faults.clear()
        return made[key]

    yield visitor
    for one in made.values():
        one.context.close()
