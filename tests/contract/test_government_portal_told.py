"""The publisher of the Government's portal against its strict simulator, over a socket."""

import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from adapters.government_portal import publisher, simulator
from adapters.simulation import Simulation, running
from adapters.wire import Wire
from canonical.errors import HubError, NotAllowed, Refused, TryAgain, Unreachable
from canonical.indicators import BUCKETS
from canonical.ports import Figures, Outgoing, Settings
from canonical.reasons import Reason
from tests.patience import patience

NEW = "whsec_bmV3LXNlY3JldC1vZi10aGUtcG9ydGFs"


class Told:
    """A portal on a socket."""

    def __init__(self, simulation: Simulation, base: str, deadline_s: float) -> None:
        self.simulation = simulation
        self.base = base
        self.wire = Wire(longest_timeout_s=deadline_s)
        self.publisher = self.connect(simulation.secrets)

    def connect(self, secrets: dict[str, str]) -> publisher.Publisher:
        return publisher.connect(Settings("gov", self.base, {}, secrets), self.wire)

    def outgoing(self, number: int = 1, before: dict[str, Any] | None = None, **over: int) -> Any:
        figures = Figures(
            id=f"pub_{number}",
            revision=number,
            told=told(**over),
            before=before,
            known_seq=number,
            at="2026-04-04T00:00:00+07:00",
            why="Có hồ sơ bổ sung",
        )
        return Outgoing(figures.id, number, self.publisher.render(figures), attempt=1)

    async def post(self, document: Any, **headers: str) -> tuple[int, str]:
        """What the portal says to a document that is signed as it should be."""
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        at = datetime.now(UTC)
        sent = {
            "webhook-id": "pub_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(self.simulation.secrets["key"]).sign(
                "pub_1", at, raw.decode()
            ),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        http = self.wire.http(system="test")
        answer = await http.call(
            "POST",
            f"{self.base}/api/v1/publications",
            content=raw,
            content_type="application/json",
            headers=sent,
            allow=range(200, 500),
        )
        await http.close()
        return answer.status, json.loads(answer.body).get("reason", "")

    async def ledger(self) -> dict[str, Any]:
        http = self.wire.http(system="test")
        found: dict[str, Any] = json.loads((await http.call("GET", f"{self.base}/__ledger")).body)
        await http.close()
        return found


def told(**over: int) -> dict[str, Any]:
    buckets = {name: over.pop(name, 0) for name in BUCKETS}
    return {
        "profile": "seed",
        "agency": "H50.12",
        "from": "2026-03-01",
        "to": "2026-03-31",
        "as_of": "2026-03-31",
        "total": sum(buckets.values()),
        "buckets": buckets,
        "carried_over": 0,
        "resolved": 0,
        "resolved_online": 0,
        "complete": True,
        **over,
    }


@asynccontextmanager
async def _told(deadline_s: float = 60.0) -> AsyncIterator[Told]:
    simulation = simulator.build()
    async with running(simulation) as base:
        portal = Told(simulation, base, deadline_s)
        yield portal
        await portal.publisher.close()
        await portal.wire.close()


@pytest.fixture
async def portal() -> AsyncIterator[Told]:
    async with _told() as told:
        yield told


async def test_a_figure_and_its_restatement_are_taken(portal: Told) -> None:
    await portal.publisher.send(portal.outgoing(early=3))
    await portal.publisher.send(portal.outgoing(2, before=told(early=3), early=3, late=1))
    ledger = await portal.ledger()
    held = ledger["periods"]["H50.12 2026-03-01 2026-03-31"]
    assert [one["figures"]["total"] for one in held] == [3, 4]
    assert (ledger["refused"], ledger["again"]) == ([], 0)


async def test_the_same_document_again_is_taken_once(portal: Told) -> None:
    simulation = portal.simulation
    simulation._on_data({"lose_answers": 1})
    event = portal.outgoing(early=3)
    with pytest.raises(TryAgain):
        await portal.publisher.send(event)
    await portal.publisher.send(event)
    ledger = await portal.ledger()
    assert (ledger["calls"], ledger["again"]) == (2, 1)
    assert len(ledger["periods"]["H50.12 2026-03-01 2026-03-31"]) == 1


async def test_a_jump_and_a_used_id_are_refused_with_the_portals_word(portal: Told) -> None:
    await portal.publisher.send(portal.outgoing(early=3))
    for event, word in (
        (portal.outgoing(3, before=told(early=3), late=1), "HTTP 409: revision_out_of_order"),
        (portal.outgoing(early=4), "HTTP 409: id_reused"),
        (portal.outgoing(2, before=told(early=2), late=1), "HTTP 422: restatement_wrong"),
    ):
        with pytest.raises(Refused) as failure:
            await portal.publisher.send(event)
        assert (failure.value.reason, failure.value.detail) == (Reason.SOURCE_ERROR, word)


