"""Parts of a dossier in any order: absent says nothing, null says none, the newest word counts."""

import itertools
from typing import Any

import pytest

from tests.trial import Trial, dossier

SHOWN = ("status", "step", "receipt_number", "channel", "agency", "due_at", "finished_at", "fees")


def parts(code: str) -> list[dict[str, Any]]:
    """Four parts of one leg, by four facets."""
    return [
        dossier(
            code=code,
            national_code=None,
            status="accepted",
            step="Tiếp nhận",
            receipt_number="SBN-1",
            updated_at="2026-02-02T09:00:00+07:00",
        ),
        {
            "code": code,
            "facet": "reception",
            "version": 2,
            "updated_at": "2026-02-03T09:00:00+07:00",
            "receipt_number": None,
            "channel": "post",
            "applicant": {"phone": "0900000001"},
        },
        {
            "code": code,
            "facet": "step",
            "version": 3,
            "updated_at": "2026-02-04T09:00:00+07:00",
            "status": "supplement",
            "step": "Bổ sung",
        },
        {
            "code": code,
            "facet": "result",
            "version": 1,
            "updated_at": "2026-02-06T09:00:00+07:00",
            "status": "finished",
            "finished_at": "2026-02-06T08:00:00+07:00",
        },
    ]


async def test_four_facets_in_all_orders_of_arrival_give_one_picture(hub: Trial) -> None:
    pictures = []
    for number, order in enumerate(itertools.permutations(range(4))):
        told = parts(f"F-{number}")
        for place in order:
            made = await hub.take(told[place])
        seen = await hub.read(made)
        entries = [(h["status"], h["at"], h["facet"]) for h in await hub.history(made)]
        pictures.append([*(seen[name] for name in SHOWN), seen["applicant"], entries])
    assert all(picture == pictures[0] for picture in pictures)
    assert pictures[0][:7] == [
        "finished",
        "Bổ sung",
        None,
        "post",
        "H50.12",
        "2026-03-10T17:00:00+07:00",
        "2026-02-06T08:00:00+07:00",
    ]
    assert pictures[0][8]["phone"] == "0900000001"
    assert pictures[0][8]["name"] == "Nguyễn Văn Thử"
    assert [e[0] for e in pictures[0][9]] == ["accepted", "supplement", "finished"]


async def test_versions_of_one_facet_in_all_orders_give_one_picture(hub: Trial) -> None:
    told = [
        {"version": 1, "status": "accepted", "step": "Một", "raw_status": "A1"},
        {"version": 2, "status": "in_progress", "step": "Hai"},
        {"version": 3, "status": "supplement", "raw_status": None},
    ]
    pictures = set()
    for number, order in enumerate(itertools.permutations(range(3))):
        for place in order:
            record = {
                "code": f"V-{number}",
                "facet": "step",
                "updated_at": f"2026-02-0{told[place]['version']}T09:00:00+07:00",
                **told[place],
            }
            said = await hub.push(record)
            assert said.fate in ("applied", "superseded")
        seen = await hub.read(said.dossier)
        pictures.add((seen["status"], seen["step"], seen["raw_status"]))
    assert pictures == {("supplement", "Hai", None)}


async def test_one_list_with_all_parts_equals_the_parts_one_by_one(hub: Trial) -> None:
    said = await hub.push(parts("F-1"))
    assert [f[0] for f in said.fates] == ["applied"] * 4
    for part in reversed(parts("F-2")):
        one = await hub.take(part)
    assert [i["kind"] for i in await hub.feed()][:1] == ["created"]
    together, apart = await hub.read(said.dossier), await hub.read(one)
    assert {n: together[n] for n in SHOWN} == {n: apart[n] for n in SHOWN}


async def test_a_facet_before_any_snapshot_is_read_and_counts_in_no_indicator(hub: Trial) -> None:
    early = await hub.take({"code": "F-1", "facet": "step", "version": 1, "status": "in_progress"})
    assert (await hub.read(early))["status"] == "in_progress"
    counted = await hub.indicators("H50", "2026-01-01", "2026-12-31")
    assert (counted["total"], sum(counted["buckets"].values())) == (0, 0)
    same = await hub.take(dossier(code="F-1", updated_at="2026-03-01T09:00:00+07:00"))
    assert same == early
    assert (await hub.indicators("H50", "2026-01-01", "2026-12-31"))["total"] == 1


