"""The receiver of the national portal against its strict simulator, over a socket."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.national_portal import receiver, simulator
from adapters.simulation import Simulation, running
from adapters.wire import Wire
from canonical.errors import HubError, NotAllowed, Refused, TryAgain, Unreachable
from canonical.ports import Event, Outgoing, Settings
from canonical.reasons import Reason
from tests.patience import patience

AT = "2026-03-02T09:00:00+07:00"


class Told:
    """A portal on a socket, and a receiver that tells it."""

    def __init__(self, simulation: Simulation, base: str, deadline_s: float) -> None:
        self.simulation = simulation
        self.wire = Wire(longest_timeout_s=deadline_s)
        settings = Settings(
            id="portal",
            endpoint=base + simulation.endpoint,
            options=simulation.options,
            secrets=simulation.secrets,
        )
        self.base = base
        self.settings = settings
        self.receiver = receiver.connect(settings, self.wire)

    def outgoing(
        self, kind: str = "changed", number: int = 1, steps: int = 1, attempt: int = 1, **over: Any
    ) -> Outgoing:
        body = {
            "national_code": f"H50.12-260302-{number:04d}",
            "procedure": {"code": "1.001612", "name": "Thử", "domain": None},
            "agency": "H50.12",
            "applicant": {"kind": "person", "name": "Nguyễn Văn Thử", "id_number": None},
            "accepted_at": AT,
            "status": "in_progress",
            **over,
        }
        entries = [
            {"status": body["status"], "at": f"2026-03-02T09:{n:02d}:00+07:00", "officer": "B"}
            for n in range(steps)
        ]
        raw = self.receiver.render(Event("e", 1, kind, AT, "id", None, body, entries))
        assert raw is not None
        return Outgoing(id="e", seq=1, body=raw, attempt=attempt)

    async def send(self, *events: Outgoing) -> list[HubError | None]:
        return list(await self.receiver.send(events))

    async def ledger(self) -> dict[str, Any]:
        http = self.wire.http(system="test")
        found: dict[str, Any] = json.loads((await http.call("GET", f"{self.base}/__ledger")).body)
        await http.close()
        return found

    async def data(self, told: dict[str, Any]) -> None:
        http = self.wire.http(system="test")
        await http.call("POST", f"{self.base}/__data", json=told)
        await http.close()

    @property
    def calls(self) -> Counter[str]:
        return Counter(entry["operation"] for entry in self.simulation.log)


@asynccontextmanager
async def _told(options: dict[str, str], deadline_s: float) -> AsyncIterator[Told]:
    simulation = simulator.build(None, options)
    async with running(simulation) as base:
        told = Told(simulation, base, deadline_s)
        yield told
        await told.receiver.close()
        await told.wire.close()


@pytest.fixture
async def portal() -> AsyncIterator[Told]:
    async with _told({}, 60.0) as told:
        yield told


async def test_a_dossier_is_created_then_updated_and_its_steps_are_told(portal: Told) -> None:
    assert await portal.send(portal.outgoing("created")) == [None]
    finished = portal.outgoing(status="finished", finished_at=AT)
    assert await portal.send(finished) == [None]
    ledger = await portal.ledger()
    held = ledger["dossiers"]["H50.12-260302-0001"]
    assert (held["created"], held["updated"], held["states"]) == (1, 1, ["4", "9"])
    assert [row["TrangThai"] for row in held["progress"]] == ["4", "9"]
    assert (ledger["refused"], ledger["logins"]) == ([], 1)


async def test_it_is_told_the_other_way_when_the_portal_has_it_or_has_it_not(portal: Told) -> None:
    assert await portal.send(portal.outgoing("changed")) == [None]
    assert await portal.send(portal.outgoing("created")) == [None]
    held = (await portal.ledger())["dossiers"]["H50.12-260302-0001"]
    assert (held["created"], held["updated"], len(held["progress"])) == (1, 1, 1)
    assert portal.calls["DongBoHoSoMC"] == 4


async def test_steps_are_told_in_chunks_of_ten(portal: Told) -> None:
    assert await portal.send(portal.outgoing("created", steps=25)) == [None]
    held = (await portal.ledger())["dossiers"]["H50.12-260302-0001"]
    assert len(held["progress"]) == 25
    assert portal.calls["CapNhatTienDoHoSoMC"] == 3


@pytest.mark.parametrize("lost", [1, 2])
async def test_an_answer_lost_is_told_again_to_the_same_effect(portal: Told, lost: int) -> None:
    event = portal.outgoing("created")
    await portal.data({"lose_answers": 1})
    for _ in range(lost):
        with pytest.raises(TryAgain) as failure:
            await portal.send(event)
        assert failure.value.reason is Reason.BODY_MALFORMED
        await portal.data({"lose_answers": 1})
    await portal.data({"lose_answers": 0})
    assert await portal.send(event) == [None]
    held = (await portal.ledger())["dossiers"]["H50.12-260302-0001"]
    assert (held["created"], held["states"], len(held["progress"])) == (1, ["4"], 1)


async def test_an_answer_that_never_comes_is_told_again_to_the_same_effect() -> None:
    async with _told({}, 60.0) as portal:
        portal.simulation.mood = "unanswered"
        hurried = receiver.connect(portal.settings, Wire(longest_timeout_s=patience("unanswered")))
        with pytest.raises(Unreachable) as failure:
            await hurried.send([portal.outgoing("created")])
        await hurried.close()
        assert failure.value.reason is Reason.TIMEOUT_TOTAL
        portal.simulation.mood = "well"
        assert await portal.send(portal.outgoing("created", attempt=2)) == [None]
        held = (await portal.ledger())["dossiers"]["H50.12-260302-0001"]
        assert (held["created"], held["updated"]) == (1, 1)


@pytest.mark.parametrize("calls", [1, 2, 3])
async def test_a_session_that_runs_out_is_asked_for_anew(calls: int) -> None:
    async with _told({"session_calls": str(calls), "text_codes": "1"}, 60.0) as portal:
        for number in range(4):
            assert await portal.send(portal.outgoing("created", number)) == [None]
        ledger = await portal.ledger()
        assert len(ledger["dossiers"]) == 4
        assert ledger["logins"] == -(-8 // calls), "a login more than sessions needed"


async def test_many_who_find_the_session_gone_log_in_once(portal: Told) -> None:
    await portal.send(portal.outgoing("created", 0))
    await portal.data({"forget_sessions": True})
    ended = await asyncio.gather(
        *(portal.send(portal.outgoing("created", number)) for number in range(1, 9))
    )
    assert ended == [[None]] * 8
    assert (await portal.ledger())["logins"] == 2


async def test_receivers_of_one_account_share_its_session(portal: Told) -> None:
    await portal.send(portal.outgoing("created", 1))
    others = [receiver.connect(portal.settings, portal.wire) for _ in range(3)]
    for number, one in enumerate(others, start=2):
        assert list(await one.send([portal.outgoing("created", number)])) == [None]
        await one.close()
    assert (await portal.ledger())["logins"] == 1


async def test_a_session_that_never_holds_is_not_asked_for_for_ever() -> None:
    async with _told({}, 60.0) as portal:
        portal.simulation.mood = "forgetful"
        with pytest.raises(TryAgain) as failure:
            await portal.send(portal.outgoing())
        assert failure.value.reason is Reason.AUTH_EXPIRED
        assert portal.calls == Counter(login=2, DongBoHoSoMC=2)


@pytest.mark.parametrize(
    ("mood", "kind", "reason"),
    [
        ("slow", Unreachable, Reason.TIMEOUT_TOTAL),
        ("silent", Unreachable, Reason.TIMEOUT_TOTAL),
        ("drip", Unreachable, Reason.TIMEOUT_TOTAL),
        ("refusing", NotAllowed, Reason.AUTH_DENIED),
        ("html", TryAgain, Reason.CTYPE_UNEXPECTED),
        ("truncated", TryAgain, Reason.BODY_MALFORMED),
        ("busy", TryAgain, Reason.RATE_LIMITED),
        ("broken", Unreachable, Reason.HTTP_5XX),  # at the login: it concerns everybody
    ],
)
async def test_what_concerns_everybody_is_raised(
    mood: str, kind: type[HubError], reason: Reason
) -> None:
    async with _told({}, patience(mood)) as portal:
        portal.simulation.mood = mood
        with pytest.raises(HubError) as failure:
            await portal.send(portal.outgoing())
        assert isinstance(failure.value, kind)
        assert (failure.value.reason, failure.value.system) == (reason, "portal")
        assert max(portal.calls.values()) == 1, "a receiver repeats nothing by itself"


async def test_nobody_there_is_unreachable() -> None:
    async with _told({}, 60.0) as portal:
        portal.settings.options.clear()
    with pytest.raises(Unreachable) as failure:
        await portal.send(portal.outgoing())
    assert failure.value.reason is Reason.NET_REFUSED


async def test_one_dossier_on_which_it_breaks_does_not_hold_back_the_others(portal: Told) -> None:
    await portal.data({"broken": ["H50.12-260302-0002"]})
    ended = await portal.send(*(portal.outgoing("created", number) for number in (1, 2, 3)))
    assert [type(one) for one in ended] == [type(None), TryAgain, type(None)]
    assert ended[1] is not None
    assert ended[1].reason is Reason.HTTP_5XX


async def test_its_own_trouble_is_tried_again(portal: Told) -> None:
    await portal.send(portal.outgoing("created"))
    portal.simulation.mood = "trouble"
    ended = await portal.send(portal.outgoing())
    assert isinstance(ended[0], TryAgain)
    assert (ended[0].reason, ended[0].detail) == (Reason.SOURCE_ERROR, "error_code -1")


async def test_what_is_demanded_and_missing_is_refused_without_a_call(portal: Told) -> None:
    ended = await portal.send(
        portal.outgoing(applicant={"kind": "person", "name": None}), portal.outgoing("created", 2)
    )
    assert isinstance(ended[0], Refused)
    assert (ended[0].reason, ended[0].detail) == (Reason.FIELD_MISSING, "ChuHoSo")
    assert ended[1] is None
    assert list((await portal.ledger())["dossiers"]) == ["H50.12-260302-0002"]


async def test_a_refusal_names_the_code_and_never_the_message(portal: Told) -> None:
    event = portal.outgoing("created")
    spoilt = event.body.replace(b'"ChuHoSo":"Nguy', b'"ChuHo":"","ChuHoSo":"Nguy')
    ended = await portal.send(Outgoing(id="e", seq=1, body=spoilt, attempt=1))
    assert isinstance(ended[0], Refused)
    assert (ended[0].reason, ended[0].detail) == (Reason.SOURCE_ERROR, "error_code -5")
    assert (await portal.ledger())["refused"] == [["DongBoHoSoMC", "data[0].ChuHo"]]


async def test_a_wrong_password_is_denied(portal: Told) -> None:
    settings = Settings("portal", portal.settings.endpoint, portal.settings.options, {})
    stranger = receiver.connect(settings, portal.wire)
    with pytest.raises(NotAllowed) as failure:
        await stranger.send([portal.outgoing()])
    assert failure.value.reason is Reason.AUTH_DENIED
    await stranger.close()


@pytest.mark.parametrize("setting", ["madonvi", "dstcode"])
async def test_a_wrong_address_on_the_exchange_is_denied(portal: Told, setting: str) -> None:
    options = {**portal.settings.options, setting: "VN:GOV:nobody"}
    settings = Settings("portal", portal.settings.endpoint, options, portal.settings.secrets)
    stranger = receiver.connect(settings, portal.wire)
    with pytest.raises(NotAllowed):
        await stranger.send([portal.outgoing()])
    await stranger.close()


async def test_the_exchange_is_told_where_the_portal_is(portal: Told) -> None:
    options = {**portal.settings.options, "providerurl": "http://portal.test"}
    settings = Settings("portal", portal.settings.endpoint, options, portal.settings.secrets)
    through = receiver.connect(settings, portal.wire)
    assert await through.send([portal.outgoing("created")]) == [None]
    await through.close()


GOOD_ROW = {
    "MaHoSo": "A",
    "NguoiXuLy": "",
    "ThoiDiemXuLy": "20260302090000",
    "NoiDungXuLy": "x",
    "TrangThai": "4",
}


@pytest.mark.parametrize(
    ("service", "more", "code", "field"),
    [
        ("NoSuchService", {"data": []}, -5, "service"),
        ("DongBoHoSoMC", {"isUpdating": False, "data": []}, -5, "isUpdating"),
        ("DongBoHoSoMC", {"isUpdating": "False", "data": [1]}, -5, "data[0]"),
        ("DongBoHoSoMC", {"isUpdating": "False", "data": [], "x": 1}, -5, "envelope"),
        ("CapNhatTienDoHoSoMC", {"data": [GOOD_ROW] * 11}, -5, "data"),
        ("CapNhatTienDoHoSoMC", {"data": []}, -5, "data"),
        ("CapNhatTienDoHoSoMC", {"data": [GOOD_ROW]}, -3, None),
        (
            "CapNhatTienDoHoSoMC",
            {"data": [{**GOOD_ROW, "ThoiDiemXuLy": "20260230090000"}]},
            -5,
            "data[0].ThoiDiemXuLy",
        ),
    ],
)
async def test_the_simulator_is_strict(
    portal: Told, service: str, more: dict[str, Any], code: int, field: str | None
) -> None:
    http = portal.wire.http(system="test")
    headers = {
        "Accept": "application/json",
        "Charset": "utf-8",
        "dstcode": portal.settings.options["dstcode"],
    }

    async def call(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await http.call(
            "POST", f"{portal.settings.endpoint}/mapi/{path}", json=body, headers=headers
        )
        found: dict[str, Any] = json.loads(answer.body)
        return found

    account = {
        "username": portal.settings.options["username"],
        "password": portal.settings.secrets["password"],
    }
    session = (await call("login", account))["session"]
    envelope = {"session": session, "madonvi": portal.settings.options["madonvi"]}
    told = await call("g", {**envelope, "service": service, **more})
    assert told["error_code"] == code
    assert field is None or (await portal.ledger())["refused"] == [[service, field]]
    await http.close()