@pytest.mark.parametrize(
    ("secrets", "is_taken"),
    [
        ({"key": NEW}, False),
        ({"key": NEW, "previous_key": "its own"}, True),  # while keys change both sign
        (
            {"key": NEW, "previous_key": "its own", "previous_key_until": "2099-01-01T00:00:00Z"},
            True,
        ),
        (
            {"key": NEW, "previous_key": "its own", "previous_key_until": "2020-01-01T00:00:00Z"},
            False,
        ),
        ({}, False),
        ({"key": "whsec_"}, False),
        ({"key": "whsec_é"}, False),
    ],
)
async def test_only_a_key_it_knows_is_let_in(
    portal: Told, secrets: dict[str, str], is_taken: bool
) -> None:
    own = portal.simulation.secrets["key"]
    told = {name: own if key == "its own" else key for name, key in secrets.items()}
    stranger = portal.connect(told)
    if is_taken:
        await stranger.send(portal.outgoing(early=1))
    else:
        with pytest.raises(NotAllowed) as failure:
            await stranger.send(portal.outgoing(early=1))
        assert failure.value.reason is Reason.AUTH_DENIED
        assert NEW not in str(failure.value)
    await stranger.close()


@pytest.mark.parametrize(
    ("mood", "kind", "reason"),
    [
        ("silent", Unreachable, Reason.TIMEOUT_TOTAL),
        ("unanswered", Unreachable, Reason.TIMEOUT_TOTAL),
        ("refusing", NotAllowed, Reason.AUTH_DENIED),
        ("html", TryAgain, Reason.CTYPE_UNEXPECTED),
        ("truncated", TryAgain, Reason.BODY_MALFORMED),
        ("busy", TryAgain, Reason.RATE_LIMITED),
        ("broken", TryAgain, Reason.HTTP_5XX),
    ],
)
async def test_a_mood_comes_to_its_one_end(mood: str, kind: type[HubError], reason: Reason) -> None:
    async with _told(patience(mood)) as portal:
        portal.simulation.mood = mood
        with pytest.raises(HubError) as failure:
            await portal.publisher.send(portal.outgoing(early=1))
        assert isinstance(failure.value, kind)
        assert (failure.value.reason, failure.value.system) == (reason, "gov")
        assert len(portal.simulation.log) == 1, "a publisher repeats nothing by itself"


def changed(path: str, value: Any) -> Any:
    def change(document: dict[str, Any]) -> None:
        place = document
        *above, last = path.split(".")
        for name in above:
            place = place[name]
        if value is ...:
            del place[last]
        else:
            place[last] = value

    return change


WRONG = {
    "a bucket that does not add up": ("figures.buckets.late", 5, "sums_wrong"),
    "a total that does not add up": ("figures.total", 9, "sums_wrong"),
    "more online than at all": ("figures.resolved_online", 1, "sums_wrong"),
    "a tenth bucket": ("figures.buckets.lost", 0, "malformed"),
    "a bucket missing": ("figures.buckets.late", ..., "malformed"),
    "a count as text": ("figures.total", "1", "malformed"),
    "a count that is true": ("figures.carried_over", True, "malformed"),
    "a count below nothing": ("figures.carried_over", -1, "malformed"),
    "an agency of another form": ("agency", "dong-ha", "unknown_agency"),
    "an agency in the old form": ("agency", "000.00.12.H50", "unknown_agency"),
    "half a month": ("period.to", "2026-03-15", "unknown_period"),
    "a kind that does not fit its days": ("period.kind", "quarter", "unknown_period"),
    "judged before its end": ("as_of", "2026-03-30", "unknown_period"),
    "no such day": ("period.from", "2026-02-30", "malformed"),
    "a first one numbered 2": ("revision", 2, "revision_out_of_order"),
    "a first one that restates": (
        "restates",
        {"revision": 0, "figures": None, "changed": [], "reason": "x"},
        "malformed",
    ),
    "an unknown name": ("note", "x", "malformed"),
    "a name missing": ("complete", ..., "malformed"),
    "a moment without zone": ("published_at", "2026-04-04T00:00:00", "malformed"),
    "another indicator": ("indicator", "m_score", "malformed"),
    "an id that is not the header's": ("id", "pub_9", "malformed"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_the_simulator_is_strict(portal: Told, name: str) -> None:
    path, value, reason = WRONG[name]
    document = copy.deepcopy(json.loads(portal.outgoing(early=1).body))
    changed(path, value)(document)
    status, said = await portal.post(document)
    assert said == reason
    assert 400 <= status < 500
    assert not any((await portal.ledger())["periods"].values())


async def test_an_old_signature_is_refused(portal: Told) -> None:
    at = datetime.now(UTC) - timedelta(minutes=6)
    raw = portal.outgoing(early=1).body
    signed = Webhook(portal.simulation.secrets["key"]).sign("pub_1", at, raw.decode())
    headers = {"webhook_timestamp": str(int(at.timestamp())), "webhook_signature": signed}
    assert await portal.post(raw, **headers) == (401, "signature")
