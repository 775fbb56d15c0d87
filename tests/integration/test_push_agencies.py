"""Whose agency it is: grants on pushing and reading, below an agency and after its succession."""

from datetime import date
from typing import Any

from canonical.agencies import Agency, Succession
from tests.trial import PUSH, Trial, dossier

THE_DAY = date(2025, 7, 1)


async def test_a_foreign_agency_is_403_alone_and_one_quarantined_record_in_a_list(
    hub: Trial,
) -> None:
    hub.introduce("land", agencies=["H50.09"])
    alone = await hub.push(dossier(1), "land")
    assert (alone.status, alone.fate, alone.body["field"]) == (403, "AGENCY_FORBIDDEN", "agency")
    said = await hub.push(
        [
            dossier(1),
            dossier(2, agency="H50.09", received_at_agency="H50.12"),
            dossier(3, agency="H50.09.01"),
            dossier(4, agency="000.00.09.H50"),
            dossier(5, agency="H50.091"),
        ],
        "land",
    )
    assert said.status == 200
    assert said.fates == [
        ("quarantined", "AGENCY_FORBIDDEN", "agency"),
        ("quarantined", "AGENCY_FORBIDDEN", "received_at_agency"),
        ("applied", None, None),
        ("applied", None, None),
        ("quarantined", "AGENCY_FORBIDDEN", "agency"),
    ]


async def test_a_part_without_an_agency_cannot_touch_a_leg_of_a_foreign_one(hub: Trial) -> None:
    hub.introduce("province", connections=["desk"])
    hub.introduce("commune", connections=["desk"], agencies=["H50.14"])
    made = await hub.take(dossier(1), "province")
    step = {"code": "A-00001", "facet": "step", "version": 1, "status": "stopped"}
    said = await hub.push(step, "commune")
    assert (said.status, said.fate) == (403, "AGENCY_FORBIDDEN")
    taken = await hub.push(dossier(1, version=2, agency="H50.14"), "commune")
    assert taken.fate == "AGENCY_FORBIDDEN"
    assert (await hub.read(made))["status"] == "in_progress"


async def test_a_reader_of_one_agency_sees_no_other_at_any_door(hub: Trial) -> None:
    hub.introduce("ward", scopes=["read"], agencies=["H50.14"])
    theirs = await hub.take(dossier(1))
    mine = await hub.take(dossier(2, agency="H50.14.07"))
    received = await hub.take(dossier(3, agency="H50.09", received_at_agency="H50.14"))
    listed = {i["id"] for i in (await hub.get(PUSH, "ward"))["items"]}
    assert listed == {mine, received}
    assert await hub.find("desk:A-00001", "ward") == []
    for path in (f"{PUSH}/{theirs}", f"{PUSH}/{theirs}/history"):
        assert (await hub.call("GET", path, who="ward")).status == 404
    assert {i["dossier"] for i in await hub.feed(who="ward")} == {mine, received}
    # The feed passes over what may not be seen, and never stalls on it.
    page = await hub.get("/api/v1/changes", "ward", after=0, limit=1)
    assert (page["items"], page["next_after"]) == ([], 1)
    foreign = {"agency": "H50.12", "from": "2026-01-01", "to": "2026-12-31"}
    said = await hub.call("GET", "/api/v1/indicators", who="ward", params=foreign)
    assert (said.status, said.body["reason"]) == (403, "FORBIDDEN")
    assert (await hub.indicators("H50.14", "2026-01-01", "2026-12-31", "ward"))["total"] == 2


def merged_districts(hub: Trial) -> None:
    """Gio Linh and Vĩnh Linh end on 1 July 2025; the communes of a new ward take over."""
    hub.catalogue(
        agencies=[
            Agency("H50.17", "UBND huyện Gio Linh", valid_to=THE_DAY),
            Agency("H50.17.05", "Thị trấn Gio Linh", valid_to=THE_DAY),
            Agency("H50.61", "UBND xã Gio Linh", valid_from=THE_DAY),
        ],
        successions=[Succession("H50.17", "H50.61", THE_DAY)],
    )


OLD: dict[str, Any] = {
    "agency": "H50.17",
    "accepted_at": "2025-06-20T09:00:00+07:00",
    "due_at": "2025-07-20T17:00:00+07:00",
    "updated_at": "2025-06-20T09:00:00+07:00",
}


async def test_a_successor_pushes_reads_and_counts_what_its_predecessor_left_open(
    hub: Trial,
) -> None:
    merged_districts(hub)
    hub.introduce("district", connections=["desk"], agencies=["H50.17"])
    hub.introduce("ward", connections=["desk"], agencies=["H50.61"])
    hub.introduce("ward-reader", scopes=["read"], agencies=["H50.61"])
    hub.clock.set("2025-06-25T09:00:00+07:00")
    opened = await hub.take(dossier(1, **OLD), "district")
    closed = await hub.take(
        dossier(2, **{**OLD, "status": "finished", "finished_at": "2025-06-24T09:00:00+07:00"}),
        "district",
    )
    # Before the day the ward may do nothing.
    early = await hub.push(dossier(1, version=2, **OLD), "ward")
    assert early.fate == "AGENCY_FORBIDDEN"
    assert (await hub.call("GET", f"{PUSH}/{opened}", who="ward-reader")).status == 404

    hub.clock.set("2025-07-01T00:00:00+07:00")
    assert (await hub.read(opened, "ward-reader"))["id"] == opened
    done = dossier(
        1,
        **{
            **OLD,
            "version": 2,
            "status": "finished",
            "finished_at": "2025-07-10T09:00:00+07:00",
            "updated_at": "2025-07-10T09:00:00+07:00",
        },
    )
    assert await hub.take(done, "ward") == opened
    hub.clock.set("2025-12-31T12:00:00+07:00")
    counted = await hub.indicators("H50.61", "2025-01-01", "2025-12-31")
    assert (counted["total"], counted["buckets"]["early"]) == (1, 1)
    # What was closed before stays the predecessor's alone, and the province counts each once.
    assert (await hub.indicators("H50.17", "2025-01-01", "2025-12-31"))["total"] == 2
    assert (await hub.indicators("H50", "2025-01-01", "2025-12-31"))["total"] == 2
    assert closed in {i["id"] for i in (await hub.get(PUSH, agency="H50.17"))["items"]}
    before = await hub.indicators("H50.61", "2025-01-01", "2025-12-31", as_of="2025-06-30")
    assert before["total"] == 0


async def test_an_office_below_an_ended_district_goes_over_with_it(hub: Trial) -> None:
    merged_districts(hub)
    hub.introduce("ward", connections=["desk"], agencies=["H50.61"])
    hub.clock.set("2025-07-02T09:00:00+07:00")
    assert (await hub.push(dossier(1, **{**OLD, "agency": "H50.17.05"}), "ward")).status == 200
    assert (await hub.push(dossier(2, **{**OLD, "agency": "H50.18"}), "ward")).status == 403


async def test_an_uncatalogued_code_is_placed_by_its_dots(hub: Trial) -> None:
    await hub.take(dossier(1, agency="H50.97.07"))
    for asked, total in (
        ("H50", 1),
        ("H50.97", 1),
        ("H50.97.07", 1),
        ("H50.9", 0),
        ("H50.97.0", 0),
    ):
        counted = await hub.indicators(asked, "2026-01-01", "2026-12-31")
        assert counted["total"] == total, asked
