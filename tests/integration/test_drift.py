"""What departments send drifts: named, alarmed, settled; and nobody else waits for it."""

import json
from typing import Any

import pytest

from adapters.simulation import rest_sample, running
from canonical.errors import HubError
from store import alarms, drifts
from sync import drift, wishes
from sync.connecting import By
from sync.connection_edits import Change, Told, mend
from sync.run import sync_connection
from sync.runbook import Summary, Window
from tests.contract.declared.department import declaration
from tests.integration.test_trying import declared, ready, try_
from tests.polled import BEGUN, Poll, row
from tests.trial import Trial

__all__ = ["ready"]  # a fixture
ME = By("nguoi-truc", "sở đã báo trước")
RENAMED = {"rename": "capNhatLuc:thoiDiemCapNhat", "rename_procedure": "2.000889"}


def lasting(hub: Trial) -> list[str]:
    """What alarms of drift say."""
    with hub.store.read() as tx:
        return [one.detail for one in alarms.list_alarms(tx) if one.kind == drift.ALARM]


async def synced(hub: Trial) -> Summary:
    return await sync_connection(hub.context, "so-mau", Window(is_full=True))


async def test_a_renamed_field_is_named_and_other_procedures_keep_flowing(ready: Trial) -> None:
    simulation = rest_sample.build(None, RENAMED)
    async with running(simulation.app) as base:
        declared(ready, "rest", base, simulation)
        assert (await try_(ready)).passed
        wishes.enable(ready.context, "so-mau", ME)
        assert (await synced(ready)).applied == 25
        assert drift.drift_of(ready.context, "so-mau").findings == []
        assert lasting(ready) == []
        simulation.mood = "drift"
        told = await synced(ready)
        # Eight of the renamed procedure wait; the others are known already.
        assert (told.quarantined, told.duplicate) == (8, 17)
        [found] = drift.drift_of(ready.context, "so-mau").findings
        assert (found.kind, found.field, found.to) == ("renamed", "capNhatLuc", "thoiDiemCapNhat")
        assert found.procedures == ["2.000889"]
        assert found.places == ["record.rows[2] updated_at"]
        [alarm] = lasting(ready)
        assert "capNhatLuc đổi tên thành thoiDiemCapNhat" in alarm
        assert "2.000889" in alarm
        await synced(ready)
        assert len(drift.drift_of(ready.context, "so-mau").findings) == 1
        # The department takes it back: over by itself.
        simulation.mood = "well"
        await synced(ready)
        assert lasting(ready) == []
        [past] = drift.drift_of(ready.context, "so-mau", with_past=True).past
        assert past.ended_by == "gone"
        # It comes again, and the mapping learns the new name: over as well.
        simulation.mood = "drift"
        await synced(ready)
        assert len(lasting(ready)) == 1
        mended = declaration("rest.toml")
        rows = mended["mapping"]["shapes"]["record"]["rows"]
        place = next(i for i, one in enumerate(rows) if one["target"] == "updated_at")
        del rows[place]["source"]
        rows[place]["first_of"] = ["capNhatLuc", "thoiDiemCapNhat"]
        mend(ready.context, "so-mau", Change(told=Told(declaration=mended)), ME)
        assert (await try_(ready)).passed
        wishes.enable(ready.context, "so-mau", ME)
        told = await synced(ready)
        assert (told.quarantined, lasting(ready)) == (0, [])
        [newest, _] = drift.drift_of(ready.context, "so-mau", with_past=True).past
        assert newest.ended_by == "mapped"


async def test_what_changed_is_taken_as_known_with_a_reason(hub: Trial) -> None:
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")

    async def come(moved: int, **over: Any) -> None:
        rows = [row(n, modifiedDate=BEGUN + moved * 60_000, **over) for n in range(30)]
        await poll.run(json.dumps({"total": 30, "data": rows}).encode())

    await come(0)
    assert lasting(hub) == []
    await come(1, receiveDate="2026-03-02T09:00:00", tenMoi="x", dossierStatus="la_trang_thai_moi")
    found = {one.kind: one for one in drift.drift_of(hub.context, "snv").findings}
    assert found["new"].field == "tenMoi"
    assert (found["retyped"].field, found["retyped"].after) == ("receiveDate", ["text"])
    assert "la_trang_thai_moi" in found["value"].after if "value" in found else True
    assert "tenMoi" in lasting(hub)[0]
    with pytest.raises(HubError, match="say why"):
        drift.accept(hub.context, "snv", By("ai-do", ""))
    done = drift.accept(hub.context, "snv", ME, {found["new"].id})
    assert [(one.field, one.author, one.reason) for one in done] == [
        ("tenMoi", ME.author, ME.reason)
    ]
    drift.accept(hub.context, "snv", ME)
    assert lasting(hub) == []
    with pytest.raises(HubError, match="nothing of"):
        drift.accept(hub.context, "snv", ME)
    await come(2, receiveDate="2026-03-02T09:00:00", tenMoi="x", dossierStatus="la_trang_thai_moi")
    assert lasting(hub) == []
    # A field that every record had, and none has any more.
    more = {"receiveDate": "2026-03-02T09:00:00", "tenMoi": "x"}
    rows = [row(n, modifiedDate=BEGUN + 3 * 60_000, **more) for n in range(30)]
    for one in rows:
        del one["applicantName"]
    await poll.run(json.dumps({"total": 30, "data": rows}).encode())
    [lost] = drift.drift_of(hub.context, "snv").findings
    assert (lost.kind, lost.field) == ("lost", "applicantName")
    assert lost.places


async def test_no_value_of_a_person_is_kept(hub: Trial) -> None:
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    rows = [row(n, applicantName=f"Nguyễn Bí Mật {n}") for n in range(30)]
    await poll.run(json.dumps({"total": 30, "data": rows}).encode())
    with hub.store.read() as tx:
        kept = "".join(one.body for one in drifts.load_shapes(tx, "snv"))
    assert "processing" in kept, "a code of a table is what drift is found by"
    for word in ("Nguyễn", "Bí Mật", "H50.06-260302"):
        assert word not in kept
