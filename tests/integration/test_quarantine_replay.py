"""What was refused is taken up again once it is mended: at its place, once, and proved."""

import json
from typing import Any

import msgspec
import pytest

from canonical.agencies import Agency
from canonical.errors import HubError
from canonical.reasons import Reason
from hub.commands.connections import alter
from store import alarms, connections, intake, quarantine
from store.quarantine import Chosen
from sync import quarantine_replay, resolve
from sync.quarantine_replay import Summary, Why
from tests.integration.test_observed import DOCUMENT, rows
from tests.integration.test_observed import page as states
from tests.polled import BEGUN, Poll, quarantined, row
from tests.trial import Trial, dossier

MENDED = Why("nguoi-truc", "đã thêm mã vào bảng")
DAY = 86_400_000


def polled(hub: Trial, **over: Any) -> Poll:
    return Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers", **over)


def page(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"total": len(rows), "data": list(rows)}).encode()


def strange(number: int, **over: Any) -> dict[str, Any]:
    """A row whose state the mapping does not know until it is told."""
    return row(number, **{"dossierStatus": "la", **over})


def mend(hub: Trial) -> None:
    alter(hub.context, "snv", None, [], ["status.la=supplement"])


def replay(hub: Trial, chosen: Chosen | None = None) -> Summary:
    [summary] = quarantine_replay.replay(hub.context, chosen or Chosen("snv"), MENDED)
    return summary


def ids(hub: Trial) -> list[int]:
    with hub.store.read() as tx:
        return [one.id for one in quarantine.list_quarantine(tx)]


async def state(hub: Trial, code: str) -> str:
    [found] = await hub.find(f"snv:{code}")
    return str((await hub.read(found))["status"])


async def test_mended_it_is_applied_and_the_first_record_stays_as_it_was(hub: Trial) -> None:
    poll = polled(hub)
    assert (await poll.run(page(row(1), strange(2)))).quarantined == 1
    [record_id] = ids(hub)
    mend(hub)
    hub.clock.forward(days=1)
    summary = replay(hub, Chosen(ids=(record_id,)))
    assert (summary.tried, summary.applied, dict(summary.still)) == (1, 1, {})
    assert await state(hub, "uid-2") == "supplement"
    assert quarantined(hub) == []
    with hub.store.read() as tx:
        first = quarantine.load_quarantined(tx, record_id)
        assert first is not None
        assert (first.reason, first.resolved_by is not None) == ("STATUS_UNKNOWN", True)
        [new] = tx.exec_driver_sql(
            "SELECT id, origin_id, shape, public_id FROM receipt WHERE origin_id IS NOT NULL"
        )
        [act] = tx.exec_driver_sql("SELECT id, kind, subject, actor, reason, record_id FROM act")
    assert (new[1], new[2]) == (first.receipt_id, "act:dossiers:replay:1")
    assert act == (
        first.resolved_by,
        "replay",
        f"receipt:{new[0]}",
        MENDED.actor,
        MENDED.reason,
        None,
    )
    told = await hub.get(f"/api/v1/receipts/{new[3]}", "admin")
    assert told["counts"]["applied"] == 1


async def test_an_older_version_enters_the_past_and_turns_nothing_back(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page(strange(1, modifiedDate=BEGUN + DAY)))
    await poll.run(page(row(1, modifiedDate=BEGUN + 2 * DAY)))
    mend(hub)
    summary = replay(hub)
    assert (summary.applied, summary.superseded) == (0, 1)
    assert await state(hub, "uid-1") == "in_progress"
    [own] = await hub.find("snv:uid-1")
    history = await hub.history(own)
    assert [(item["status"], item["arrived_late"]) for item in history] == [
        ("supplement", True),
        ("in_progress", False),
    ]


async def test_of_one_moment_what_came_in_later_stands(hub: Trial) -> None:
    """Two states of one second: the first was refused, and must not undo the second."""
    poll = polled(hub)
    await poll.run(page(strange(1)))
    await poll.run(page(row(1, dossierStatus="releasing")))
    mend(hub)
    assert replay(hub).superseded == 1
    assert await state(hub, "uid-1") == "finished"