async def test_lists_are_replaced_whole_and_objects_field_by_field(hub: Trial) -> None:
    fees = [{"name": "Lệ phí", "amount": 100_000}, {"name": "Phí", "amount": 50_000}]
    made = await hub.take(dossier(1, fees=fees))
    await hub.take(
        dossier(
            1,
            version=2,
            fees=[{"name": "Lệ phí", "amount": 120_000}],
            applicant={"phone": "0900000001"},
            procedure={"code": "1.001612"},
        )
    )
    seen = await hub.read(made)
    assert [f["amount"] for f in seen["fees"]] == [120_000]
    assert (seen["applicant"]["name"], seen["applicant"]["phone"]) == (
        "Nguyễn Văn Thử",
        "0900000001",
    )
    assert seen["procedure"]["name"] == "Đăng ký thành lập hộ kinh doanh"
    await hub.take(dossier(1, version=3, applicant=None, procedure={"code": "1.001612"}))
    assert (await hub.read(made))["applicant"] is None


async def test_superseded_is_decided_within_one_facet_alone(hub: Trial) -> None:
    await hub.take(dossier(1, version=5))
    step = {"code": "A-00001", "facet": "step", "version": 1, "status": "supplement"}
    assert (await hub.push({**step, "updated_at": "2026-03-01T09:00:00+07:00"})).fate == "applied"
    older = await hub.push(dossier(1, version=4, status="finished"))
    assert older.fate == "superseded"


async def test_across_facets_the_later_moment_is_newer_whatever_its_version(hub: Trial) -> None:
    made = await hub.take(dossier(1, version=9, updated_at="2026-03-02T09:00:00+07:00"))
    step = {"code": "A-00001", "facet": "step"}
    before = {**step, "version": 100, "updated_at": "2026-03-01T09:00:00+07:00"}
    await hub.take({**before, "status": "financial"})
    assert (await hub.read(made))["status"] == "in_progress"
    after = {**step, "version": 101, "updated_at": "2026-03-03T09:00:00+07:00"}
    await hub.take({**after, "status": "supplement"})
    assert (await hub.read(made))["status"] == "supplement"


async def test_a_record_without_a_time_holds_from_its_intake(hub: Trial) -> None:
    hub.clock.set("2026-03-05T08:00:00+07:00")
    made = await hub.take(dossier(1, updated_at=...))
    [entry] = await hub.history(made)
    assert entry["at"] == "2026-03-05T08:00:00+07:00"


@pytest.mark.unproved
@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"facet": "step", "version": 1, "status": "accepted"}, "code"),
        ({"code": "F-9", "facet": "step", "status": "accepted"}, "version"),
        ({"code": "F-9", "facet": "money", "version": None, "updated_at": None}, "version"),
        (dossier(status=...), "status"),
        (dossier(agency=...), "agency"),
        (dossier(procedure=...), "procedure"),
        (dossier(procedure={"name": "?"}), "procedure.code"),
        (dossier(agency=None), "agency"),
    ],
)
async def test_what_each_facet_must_say(hub: Trial, record: dict[str, Any], field: str) -> None:
    said = await hub.push(record)
    assert (said.status, said.fate, said.body["field"]) == (422, "FIELD_MISSING", field)


@pytest.mark.unproved
@pytest.mark.parametrize(
    ("facet", "field", "value"),
    [
        ("step", "finished_at", "2026-03-02T09:00:00+07:00"),
        ("step", "fees", []),
        ("result", "due_at", "2026-03-02T09:00:00+07:00"),
        ("reception", "rating", None),
        ("reception", "finished_at", None),
        ("money", "history", []),
        ("rating", "status", "accepted"),
    ],
)
async def test_a_field_of_another_facet_is_unknown(
    hub: Trial, facet: str, field: str, value: Any
) -> None:
    said = await hub.push({"code": "F-9", "facet": facet, "version": 1, field: value})
    assert (said.fate, said.body["field"]) == ("FIELD_UNKNOWN", field)


async def test_a_facet_is_one_of_six(hub: Trial) -> None:
    said = await hub.push({"code": "F-9", "facet": "gossip", "version": 1})
    assert (said.status, said.fate, said.body["field"]) == (422, "FIELD_TYPE", "facet")
