"""Bodies taken in as a group end exactly as the same bodies one after another, each for itself."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from store import clients, connections
from sync.intake import Body, prepare, take_in_together
from sync.taken import Outcome, Taken
from sync.verify import verify
from tests.mixes import SENDERS, mix
from tests.told_apart import told
from tests.trial import Trial, trial_over

COUNT = 60
Groups = Callable[[Sequence[Body]], Iterator[Sequence[Body]]]


def arrived(hub: Trial, seed: int) -> list[Body]:
    """The mix of a seed as bodies on their way in, a second apart."""
    who, rows = {}, {}
    hub.introduce("desk")
    hub.introduce("land", agencies=["H50.12"])
    hub.introduce("tax")
    with hub.store.read() as tx:
        for name in SENDERS:
            who[name] = clients.load_principal(tx, hub.known[name].client_id)
            rows[name] = connections.load_connection(tx, name)
    bodies = []
    for number, (name, raw) in enumerate(mix(seed, COUNT)):
        sender, row = who[name], rows[name]
        assert sender is not None
        assert row is not None
        taken = Taken(
            connection=row,
            shape="json",
            raw=raw,
            received_at=hub.clock() + timedelta(days=3, seconds=number // 3),
            client_id=sender.id,
            agencies=sender.agencies,
        )
        bodies.append(Body(taken, *prepare(hub.context, taken)))
    return bodies


def ended(hub: Trial, groups: Sequence[Sequence[Body]]) -> tuple[list[Any], dict[str, Any]]:
    """What each was answered, and what is held in the end."""
    answers = []
    for group in groups:
        for end in take_in_together(hub.context, group):
            assert isinstance(end, Outcome), end
            answers.append((end.counts, list(end.fates), end.dossiers, end.is_list))
    report = verify(hub.context)
    assert report.ok, [check for check in report.checks if not check.ok]
    return answers, told(hub.store)


def cut(bodies: Sequence[Body], seed: int) -> list[Sequence[Body]]:
    """Groups of any size."""
    chance = random.Random(seed)
    groups, begun = [], 0
    while begun < len(bodies):
        size = chance.choice((1, 2, 5, 30))
        groups.append(bodies[begun : begun + size])
        begun += size
    return groups


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_group_ends_as_its_bodies_do_one_after_another(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    seed: int,
) -> None:
    monkeypatch.setattr("sync.memory.CROWD", 4)  # so that a claim is made too often in a small mix
    shelf = request.getfixturevalue(f"{kind}_shelf")
    found = []
    for name in ("alone", "together"):
        folder = tmp_path / name
        folder.mkdir()
        hub = trial_over(shelf.fresh(folder))
        bodies = arrived(hub, seed)
        groups = [[one] for one in bodies] if name == "alone" else cut(bodies, seed)
        found.append(ended(hub, groups))
        shelf.give_back(hub.store)
    (alone, rows), (together, others) = found
    assert together == alone
    for name, own in rows.items():
        assert others[name] == own, name
    dispositions = {name for counts, *_ in alone for name, n in counts.items() if n}
    assert dispositions >= {"applied", "superseded", "duplicate", "quarantined"}
    assert {row["kind"] for row in rows["change"]} >= {"created", "changed", "joined", "split"}
    assert rows["claim_crowd"]