async def test_a_source_without_versions_is_placed_by_the_receipt_it_first_came_in(
    hub: Trial,
) -> None:
    """It tells no time: what it said on Monday is older than its word of Tuesday."""
    known = hub.context.systems["one_stop"]
    made = msgspec.structs.replace(known, mapping_document=DOCUMENT, transforms={}, rows=rows)
    poll = Poll(hub, "watch", made, "states")
    hub.clock.set("2026-03-02T08:00:00+07:00")
    await poll.run(states(("W-1", "7"), ("W-2", "7")))
    hub.clock.set("2026-03-03T08:00:00+07:00")
    await poll.run(states(("W-1", "9")))
    alter(hub.context, "watch", None, [], ["tt.7=supplement"])
    hub.clock.set("2026-03-05T08:00:00+07:00")
    summary = replay(hub, Chosen("watch"))
    assert (summary.superseded, summary.applied) == (1, 1)
    [first], [second] = await hub.find("watch:W-1"), await hub.find("watch:W-2")
    assert (await hub.read(first))["status"] == "finished"
    told = [(h["status"], h["at"]) for h in await hub.history(second)]
    assert told == [("supplement", "2026-03-02T08:00:00+07:00")]
    # The feed says when the hub learnt it.
    assert (await hub.feed())[-1]["at"] == "2026-03-05T08:00:00+07:00"


async def test_what_came_again_meanwhile_is_settled_as_a_duplicate(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page(strange(1)))
    mend(hub)
    await poll.run(page(strange(1)))  # the same row, mapped now
    assert await state(hub, "uid-1") == "supplement"
    before = await hub.seq()
    summary = replay(hub)
    assert (summary.duplicate, summary.tried) == (1, 1)
    assert (quarantined(hub), await hub.seq()) == ([], before)


async def test_what_is_bad_still_stays_and_is_not_doubled(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page(strange(1), strange(2, serviceCode="KHONG.CO"), row(3)))
    mend(hub)
    summary = replay(hub)
    assert (summary.tried, summary.applied) == (2, 1)
    assert dict(summary.still) == {("REF_UNKNOWN", "serviceCode"): 1}
    assert [one[0] for one in quarantined(hub)] == ["uid-2"]
    again = replay(hub)
    assert (again.tried, again.applied) == (1, 0)
    with hub.store.read() as tx:
        rows = tx.exec_driver_sql("SELECT count(*) FROM record WHERE disposition = 'quarantined'")
        assert rows.scalar_one() == 2
        acts = tx.exec_driver_sql("SELECT count(*) FROM act")
        assert acts.scalar_one() == 1  # nothing settled, nothing kept


async def test_one_new_receipt_for_each_that_the_records_came_in(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page(*(strange(n) for n in range(5)), row(50)), page(strange(6), row(51)))
    mend(hub)
    summary = replay(hub)
    assert (summary.tried, summary.applied) == (6, 6)
    with hub.store.read() as tx:
        made = tx.exec_driver_sql(
            "SELECT shape FROM receipt WHERE origin_id IS NOT NULL ORDER BY id"
        ).all()
    assert [one[0] for one in made] == ["act:dossiers:replay:0-4", "act:dossiers:replay:0"]


async def test_the_grant_of_who_sent_it_still_holds(hub: Trial) -> None:
    hub.catalogue(agencies=[Agency("H50.12", "Đông Hà"), Agency("H50.14", "Vĩnh Linh")])
    hub.introduce("desk", agencies=["H50.12"])
    said = await hub.push([dossier(1, agency="H50.14"), dossier(2)])
    assert [one[1] for one in said.fates] == ["AGENCY_FORBIDDEN", None]
    summary = replay(hub, Chosen(reason="AGENCY_FORBIDDEN"))
    assert dict(summary.still) == {("AGENCY_FORBIDDEN", "agency"): 1}
    # Mended in the catalogue: the one lies below the other.
    hub.catalogue(
        agencies=[Agency("H50.12", "Đông Hà"), Agency("H50.14", "Vĩnh Linh", parent="H50.12")]
    )
    assert replay(hub, Chosen(reason="AGENCY_FORBIDDEN")).applied == 1


async def test_records_are_chosen_by_reason_field_or_id(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page(strange(1), row(2, serviceCode="KHONG.CO"), strange(3)))
    mend(hub)
    assert replay(hub, Chosen(reason="REF_UNKNOWN")).applied == 0
    assert replay(hub, Chosen(field="dossierStatus", ids=(ids(hub)[0],))).applied == 1
    assert replay(hub, Chosen("snv", field="dossierStatus")).applied == 1
    assert quarantined(hub) == [("uid-2", "REF_UNKNOWN", "serviceCode")]
    assert quarantine_replay.replay(hub.context, Chosen("nobody"), MENDED) == []


async def test_an_id_that_is_settled_or_unknown_is_said_so(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page(strange(1)))
    [record_id] = ids(hub)
    mend(hub)
    replay(hub)
    for wanted, reason in ((record_id, Reason.CONFLICT), (12345, Reason.NOT_FOUND)):
        with pytest.raises(HubError) as failure:
            quarantine_replay.replay(hub.context, Chosen(ids=(wanted,)), MENDED)
        assert failure.value.reason is reason


