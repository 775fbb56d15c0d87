"""Applying fails for the hub's own reason: the intake is durable, decided later, poison apart."""

from collections.abc import Callable
from typing import Any

import pytest

import sync.drain
import sync.intake
from canonical.reasons import Reason
from store import quarantine
from sync.drain import drain
from tests.trial import Trial, dossier

Fail = Callable[..., None]


class OwnFault(Exception):
    """A fault of the hub's own, such as a bug; not the record's and not the store's."""


@pytest.fixture
def deciding_fails(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Make deciding fail: `times` calls, or every call that meets one of these codes."""
    decide = sync.intake.decide_receipts

    def arrange(*, times: int = 0, codes: frozenset[str] = frozenset()) -> None:
        left = [times]

        def failing(context: Any, tx: Any, group: Any) -> Any:
            said = decide(context, tx, group)  # fails late: all must be undone
            if left[0] > 0:
                left[0] -= 1
                raise OwnFault
            items = [item for one in group for item in one.found.items]
            if any(getattr(i, "says", None) is not None and i.code in codes for i in items):
                raise OwnFault
            return said

        monkeypatch.setattr(sync.intake, "decide_receipts", failing)
        monkeypatch.setattr(sync.drain, "decide_receipts", failing)

    return arrange


async def test_a_push_that_cannot_be_applied_is_202_and_decided_later(
    hub: Trial, deciding_fails: Fail
) -> None:
    deciding_fails(times=1)
    said = await hub.push([dossier(1), dossier(2, status="?"), dossier(3)])
    assert said.status == 202
    assert said.body["counts"]["pending"] == 3
    assert [f[0] for f in said.fates] == ["pending"] * 3
    assert [r["code"] for r in said.body["records"]] == ["A-00001", "A-00002", "A-00003"]
    kept = await hub.get(f"/api/v1/receipts/{said.receipt}", "desk")
    assert kept["counts"]["pending"] == 3
    assert await hub.feed() == []

    assert drain(hub.context) == 1
    told = await hub.get(f"/api/v1/receipts/{said.receipt}", "desk")
    assert [(r["disposition"], r["reason"]) for r in told["records"]] == [
        ("applied", None),
        ("quarantined", "STATUS_UNKNOWN"),
        ("applied", None),
    ]
    assert (told["counts"]["pending"], told["counts"]["applied"]) == (0, 2)
    assert told["digest"] == kept["digest"]
    assert len(await hub.feed()) == 2
    assert drain(hub.context) == 0


async def test_one_object_pending_is_202_as_well(hub: Trial, deciding_fails: Fail) -> None:
    deciding_fails(times=1)
    said = await hub.push(dossier(1))
    assert (said.status, said.fate) == (202, "pending")


async def test_what_is_pushed_again_meanwhile_becomes_a_duplicate_not_a_double(
    hub: Trial, deciding_fails: Fail
) -> None:
    deciding_fails(times=1)
    first = await hub.push([dossier(1)])
    second = await hub.push([dossier(1)])
    assert (first.fates[0][0], second.fates[0][0]) == ("pending", "applied")
    drain(hub.context)
    told = await hub.get(f"/api/v1/receipts/{first.receipt}", "desk")
    assert told["counts"]["duplicate"] == 1
    assert told["records"][0]["dossier"] == second.dossier


async def test_a_pending_record_keeps_the_time_and_the_grant_it_came_with(
    hub: Trial, deciding_fails: Fail
) -> None:
    hub.introduce("desk", agencies=["H50.12"])
    hub.clock.set("2026-03-05T08:00:00+07:00")
    deciding_fails(times=1)
    said = await hub.push([dossier(1, updated_at=...), dossier(2, agency="H50.14")])
    hub.clock.set("2026-03-09T08:00:00+07:00")
    drain(hub.context)
    told = await hub.get(f"/api/v1/receipts/{said.receipt}", "desk")
    assert [r["reason"] for r in told["records"]] == [None, "AGENCY_FORBIDDEN"]
    [made] = await hub.find("desk:A-00001")
    assert (await hub.history(made))[0]["at"] == "2026-03-05T08:00:00+07:00"


async def test_an_idempotent_push_that_is_pending_repeats_its_202(
    hub: Trial, deciding_fails: Fail
) -> None:
    deciding_fails(times=1)
    key = {"Idempotency-Key": "k"}
    first = await hub.push(dossier(1), headers=key)
    again = await hub.push(dossier(1), headers=key)
    assert (first.status, again.status, again.raw) == (202, 202, first.raw)


async def test_a_record_that_always_fails_ends_as_poison_and_its_neighbours_go_on(
    hub: Trial, deciding_fails: Fail
) -> None:
    deciding_fails(codes=frozenset({"A-00002"}))
    said = await hub.push([dossier(1), dossier(2), dossier(3)])
    assert said.status == 202
    other = await hub.push([dossier(9)])  # a later receipt does not wait for it
    assert other.status == 200
    attempts = 0
    while not drain(hub.context):
        attempts += 1
        assert attempts < 10
    assert attempts == hub.context.limits.poison_attempts
    told = await hub.get(f"/api/v1/receipts/{said.receipt}", "desk")
    assert [(r["disposition"], r["reason"]) for r in told["records"]] == [
        ("applied", None),
        ("quarantined", "CRASH_POISON"),
        ("applied", None),
    ]
    with hub.store.read() as tx:
        [row] = quarantine.list_quarantine(tx)
    assert (row.code, row.reason) == ("A-00002", Reason.CRASH_POISON)
    seqs = [i["seq"] for i in await hub.feed()]
    assert seqs == [1, 2, 3]


async def test_two_poisoned_records_of_one_receipt_are_both_set_apart(
    hub: Trial, deciding_fails: Fail
) -> None:
    deciding_fails(codes=frozenset({"A-00001", "A-00003"}))
    said = await hub.push([dossier(n) for n in (1, 2, 3, 4)])
    for _ in range(6):
        drain(hub.context)
    told = await hub.get(f"/api/v1/receipts/{said.receipt}", "desk")
    assert [r["reason"] for r in told["records"]] == [
        "CRASH_POISON",
        None,
        "CRASH_POISON",
        None,
    ]


async def test_a_store_that_cannot_be_written_is_503_and_nothing_is_kept(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    from canonical.errors import StoreUnavailable

    def down(_: Any) -> None:
        raise StoreUnavailable(Reason.STORE_UNAVAILABLE, "gone")

    hub.token("desk")
    with monkeypatch.context() as patch:
        patch.setattr(hub.store, "in_write", down)
        said = await hub.push(dossier(1))
    assert (said.status, said.fate) == (503, "STORE_UNAVAILABLE")
    assert said.headers["retry-after"]
    assert await hub.feed() == []
    assert (await hub.push(dossier(1))).fate == "applied"
