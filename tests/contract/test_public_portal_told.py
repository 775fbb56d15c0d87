"""The receiver of the public portal against its strict simulator, over a socket."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from standardwebhooks.webhooks import Webhook

from adapters.public_portal import receiver, simulator
from adapters.simulation import Simulation, running
from adapters.wire import Wire
from canonical.errors import Busy, Garbled, HubError, NotAllowed, Refused, TryAgain, Unreachable
from canonical.ports import Event, Outgoing, Settings
from canonical.reasons import Reason
from tests.patience import patience

AT = "2026-03-02T09:00:00+07:00"
DOSSIER = "0a5f0f36-9d1b-5c6f-8d2a-5b1f2f0c9f11"
OTHER = "1b5f0f36-9d1b-5c6f-8d2a-5b1f2f0c9f22"
NEW_KEY = "whsec_YW4tb3RoZXIta2V5LW9mLXRoZS1wdWJsaWMtcG9ydGFs"


def event(seq: int = 1, dossier: str = DOSSIER, kind: str = "changed", **over: Any) -> Event:
    told: dict[str, Any] = {
        "id": f"{seq:08x}-0000-5000-8000-000000000000",
        "seq": seq,
        "kind": kind,
        "at": AT,
        "dossier": dossier,
        "into": OTHER if kind == "joined" else None,
        "body": {"id": dossier, "status": "in_progress", "legs": []},
        "entries": [],
    }
    return Event(**{**told, **over})


class Told:
    """A portal on a socket, and a receiver that tells it."""

    def __init__(self, simulation: Simulation, base: str) -> None:
        self.simulation = simulation
        self.base = base
        self.wire = Wire(longest_timeout_s=60)
        self.settings = Settings("portal", base + simulation.endpoint, {}, simulation.secrets)
        self.receiver = receiver.connect(self.settings, self.wire)

    def feel(self, mood: str) -> None:
        """Another mood, and a receiver that waits as long as it is worth."""
        self.simulation.mood = mood
        options = {"timeout_s": str(patience(mood))}
        self.receiver = receiver.connect(structs.replace(self.settings, options=options), self.wire)

    def change(self, **secrets: str) -> None:
        """Other secrets from now on."""
        settings = structs.replace(self.settings, secrets=secrets)
        self.receiver = receiver.connect(settings, self.wire)

    def outgoing(self, *args: Any, **over: Any) -> Outgoing:
        one = event(*args, **over)
        raw = self.receiver.render(one)
        assert raw is not None
        return Outgoing(id=one.id, seq=one.seq, body=raw, attempt=1)

    async def send(self, *told: Outgoing) -> list[HubError | None]:
        return list(await self.receiver.send(told))

    async def ledger(self) -> dict[str, Any]:
        http = self.wire.http("test")
        found: dict[str, Any] = json.loads((await http.call("GET", f"{self.base}/__ledger")).body)
        return found

    async def data(self, **told: Any) -> None:
        await self.wire.http("test").call("POST", f"{self.base}/__data", json=told)


@asynccontextmanager
async def stood_up() -> AsyncIterator[Told]:
    simulation = simulator.build()
    async with running(simulation) as base:
        told = Told(simulation, base)
        yield told
        await told.wire.close()


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    async with stood_up() as one:
        yield one


KINDS = ("created", "changed", "corrected", "joined", "split", "gone", "restored")


@pytest.mark.parametrize("content", ["full", "thin"])
async def test_every_kind_of_change_is_what_the_contract_says(told: Told, content: str) -> None:
    settings = structs.replace(told.settings, options={"content": content, "source": "urn:thu"})
    told.receiver = receiver.connect(settings, told.wire)
    answers = await told.send(*(told.outgoing(n + 1, kind=k) for n, k in enumerate(KINDS)))
    assert answers == [None] * len(KINDS)
    ledger = await told.ledger()
    assert [one["kind"] for one in ledger["taken"]] == list(KINDS)
    assert {one["status"] for one in ledger["taken"]} == (
        {"in_progress"} if content == "full" else {None}
    )
    assert (ledger["violations"], ledger["differing"], ledger["refused"]) == ([], [], [])


async def test_an_event_told_again_is_taken_once_and_another_body_is_noticed(told: Told) -> None:
    await told.send(told.outgoing(1), told.outgoing(1))
    assert ((await told.ledger())["again"], len((await told.ledger())["taken"])) == (1, 1)
    await told.send(told.outgoing(1, body={"id": DOSSIER, "status": "finished", "legs": []}))
    assert len((await told.ledger())["differing"]) == 1


async def test_the_simulator_notices_what_comes_out_of_order(told: Told) -> None:
    await told.send(told.outgoing(5), told.outgoing(3), told.outgoing(4, dossier=OTHER))
    assert (await told.ledger())["violations"] == [f"{DOSSIER}: 3 after 5"]


MOODS: list[tuple[str, type[HubError], Reason]] = [
    ("down", TryAgain, Reason.HTTP_5XX),
    ("nowhere", TryAgain, Reason.HTTP_4XX),
    ("gone", Refused, Reason.HTTP_4XX),
    ("refusing", NotAllowed, Reason.AUTH_DENIED),
    ("html", Garbled, Reason.CTYPE_UNEXPECTED),
    ("answer_lost", Garbled, Reason.BODY_TRUNCATED),
    ("silent", Unreachable, Reason.TIMEOUT_TOTAL),
    ("slow", Unreachable, Reason.TIMEOUT_TOTAL),
    ("busy", Busy, Reason.RATE_LIMITED),
    ("busy_for", Busy, Reason.RATE_LIMITED),
]


@pytest.mark.parametrize(("mood", "kind", "reason"), MOODS, ids=[m for m, *_ in MOODS])
async def test_what_concerns_the_portal_is_raised(
    told: Told, mood: str, kind: type[HubError], reason: Reason
) -> None:
    told.feel(mood)
    await told.data(retry_after_s=120)
    with pytest.raises(kind) as failure:
        await told.send(told.outgoing(1), told.outgoing(2, dossier=OTHER))
    assert (type(failure.value), failure.value.reason) == (kind, reason)
    assert failure.value.system == "portal"
    assert len(told.simulation.log) == 1, "nothing is repeated here, nothing is sent after it"
    if isinstance(failure.value, Busy):
        assert failure.value.retry_after_s == (7 if mood == "busy" else 120)
    told.feel("well")
    assert await told.send(told.outgoing(1), told.outgoing(2, dossier=OTHER)) == [None, None]
    ledger = await told.ledger()
    assert len(ledger["taken"]) == 2
    assert ledger["again"] == (1 if mood == "answer_lost" else 0)


async def test_what_concerns_one_event_is_said_of_that_one(told: Told) -> None:
    await told.data(broken=[DOSSIER])
    first, second = await told.send(told.outgoing(1), told.outgoing(2, dossier=OTHER))
    assert (type(first), first and first.reason, second) == (TryAgain, Reason.HTTP_5XX, None)
    await told.data(broken=[], refuse=[DOSSIER])
    [refused] = await told.send(told.outgoing(3))
    assert (type(refused), refused and refused.reason) == (Refused, Reason.HTTP_4XX)
    [outside] = await told.send(told.outgoing(4, kind="changed", into=OTHER))
    assert type(outside) is Refused
    assert (await told.ledger())["refused"] == [[422, "into does not fit the kind"]]


async def test_while_keys_change_both_sign(told: Told) -> None:
    old = told.settings.secrets["key"]
    told.change(key=NEW_KEY)
    with pytest.raises(NotAllowed):
        await told.send(told.outgoing(1))
    told.change(key=NEW_KEY, previous_key=old, previous_key_until="2999-01-01T00:00:00+07:00")
    assert await told.send(told.outgoing(1)) == [None]
    await told.data(keys=[NEW_KEY])
    assert await told.send(told.outgoing(2)) == [None]
    await told.data(keys=[old])
    told.change(key=NEW_KEY, previous_key=old, previous_key_until="2020-01-01T00:00:00+07:00")
    with pytest.raises(NotAllowed):
        await told.send(told.outgoing(3))


@pytest.mark.parametrize("key", ["", "whsec_", "not base64 at all!é"])
async def test_a_key_that_is_none_is_said_without_the_key(told: Told, key: str) -> None:
    told.change(key=key)
    with pytest.raises(NotAllowed) as failure:
        await told.send(told.outgoing(1))
    assert "é" not in str(failure.value)
    assert told.simulation.log == []


@pytest.mark.parametrize("options", [{"content": "fat"}, {"timeout_s": "soon"}])
def test_an_option_that_is_none_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(Refused):
        receiver.connect(Settings("portal", "http://127.0.0.1", options, {}), Wire())


async def test_the_simulator_refuses_what_is_not_signed_as_the_standard_says(told: Told) -> None:
    good = told.outgoing(1)
    headers = told.receiver._headers(good)
    Webhook(told.settings.secrets["key"]).verify(good.body, headers)
    http = told.wire.http("test")

    async def status(body: bytes, **over: str) -> int:
        answer = await http.call(
            "POST",
            told.settings.endpoint,
            content=body,
            content_type=over.pop("kind", "application/cloudevents+json"),
            headers={**headers, **{name.replace("_", "-"): v for name, v in over.items()}},
            allow=range(400, 500),
        )
        return answer.status

    assert await status(good.body + b" ") == 401
    assert await status(good.body, webhook_timestamp="1500000000") == 401
    assert await status(good.body, webhook_id="another") == 401
    assert await status(good.body, webhook_signature="v1,AAAA") == 401
    assert await status(good.body, kind="application/json") == 415
    assert (await told.ledger())["taken"] == []
    assert await status(good.body) == 204


async def test_thirty_in_a_hundred_fail_at_random_and_all_come_in_the_end(told: Told) -> None:
    told.simulation.mood = "random"
    tries = 0
    for seq in range(1, 61):
        answer: HubError | None = Unreachable(Reason.NET_RESET)
        while answer is not None:
            tries += 1
            try:
                [answer] = await told.send(told.outgoing(seq))
            except HubError as error:
                answer = error
    ledger = await told.ledger()
    assert [one["seq"] for one in ledger["taken"]] == list(range(1, 61))
    assert 70 < tries < 120
    assert (ledger["violations"], ledger["differing"]) == ([], [])


async def test_the_check_by_hand_of_the_guide_fits(told: Told) -> None:
    guide = (Path(receiver.__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    found = re.search(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    assert found is not None
    made: dict[str, Any] = {}
    exec(found[1], made)
    key, one = told.settings.secrets["key"], told.outgoing(1)
    told.change(key=NEW_KEY, previous_key=key, previous_key_until="2999-01-01T00:00:00+07:00")
    headers = told.receiver._headers(one)
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert made["is_genuine"](key, headers, one.body)
    assert made["is_genuine"](NEW_KEY, headers, one.body)
    assert not made["is_genuine"](simulator.KEY[:-4] + "AAA=", headers, one.body)
    assert not made["is_genuine"](key, headers, one.body + b" ")
    assert not made["is_genuine"](key, {**headers, "webhook-timestamp": "1500000000"}, one.body)
