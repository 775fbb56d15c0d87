"""A filing is never sent twice and never forgotten, wherever it is broken off."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from canonical.clock import to_iso
from canonical.errors import LeaseLost
from store import backup, connections, restore
from tests.filed import CONNECTION, Counter, Watched, counter
from tests.trial import Trial


@pytest.fixture
async def at(hub: Trial) -> AsyncIterator[Counter]:
    async with counter(hub) as made:
        made.connect()
        yield made


@pytest.fixture
def dead_port() -> int:
    """A port nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class Killed(BaseException):
    """The process is gone: it writes nothing more and gives nothing back."""


class Power:
    """Fails at the n-th commit, before it or right after, and stays away."""

    def __init__(self, hub: Trial, at_commit: int, *, is_after: bool) -> None:
        self._store = hub.store
        self._in_write = hub.store.in_write
        self._left = at_commit
        self._is_after = is_after
        self.has_failed = False
        hub.store.in_write = self._write  # type: ignore[method-assign]

    def _write(self, work: Callable[[Any], Any]) -> Any:
        if self.has_failed:
            raise Killed
        self._left -= 1
        if self._left > 0:
            return self._in_write(work)
        self.has_failed = True
        if self._is_after:
            self._in_write(work)
        raise Killed

    def back(self) -> None:
        self._store.in_write = self._in_write  # type: ignore[method-assign]


async def test_a_process_killed_between_any_two_commits_files_once(at: Counter) -> None:
    number, points = 0, 0
    for is_after in (False, True):
        for place in range(1, 30):
            number += 1
            await at.take(number)
            power = Power(at.hub, place, is_after=is_after)
            try:
                await at.work()
            except Killed:
                points += 1
            power.back()
            await at.quiet()
            assert at.rows()[-1].state == "filed", (place, is_after)
            assert len(at.ledger) == number, (place, is_after)
            if not power.has_failed:
                break
    assert points >= 16, "fewer commits than a filing has"
    assert {len(entry["papers"]) for entry in at.ledger} == {2}


