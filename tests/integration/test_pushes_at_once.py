"""Pushes that wait at the same time share a commit and nothing else: each has its own end."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

import sync.intake
from canonical.errors import StoreUnavailable
from canonical.reasons import Reason
from store import clients, connections
from sync.drain import drain
from sync.intake import Saved
from tests.integration.test_statements import statements
from tests.trial import Answer, Trial, dossier


async def at_once(hub: Trial, *told: tuple[str, Any]) -> Sequence[Answer]:
    """The answers to pushes that are sent in one moment; (sender, record)."""
    for who, _ in told:
        hub.token(who)
    return await asyncio.gather(*(hub.push(record, who) for who, record in told))


def refuse(*codes: str) -> Any:
    """Deciding that breaks where one of these codes is met."""
    decide = sync.intake.decide_receipts

    def breaks(context: Any, tx: Any, group: Sequence[Saved]) -> Any:
        said = decide(context, tx, group)  # fails late: all must be undone
        if any(item.code in codes for one in group for item in one.found.items):
            raise ZeroDivisionError
        return said

    return breaks


async def test_many_at_once_share_commits_and_have_each_a_receipt_of_its_own(hub: Trial) -> None:
    await hub.push(dossier(99))
    with statements(hub) as seen:
        answers = await at_once(hub, *(("desk", dossier(n)) for n in range(40)))
    assert Counter(a.fate for a in answers) == {"applied": 40}
    assert len({a.receipt for a in answers}) == len({a.dossier for a in answers}) == 40
    for number, said in enumerate(answers):
        assert said.body["records"][0]["code"] == f"A-{number:05d}"
        assert await hub.find(f"desk:A-{number:05d}") == [said.dossier]
    commits = sum("UPDATE feed SET decided" in one for one in seen)
    assert commits <= 4  # one as a rule; the first may have gone ahead by itself
    assert [i["seq"] for i in await hub.feed()] == list(range(1, 42))


async def test_what_is_refused_is_refused_alone(hub: Trial) -> None:
    for who in ("desk", "gone", "paused"):
        hub.introduce(who)
    hub.introduce("reader", scopes=["read"])
    hub.introduce("both", connections=["desk", "land"])
    hub.introduce("ward", connections=["land"], agencies=["H50.14"])
    tokens = {name: hub.token(name) for name in ("gone", "paused")}
    hub.store.in_write(lambda tx: clients.revoke_client(tx, "gone", "2026-03-02T09:00:00+07:00"))
    hub.store.in_write(lambda tx: connections.set_state(tx, "paused", "paused"))
    hub.token("reader")

    async def send(who: str, record: Any, **more: str) -> Answer:
        raw = record if isinstance(record, bytes) else json.dumps(record).encode()
        token = tokens.get(who) or hub.token(who)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await hub.call("POST", "/api/v1/dossiers", headers=headers, content=raw, params=more)

    answers = await asyncio.gather(
        send("desk", dossier(1)),
        send("gone", dossier(2)),
        send("paused", dossier(3)),
        send("reader", dossier(4)),
        send("both", dossier(5)),
        send("both", dossier(6), connection="land"),
        send("both", dossier(7), connection="gone"),
        send("ward", dossier(8)),
        send("desk", b"{"),
        send("desk", dossier(10, status="?")),
        send("desk", dossier(1)),
        send("desk", [dossier(11), dossier(1, version=2)]),
    )
    assert [(a.status, a.fate) for a in answers] == [
        (200, "applied"),
        (401, "UNAUTHENTICATED"),
        (403, "FORBIDDEN"),
        (403, "FORBIDDEN"),
        (422, "FIELD_MISSING"),
        (200, "applied"),
        (403, "FORBIDDEN"),
        (403, "AGENCY_FORBIDDEN"),
        (400, "BODY_MALFORMED"),
        (422, "STATUS_UNKNOWN"),
        (200, "duplicate"),
        (200, "applied"),
    ]
    assert answers[10].dossier == answers[0].dossier


async def test_a_record_that_breaks_deciding_waits_alone(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sync.intake, "decide_receipts", refuse("A-00003", "A-00008"))
        answers = await at_once(hub, *(("desk", dossier(n)) for n in range(12)))
    told = {n for n, said in enumerate(answers) if (said.status, said.fate) == (202, "pending")}
    assert told == {3, 8}
    assert Counter(a.fate for a in answers) == {"applied": 10, "pending": 2}
    assert drain(hub.context) == 2
    assert len(await hub.feed()) == 12


async def test_a_store_that_cannot_be_written_is_told_to_all(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_: Any) -> None:
        raise StoreUnavailable(Reason.STORE_UNAVAILABLE, "gone")

    with monkeypatch.context() as patch:
        hub.token("desk")
        patch.setattr(hub.store, "in_write", down)
        answers = await at_once(hub, *(("desk", dossier(n)) for n in range(5)))
    assert {(a.status, a.fate) for a in answers} == {(503, "STORE_UNAVAILABLE")}
    assert await hub.feed() == []
    assert (await hub.push(dossier(1))).fate == "applied"


async def test_a_key_that_another_process_answered_meanwhile_costs_the_others_nothing(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look found no answer, the commit does: that one alone is told the answer there is."""
    hub.token("desk")
    key = {"Idempotency-Key": "k"}
    first = await hub.push(dossier(1), headers=key)
    look, looked = clients.load_answers, []

    def blind_once(tx: Any, keys: Any) -> Any:
        looked.append(keys)
        return look(tx, keys) if len(looked) > 1 else {}

    monkeypatch.setattr(clients, "load_answers", blind_once)
    again, other = await asyncio.gather(hub.push(dossier(1), headers=key), hub.push(dossier(2)))
    assert (again.raw, other.fate) == (first.raw, "applied")
    assert len(looked) == 2
    with hub.store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM receipt").scalar_one() == 2
