"""Processes killed at decided moments of what they do: around each COMMIT there is.

Before it everything must be as if nothing had been, after it as if the answer had been heard; and
with both the next attempt, by whoever makes it, leaves one effect.
"""

import itertools
import signal
import tempfile
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import psycopg
import pytest

from hub.commands import connections as commands
from store.quarantine import Chosen
from sync import deliver_acts, intake
from tests.e2e.faults.forked import until
from tests.e2e.faults.stage import Stage, said, stage

LEASE_S = 1.5
BOTH = ("before", "after")
WHEN = pytest.mark.parametrize("when", BOTH)
PAGES = 3
ROWS = 10 * PAGES


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long_form)]
)
def address(request: pytest.FixtureRequest) -> str:
    """Of an empty store of each kind; an empty word is the embedded one."""
    if request.param == "sqlite":
        return ""
    server: str = request.getfixturevalue("postgres_url")
    name = f"killed_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as tx:
        tx.execute(f'CREATE DATABASE "{name}"')
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="module")
def on(address: str) -> Iterator[Stage]:
    """One process on SQLite; on PostgreSQL one that serves and one that works."""
    roles = ["serve", "worker-1"] if address else ["serve"]
    with (
        tempfile.TemporaryDirectory(prefix="lienthong-killed-") as folder,
        stage(Path(folder), address, roles, HUB_LEASE_S=str(LEASE_S)) as made,
    ):
        made.tell("portal", made.portal.endpoint)
        yield made


# -------------------------------------------------------------------------------------- a push


@WHEN
@pytest.mark.parametrize("key", [None, "k"])
def test_a_push_killed_at_its_commit_and_repeated_has_one_effect(
    on: Stage, when: str, key: str | None
) -> None:
    number = 100 + 2 * (when == "after") + (key is not None)
    own_key = f"{key}-{number}" if key is not None else None
    record = said(number)
    on.push(said(99))  # logged in before
    on.hubs.doom(when, 'INSERT INTO "receipt"', unsaid="UPDATE run")
    with pytest.raises(httpx.TransportError):
        on.push(record, own_key)
    on.hubs.revive()
    assert on.told_of("desk", record["code"]) == ((0, 0, 0) if when == "before" else (1, 1, 1))
    again = [on.push(record, own_key) for _ in range(2)]
    assert [one.status_code for one in again] == [200, 200]
    fates = [one.json()["records"][0]["disposition"] for one in again]
    if key is not None:  # the answer once decided on, and only then given
        assert fates == ["applied", "applied"]
        assert again[0].json() == again[1].json()
    else:
        assert fates == ["duplicate" if when == "after" else "applied", "duplicate"]
    assert on.told_of("desk", record["code"]) == (1, 1, 1)


# -------------------------------------------------------------------------------------- a poll

MOMENTS = {  # what its transaction says, what it does not, how many such pass before
    "begin": ("INSERT INTO run", "", 0),
    "first-page": ("UPDATE run SET pages", "", 0),
    "second-page": ("UPDATE run SET pages", "", 1),
    "end": ("UPDATE run SET state", "INSERT INTO run", 0),
}


@pytest.fixture(scope="module")
def runs(on: Stage) -> None:
    """A run killed at each of its moments, all of them gone on with."""
    names = []
    for (moment, (what, unsaid, skip)), when in itertools.product(MOMENTS.items(), BOTH):
        names.append(name := f"{moment}-{when}")
        on.hubs.doom(when, what, unsaid=unsaid, of=name, skip=skip)
        on.ask(name, ROWS)
        on.hubs.revive()
    for name in names:
        until(partial(done, on, name), "a run came to its end")


@pytest.mark.usefixtures("runs")
@WHEN
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_at_a_commit_is_gone_on_with_and_every_row_is_held_once(
    on: Stage, when: str, moment: str
) -> None:
    name = f"{moment}-{when}"
    assert [on.told_of(name, f"{name}-{n:03d}") for n in range(ROWS)] == [(1, 1, 1)] * ROWS
    states = on.rows("SELECT state FROM run WHERE connection_id = :id ORDER BY id", id=name)
    ended = [state for (state,) in states]
    assert (ended[-1], set(ended[:-1]) - {"failed"}) == ("done", set())


def done(on: Stage, name: str) -> bool:
    return bool(
        on.count(
            "SELECT count(*) FROM run WHERE connection_id = :id AND state = 'done'"
            " AND NOT EXISTS (SELECT 1 FROM plan WHERE connection_id = :id AND due_at IS NOT NULL)",
            id=name,
        )
    )


# ------------------------------------------------------------------------------------- a drain


@WHEN
def test_a_drain_killed_at_its_commit_decides_what_was_pending_once(on: Stage, when: str) -> None:
    number = 200 + (when == "after")
    on.hubs.doom(when, "UPDATE feed SET decided", unsaid='INSERT INTO "receipt"')
    receipt = pending(on, [said(number), said(number, status="?"), said(number + 10)])
    on.hubs.revive()
    until(lambda: counts(on, receipt)[0] == 0, "it is decided")
    assert counts(on, receipt) == (0, 2, 1)
    for one in (number, number + 10):
        assert on.told_of("desk", said(one)["code"])[1:] == (1, 1)