@pytest.mark.parametrize("is_taken", [False, True])
async def test_a_performer_cancelled_inside_the_call_files_once(
    at: Counter, *, is_taken: bool
) -> None:
    inside = asyncio.Event()

    class Stuck(Watched):
        async def stuck(self) -> None:
            if not inside.is_set():
                inside.set()
                await asyncio.Event().wait()

        @override
        async def before_submit(self) -> None:
            if not is_taken:
                await self.stuck()

        @override
        async def after_submit(self) -> None:
            if is_taken:
                await self.stuck()

    at.watch(Stuck())
    await at.take()
    task = asyncio.create_task(at.work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert at.row.state == "sending"
    assert len(at.ledger) == int(is_taken)
    await at.work()
    assert at.row.state == ("filed" if is_taken else "unknown")
    await at.quiet()
    assert (at.row.state, len(at.ledger)) == ("filed", 1)


@pytest.mark.parametrize("is_taken", [False, True])
async def test_a_lease_lost_inside_the_call_files_once(at: Counter, *, is_taken: bool) -> None:
    class Slow(Watched):
        is_overtaken = False

        async def overtake(self) -> None:
            if self.is_overtaken:
                return
            self.is_overtaken = True
            at.hub.clock.forward(seconds=at.hub.context.limits.lease_s + 1)
            mine = self.inner
            await at.work()  # another node, by whom this one is taken for dead
            self.inner = mine

        @override
        async def before_submit(self) -> None:
            if not is_taken:
                await self.overtake()

        @override
        async def after_submit(self) -> None:
            if is_taken:
                await self.overtake()

    at.watch(Slow())
    await at.take()
    with pytest.raises(LeaseLost):
        await at.work()
    # Not taken when the other looked: it knows nothing yet and sends nothing.
    assert at.row.state == ("filed" if is_taken else "unknown")
    await at.quiet()
    assert (at.row.state, len(at.ledger), at.row.attempts) == ("filed", 1, 1)


async def test_two_performers_at_once_file_once(at: Counter) -> None:
    for number in range(1, 4):
        await at.take(number)
    await asyncio.gather(*(at.perform() for _ in range(4)))
    await at.quiet()
    assert len(at.ledger) == 3
    assert {row.attempts for row in at.rows()} == {1}


@pytest.mark.parametrize(
    "mood", ["lost_after_taking", "hang_after_taking", "fault_after_taking", "truncated"]
)
async def test_an_answer_lost_after_taking_is_looked_up(at: Counter, mood: str) -> None:
    at.department.mood = mood
    own = await at.take()
    await at.work()
    assert (at.row.state, len(at.ledger)) == ("unknown", 1)
    at.department.mood = "well"
    await at.settle(seconds=31)
    [entry] = at.ledger
    assert (at.row.state, at.row.filed_code) == ("filed", entry["MaDK"])
    legs = (await at.hub.read(own))["legs"]
    assert (CONNECTION, entry["MaDK"]) in [(leg["namespace"], leg["code"]) for leg in legs]
    await at.quiet()
    assert len(at.ledger) == 1


@pytest.mark.unproved
@pytest.mark.parametrize("mood", ["silent", "html", "fault"])
async def test_what_surely_never_arrived_is_sent_again_and_not_before_it_is_sure(
    at: Counter, mood: str
) -> None:
    at.department.mood = mood
    await at.take()
    await at.work()
    assert at.row.state == "unknown"
    at.department.mood = "well"
    await at.settle(seconds=at.hub.context.limits.settle_s - 1)
    assert (at.row.state, at.sent) == ("unknown", 0), "too early to be sure"
    await at.settle(seconds=31)
    assert (at.row.state, at.row.attempts, len(at.ledger)) == ("filed", 2, 1)


@pytest.mark.unproved
async def test_while_nobody_can_be_asked_nothing_is_sent(at: Counter) -> None:
    at.department.mood = "lost_after_taking"
    await at.take()
    await at.work()
    at.department.mood = "silent"
    for _ in range(3):
        await at.settle()
    assert (at.row.state, at.sent) == ("unknown", 1)
    at.department.mood = "well"
    await at.quiet()
    assert (at.row.state, at.sent) == ("filed", 1)


async def test_a_department_that_is_not_there_was_sent_nothing(hub: Trial, dead_port: int) -> None:
    async with counter(hub) as at:
        here, at.endpoint = at.endpoint, f"http://127.0.0.1:{dead_port}"
        at.connect()
        await at.take()
        await at.work()
        row = at.row
        assert (row.state, row.reason, row.sent_at) == ("due", "NET_REFUSED", None)
        await at.work()
        assert at.row.attempts == 1, "left alone for a while"
        from hub.commands import connections as commands

        commands.alter(hub.context, CONNECTION, here, [], [])
        await at.quiet()
        assert (at.row.state, len(at.ledger)) == ("filed", 1)


@pytest.mark.unproved
async def test_one_that_reaches_nobody_keeps_the_others_from_knocking(
    hub: Trial, dead_port: int
) -> None:
    async with counter(hub) as at:
        at.endpoint = f"http://127.0.0.1:{dead_port}"
        at.connect()
        for number in range(1, 6):
            await at.take(number)
        await at.work()
        assert sum(row.attempts for row in at.rows()) == 1


@pytest.mark.unproved
async def test_a_named_pause_is_kept(at: Counter) -> None:
    at.department.mood = "busy"
    await at.take()
    await at.work()
    assert (at.row.state, at.row.reason) == ("due", "RATE_LIMITED")
    at.department.mood = "well"
    await at.settle(seconds=6.5)
    assert at.sent == 0
    await at.settle(seconds=31)
    assert len(at.ledger) == 1


@pytest.mark.unproved
@pytest.mark.parametrize("how", ["option", "service"])
async def test_where_nothing_can_be_looked_up_a_person_decides(hub: Trial, how: str) -> None:
    async with counter(hub) as at:
        at.connect(**({"files_lookup": "none"} if how == "option" else {}))
        at.department.mood = "hang_after_taking"
        await at.take()
        await at.work()
        at.department.mood = "no_list"
        await at.quiet()
        assert (at.row.state, at.row.due_at, at.sent) == ("person", None, 1)
        assert at.alarms() == [("filing", CONNECTION)]


async def test_one_person_s_two_dossiers_of_a_day_are_not_taken_for_each_other(
    at: Counter,
) -> None:
    person = at.licence(1)["applicant"]
    await at.take(1)
    await at.work()
    at.department.mood = "silent"  # the second never arrives
    await at.take(2, applicant=person)
    await at.work()
    at.department.mood = "well"
    await at.quiet()
    codes = [row.filed_code for row in at.rows()]
    assert len(set(codes)) == 2
    assert len(at.ledger) == 2
    at.department.mood = "lost_after_taking"  # the third does, and its answer does not
    await at.take(3, applicant=person)
    await at.work()
    at.department.mood = "well"
    await at.quiet()
    assert [row.filed_code for row in at.rows()] == [entry["MaDK"] for entry in at.ledger]


async def test_where_the_list_is_doubtful_a_person_decides(at: Counter) -> None:
    at.department.mood = "lost_after_taking"
    await at.take()
    await at.work()
    at.department.hoso.append({**at.department.hoso[0], "MaDK1": "45012-20260302-090000000"})
    at.department.mood = "well"
    await at.quiet()
    assert (at.row.state, at.sent) == ("person", 1)


async def test_a_duplicated_or_reordered_list_is_no_doubt(at: Counter) -> None:
    at.department.mood = "lost_after_taking"
    await at.take()
    await at.work()
    at.department.mood = "duplicate"
    await at.quiet()
    assert (at.row.state, len(at.ledger)) == ("filed", 1)


async def test_a_wall_clock_that_jumped_keeps_nothing_waiting_for_a_year(at: Counter) -> None:
    at.department.mood = "busy"
    at.hub.clock.forward(days=365)
    await at.take()
    await at.work()
    at.department.mood = "well"
    at.hub.clock.forward(days=-365)
    await at.quiet()
    assert (at.row.state, len(at.ledger)) == ("filed", 1)


async def test_a_restored_hub_asks_before_it_files_what_another_may_have_filed(
    hubs: list[Trial], tmp_path: Path
) -> None:
    """What left after the backup is not in it: neither a filing that was due nor a new one."""
    lost, restored = hubs
    async with counter(lost) as at:
        at.connect()
        records = [at.licence(number) for number in (1, 2)]
        at.papers.status = 503
        await lost.take(records[0])
        await at.work()
        assert at.row.state == "due"
        path = tmp_path / "hub.backup"
        key = lost.context.vault.fingerprint
        made_at = to_iso(lost.clock())
        backup.back_up(lost.store, path, program="trial", made_at=made_at, key=key)
        at.papers.status = 200
        await at.settle()
        await lost.take(records[1])
        await at.work()
        codes = [entry["MaDK"] for entry in at.ledger]
        assert len(codes) == 2
        restore.restore(restored.store, path)
        at.hub = restored
        restored.clock.at = lost.clock.at
        restored.known = lost.known
        await restored.take(records[1])  # departments send again what they sent since
        at.hub.store.in_write(lambda tx: connections.set_state(tx, CONNECTION, "enabled"))
        await at.quiet()
        assert [row.filed_code for row in at.rows()] == codes
        assert at.sent == 2