async def test_two_replays_of_a_connection_do_not_overlap(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page(strange(1)))
    name = "replay:quarantine:snv"
    hub.store.in_write(lambda tx: connections.take_lease(tx, name, "other", hub.clock(), 60))
    with pytest.raises(HubError, match="another replay"):
        replay(hub)
    hub.clock.forward(seconds=61)
    replay(hub)


async def test_a_record_that_breaks_deciding_keeps_nobody_back(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = polled(hub)
    await poll.run(page(*(strange(n) for n in range(7))))
    mend(hub)
    decide = quarantine_replay.decide_receipts

    def breaks(context: Any, tx: Any, group: Any) -> Any:
        if any(item.code == "uid-4" for one in group for item in one.found.items):
            raise ZeroDivisionError
        return decide(context, tx, group)

    monkeypatch.setattr(quarantine_replay, "decide_receipts", breaks)
    summary = replay(hub)
    assert (summary.applied, dict(summary.still)) == (6, {("CRASH_POISON", None): 1})
    assert [one[0] for one in quarantined(hub)] == ["uid-4"]


async def test_broken_off_it_goes_on_with_what_is_left(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = polled(hub)
    for n in range(4):
        await poll.run(page(strange(n)))
    mend(hub)

    class Killed(BaseException):
        pass

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        quarantine_replay.replay(hub.context, Chosen("snv"), MENDED, stop)
    assert len(ids(hub)) == 2
    summary = replay(hub)
    assert (summary.tried, summary.applied) == (2, 2)


async def test_a_reused_code_is_placed_in_its_new_generation_by_when_it_came(hub: Trial) -> None:
    """Two words of the second case were refused; the first made it new, the second follows."""
    await hub.take(dossier(1, status="handed_over", national_code=None))
    other = {"kind": "person", "name": "Lê Thị Khác"}
    again = dossier(1, applicant=other, accepted_at="2026-05-04T09:00:00+07:00", version=None)
    told = again | {"national_code": None, "updated_at": "2026-05-04T09:00:00+07:00"}
    hub.clock.forward(days=1)
    await hub.push([told])
    await hub.push([told | {"status": "finished", "updated_at": "2026-05-05T09:00:00+07:00"}])
    resolve.resolve_as_new(hub.context, ids(hub)[0], "nguoi-truc", "cấp lại")
    summary = replay(hub, Chosen("desk"))
    assert (summary.tried, summary.applied) == (1, 1)
    second = (await hub.find("desk:A-00001"))[-1]
    shown = await hub.read(second)
    assert (shown["status"], shown["legs"][0]["generation"]) == ("finished", 2)


async def test_a_quarantine_that_is_empty_ends_its_alarm(hub: Trial) -> None:
    poll = polled(hub)
    await poll.run(page(strange(1)))
    at = "2026-03-02T09:00:00+07:00"
    hub.store.in_write(lambda tx: alarms.raise_alarm(tx, "bulk_quarantine", "snv", "", at))
    mend(hub)
    replay(hub)
    with hub.store.read() as tx:
        assert "bulk_quarantine" not in {one.kind for one in alarms.list_alarms(tx)}


async def test_what_it_takes_up_is_sealed(hub: Trial) -> None:
    from sync.verify import verify

    poll = polled(hub)
    await poll.run(page(strange(1)), page(strange(2), row(9)))
    mend(hub)
    replay(hub)
    spoilt = "UPDATE receipt SET origin_id = origin_id + 1 WHERE shape = 'act:dossiers:replay:0'"
    hub.store.in_write(lambda tx: tx.exec_driver_sql(spoilt))
    told = [check.name for check in verify(hub.context).checks if not check.ok]
    assert "receipts sealed" in told
    mended = "UPDATE receipt SET origin_id = origin_id - 1 WHERE shape = 'act:dossiers:replay:0'"
    hub.store.in_write(lambda tx: tx.exec_driver_sql(mended))


async def test_a_bad_line_and_a_list_of_pushes_are_taken_up_alike(hub: Trial) -> None:
    """A push keeps its positions: only the record that was refused is read again."""
    hub.catalogue(agencies=[Agency("H50.12", "Đông Hà")])
    said = await hub.push([dossier(1), dossier(2, status="?"), dossier(3)])
    assert said.body["counts"]["quarantined"] == 1
    summary = replay(hub, Chosen("desk"))
    assert dict(summary.still) == {("STATUS_UNKNOWN", "status"): 1}
    assert intake.receipt_id_of(ids(hub)[0]) == 1