def pending(on: Stage, records: list[dict[str, Any]]) -> str:
    """A receipt that was acknowledged and could not be decided yet; its id."""
    with (
        mock.patch.object(intake, "decide_receipts", side_effect=ZeroDivisionError),
        mock.patch.object(intake.logger, "exception"),
    ):
        outcome = on.take_in(records)
    assert outcome.counts["pending"] == len(records)
    return outcome.receipt


def counts(on: Stage, receipt: str) -> tuple[Any, ...]:
    [found] = on.rows(
        "SELECT pending, applied, quarantined FROM receipt WHERE public_id = :id", id=receipt
    )
    return found


# -------------------------------------------------------------- a replay out of the quarantine


REPLAY = ("quarantine", "replay", "--why", "bảng mã đã sửa", "--connection")


@pytest.fixture(scope="module")
def left(on: Stage) -> dict[str, int]:
    """Connection -> how many were left in the quarantine when its replay was killed; begun again
    since.
    """
    names = [f"strange-{when}-{skip}" for when, skip in itertools.product(BOTH, (0, 1))]
    for name in names:
        way = on.ask(name, ROWS)
        for one in way.rows[5:25]:  # in each of the three pages
            one["dossierStatus"] = "la"
    until(lambda: all(done(on, name) for name in names), "they are asked")
    assert [waiting(on, name) for name in names] == [20] * len(names)
    found = {}
    for name in names:
        commands.alter(on.context, name, None, [], ["status.la=supplement"])
        _, when, skip = name.split("-")
        on.hubs.doom(when, "INSERT INTO act", 'INSERT INTO "receipt"', of=name, skip=int(skip))
        assert on.hubs.command(*REPLAY, name).returncode == -signal.SIGKILL
        found[name] = waiting(on, name)
    for name in names:
        until(partial(replayed, on, name), "the lease of the one that was killed is over")
    return found


def replayed(on: Stage, name: str) -> bool:
    return on.hubs.command(*REPLAY, name).returncode == 0


@WHEN
@pytest.mark.parametrize("skip", [0, 1])
def test_a_replay_of_the_quarantine_killed_at_a_commit_and_begun_again_applies_each_once(
    on: Stage, left: dict[str, int], when: str, skip: int
) -> None:
    name = f"strange-{when}-{skip}"
    assert left[name] == 20 - (0, 5, 15)[skip + (when == "after")]
    assert waiting(on, name) == 0
    for n in range(5, 25):
        assert on.told_of(name, f"{name}-{n:03d}")[1:] == (1, 1)


def waiting(on: Stage, name: str) -> int:
    from store import quarantine

    with on.context.store.read() as tx:
        return sum(quarantine.count_chosen(tx, Chosen(name)).values())


# ---------------------------------------------------------------------------------- a delivery


@pytest.mark.parametrize(
    ("moment", "when", "what", "again"),
    [
        ("before its body is kept", "before", "UPDATE delivery SET body", 0),
        ("kept and not sent", "after", "UPDATE delivery SET body", 0),
        ("taken and not settled", "before", "DELETE FROM delivery", 1),
        ("settled", "after", "DELETE FROM delivery", 0),
    ],
)
def test_a_delivery_killed_at_a_commit_is_taken_once(
    on: Stage, moment: str, when: str, what: str, again: int
) -> None:
    until(on.is_told, "it has everything")
    before = on.portal.ledger["again"]
    on.hubs.doom(when, what)
    on.take([said(300), said(301)] if "300" not in told_codes(on) else [said(300, on.newest)])
    on.hubs.revive()
    until(on.is_told, "it has everything")
    seen = on.portal.ledger["again"] - before
    assert seen <= 20 if again else seen == 0, moment  # one step's worth, under the same ids
    assert bool(seen) == bool(again)
    on.even()


def told_codes(on: Stage) -> set[str]:
    found = on.rows("SELECT code FROM leg WHERE namespace = 'desk' AND code = 'A-00300'")
    return {"300" for _ in found}


@WHEN
def test_deliveries_told_again_and_killed_at_a_commit_are_put_on_their_way_once(
    on: Stage, when: str
) -> None:
    until(on.is_told, "it has everything")
    on.portal.data(forget=True)
    newest = on.newest
    on.hubs.doom(when, "UPDATE replay SET")
    replay = deliver_acts.tell_again(on.context, "portal", (1, newest), None, "trực", "thử")
    on.hubs.revive()
    until(on.is_told, "it has everything again")
    on.even()
    assert on.portal.ledger["again"] == 0
    assert on.rows("SELECT state, taken FROM replay WHERE id = :id", id=replay) == [
        ("done", newest)
    ]


# --------------------------------------------------------------------------------- all in all


def test_all_of_it_adds_up(on: Stage) -> None:
    until(on.is_told, "it has everything")
    on.even()
    on.proved()
    assert on.hubs.end() == dict.fromkeys(on.hubs.roles, 0)
