"""Retries as a department meets them: the gaps between its requests, on a socket, in real time.

What was decided is shown by what arrives; bounds below are exact, those above allow for a machine
that is busy with other things.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulation.serving import running
from sync import runs
from sync.context import utc_now
from sync.jobs import Job, Stopping
from sync.run import sync_connection
from tests.asked import Node, another_node, limited, plan_of
from tests.trial import Trial

pytestmark = pytest.mark.unproved
SLACK_S = 1.0


class Desk:
    """An app of the one-stop kind that is out of order until it is mended.

    Attributes:
        asked: When each request of a connection came, by its client_id.
        answer: What it says while it is out of order.
    """

    def __init__(self) -> None:
        self.asked: dict[str, list[float]] = {}
        self.answer: Callable[[], Response] = lambda: Response("", 500)
        self.fails = 10**6
        self.app = Starlette(
            routes=[
                Route("/o/rest/v2/login", self.login, methods=["POST"]),
                Route("/o/rest/v2/dossiers", self._list),
            ]
        )

    async def login(self, request: Request) -> Response:
        who = str((await request.form())["client_id"])
        times = self.asked.setdefault(who, [])
        times.append(time.monotonic())
        if len(times) <= self.fails:
            return self.answer()
        return JSONResponse({"access_token": "token", "expires_in": 3600})

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"total": 0, "data": []})

    def gaps(self, who: str = "so-0") -> list[float]:
        return [b - a for a, b in pairwise(self.asked[who])]


@pytest.fixture
def desk(hub: Trial) -> Desk:
    hub.context.now = utc_now
    return Desk()


def connect(hub: Trial, base: str, count: int = 1) -> list[str]:
    names = [f"snv-{number}" for number in range(count)]
    for number, name in enumerate(names):
        told = [f"client_id=so-{number}", "client_secret=mo-phong"]
        hub.connect(name, system="one_stop", endpoint=base, settings=told)
    return names


async def test_gaps_in_a_step_are_drawn_below_a_bound_that_doubles(hub: Trial, desk: Desk) -> None:
    count = 16
    limited(hub, call_attempts=4, first_wait_s=0.2, longest_wait_s=0.8)
    async with running(desk.app) as base:
        names = connect(hub, base, count)
        # Four at a time: what a busy processor adds to a gap is theirs, not that of all sixteen.
        for four in (names[place : place + 4] for place in range(0, count, 4)):
            await asyncio.gather(*(sync_connection(hub.context, name) for name in four))
    drawn = [desk.gaps(f"so-{number}") for number in range(count)]
    assert all(len(gaps) == 3 for gaps in drawn), "four calls each, no more"
    for place, bound_s in enumerate((0.2, 0.4, 0.8)):
        at_place = [gaps[place] for gaps in drawn]
        assert max(at_place) <= bound_s + SLACK_S
        assert max(at_place) - min(at_place) > bound_s / 10, "all alike: they come back together"
    # Of sixteen draws each: that the wider ones give less in all happens once in two million.
    assert sum(gaps[2] for gaps in drawn) > sum(gaps[0] for gaps in drawn), "the bound doubles"


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_pause_that_fits_into_a_step_is_kept_to(hub: Trial, desk: Desk, form: str) -> None:
    def busy() -> Response:
        until = datetime.now(UTC) + timedelta(seconds=2)
        told = "1" if form == "seconds" else format_datetime(until, usegmt=True)
        return Response("", 429, headers={"retry-after": told})

    desk.answer, desk.fails = busy, 1
    limited(hub, call_attempts=3, first_wait_s=0.01)
    async with running(desk.app) as base:
        [name] = connect(hub, base)
        summary = await sync_connection(hub.context, name)
    assert summary.error is None
    [gap] = desk.gaps()
    # A date has whole seconds only: two seconds ahead is between one and two.
    assert 1.0 <= gap <= (1.0 if form == "seconds" else 2.0) + SLACK_S


@pytest.mark.parametrize("told", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_an_absurd_pause_is_capped_and_waited_for_in_the_tables(
    hub: Trial, desk: Desk, told: str
) -> None:
    desk.answer = lambda: Response("", 503, headers={"retry-after": told})
    limited(hub, call_attempts=5, first_wait_s=0.01, retry_cap_s=100.0, retry_base_s=0.01)
    async with running(desk.app) as base:
        [name] = connect(hub, base)
        await asyncio.sleep(0.02)
        await runs.perform(hub.context, Job("run", name), Stopping())
    assert len(desk.asked["so-0"]) == 1
    plan = plan_of(hub, name)
    assert plan.retry_at is not None
    assert 90 < (plan.retry_at - utc_now()).total_seconds() <= 100


async def _ticks(node: Node, until: Callable[[], Any]) -> None:
    over = time.monotonic() + 20
    while not until():
        assert time.monotonic() < over, "it did not come to that in time"
        await node.tick()
        await asyncio.sleep(0.02)


async def test_failed_runs_come_ever_later_and_an_open_breaker_sends_one_probe_at_a_time(
    hub: Trial, desk: Desk
) -> None:
    limited(
        hub,
        call_attempts=1,
        retry_base_s=0.1,
        retry_cap_s=0.8,
        breaker_failures=3,
        lease_s=5.0,
    )
    asking = 0
    most = 0

    async def slowly(request: Request) -> Response:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await asyncio.sleep(0.1)
        asking -= 1
        return await desk.login(request)

    desk.app.router.routes[0] = Route("/o/rest/v2/login", slowly, methods=["POST"])
    async with running(desk.app) as base:
        [name] = connect(hub, base)
        one, two = Node(hub), another_node(hub)
        asked = desk.asked

        def had(count: int) -> Callable[[], bool]:
            return lambda: len(asked.get("so-0", ())) >= count

        await asyncio.gather(_ticks(one, had(9)), _ticks(two, had(9)))
        assert plan_of(hub, name).breaker == "open"
        desk.fails = len(asked["so-0"])

        def is_back() -> bool:
            return plan_of(hub, name).breaker == "closed"

        await asyncio.gather(_ticks(one, is_back), _ticks(two, is_back))
    assert most == 1, "two asked side by side"
    gaps = desk.gaps()
    assert max(gaps) <= 0.8 + 0.1 + 2 * SLACK_S, "longer than the cap"
    assert len({round(gap, 2) for gap in gaps}) > 3, "all alike"


async def test_a_dead_department_is_not_waited_for_by_the_others(hub: Trial, desk: Desk) -> None:
    limited(hub, call_attempts=3, first_wait_s=0.3, retry_base_s=0.05, retry_cap_s=0.1)
    well = Desk()
    well.fails = 0
    async with running(desk.app) as dead, running(well.app) as base:
        connect(hub, dead, 3)
        hub.connect(
            "khoe",
            system="one_stop",
            endpoint=base,
            settings=["client_id=well", "client_secret=mo-phong"],
        )
        await asyncio.sleep(0.06)
        begun = time.monotonic()
        jobs = runs.due(hub.context, utc_now())
        assert len(jobs) == 4
        await asyncio.gather(*(runs.perform(hub.context, job, Stopping()) for job in jobs))
    assert well.asked["well"][0] - begun < 0.3 + SLACK_S
    assert plan_of(hub, "khoe").failures == 0
    assert all(plan_of(hub, f"snv-{number}").failures == 1 for number in range(3))
