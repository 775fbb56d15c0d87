"""Who speaks for a dossier of several legs; turning the precedence round turns the answer round."""

from typing import Any

import pytest

from canonical.catalogue import ProcedureFacts
from tests.trial import Trial, dossier

LICENCE = "1.002835"
LAND = "1.004199"
TURNED = {
    "reception": ["handling", "desk"],
    "work": ["desk", "handling"],
    "hand_over": ["handling", "desk"],
    "state": ["desk"],
}


def licence(hub: Trial, precedence: dict[str, list[str]]) -> None:
    """A driving licence: the one-stop desk takes it in, the Department of Transport works."""
    hub.connect("transport-dept", role="handling")
    hub.catalogue(
        procedures=[ProcedureFacts(LICENCE, "Đổi giấy phép lái xe", precedence=precedence)]
    )


DESK_SAYS: dict[str, Any] = {
    "code": "MC-1",
    "national_code": "H50.06-260302-0001",
    "procedure": {"code": LICENCE, "name": "Đổi GPLX (một cửa)"},
    "agency": "H50.06",
    "accepted_at": "2026-03-02T09:00:00+07:00",
    "due_at": "2026-03-10T17:00:00+07:00",
    "status": "handed_over",
    "step": "Trả kết quả",
    "finished_at": "2026-03-11T16:00:00+07:00",
    "handed_over_at": "2026-03-12T08:00:00+07:00",
    "updated_at": "2026-03-12T08:00:00+07:00",
}
TRANSPORT_SAYS: dict[str, Any] = {
    "code": "GPLX-1",
    "national_code": "H50.06-260302-0001",
    "procedure": {"code": LICENCE, "name": "Đổi GPLX (Sở GTVT)"},
    "agency": "H50.19",
    "accepted_at": "2026-03-03T09:00:00+07:00",
    "due_at": "2026-03-17T17:00:00+07:00",
    "status": "finished",
    "step": "Đã in bằng",
    "finished_at": "2026-03-10T10:00:00+07:00",
    "handed_over_at": "2026-03-13T08:00:00+07:00",
    "updated_at": "2026-03-13T09:00:00+07:00",
}


async def push_licence(hub: Trial, *, desk_first: bool) -> dict[str, Any]:
    told = [(dossier(**DESK_SAYS), "desk"), (dossier(**TRANSPORT_SAYS), "transport-dept")]
    for record, who in told if desk_first else reversed(told):
        made = await hub.take(record, who)
    return await hub.read(made)


@pytest.mark.parametrize("desk_first", [True, False])
async def test_a_licence_takes_reception_from_the_desk_and_work_from_the_department(
    hub: Trial, desk_first: bool
) -> None:
    licence(hub, {})
    seen = await push_licence(hub, desk_first=desk_first)
    desk, works = "desk:MC-1", "transport-dept:GPLX-1"
    assert seen["accepted_at"] == "2026-03-02T09:00:00+07:00"
    assert seen["due_at"] == "2026-03-10T17:00:00+07:00"
    assert seen["procedure"]["name"] == "Đổi GPLX (một cửa)"
    assert seen["received_at_agency"] == "H50.06"
    assert seen["finished_at"] == "2026-03-10T10:00:00+07:00"
    assert seen["handed_over_at"] == "2026-03-12T08:00:00+07:00"
    assert seen["agency"] == "H50.19"
    assert (seen["status"], seen["step"]) == ("finished", "Đã in bằng")  # the latest of both
    spoke = seen["spoke"]
    assert [spoke[n] for n in ("accepted_at", "due_at", "handed_over_at")] == [desk] * 3
    assert [spoke[n] for n in ("finished_at", "agency", "status", "step")] == [works] * 4


@pytest.mark.parametrize("desk_first", [True, False])
async def test_the_precedence_of_a_licence_turned_round_turns_its_answer_round(
    hub: Trial, desk_first: bool
) -> None:
    licence(hub, TURNED)
    seen = await push_licence(hub, desk_first=desk_first)
    desk, works = "desk:MC-1", "transport-dept:GPLX-1"
    assert seen["accepted_at"] == "2026-03-03T09:00:00+07:00"
    assert seen["due_at"] == "2026-03-17T17:00:00+07:00"
    assert seen["procedure"]["name"] == "Đổi GPLX (Sở GTVT)"
    assert seen["received_at_agency"] == "H50.19"
    assert seen["finished_at"] == "2026-03-11T16:00:00+07:00"
    assert seen["handed_over_at"] == "2026-03-13T08:00:00+07:00"
    assert seen["agency"] == "H50.06"
    assert (seen["status"], seen["step"]) == ("handed_over", "Trả kết quả")
    spoke = seen["spoke"]
    assert [spoke[n] for n in ("accepted_at", "due_at", "handed_over_at")] == [works] * 3
    assert [spoke[n] for n in ("finished_at", "agency", "status", "step")] == [desk] * 4


@pytest.mark.parametrize(
    ("precedence", "agency", "bucket"),
    [({}, "H50.06", "on_time"), (TURNED, "H50.19", "early")],
)
async def test_turned_round_the_licence_counts_elsewhere_and_otherwise(
    hub: Trial, precedence: dict[str, list[str]], agency: str, bucket: str
) -> None:
    licence(hub, precedence)
    await push_licence(hub, desk_first=True)
    for asked in ("H50.06", "H50.19"):
        counted = await hub.indicators(asked, "2026-01-01", "2026-03-31", as_of="2026-03-31")
        expected = {bucket: 1} if asked == agency else {}
        assert {k: v for k, v in counted["buckets"].items() if v} == expected


async def land_dossier(hub: Trial, precedence: dict[str, list[str]]) -> tuple[str, str]:
    """Land: the desk takes it in, the tax office asks for a duty, and is paid; (id, last seq)."""
    hub.catalogue(procedures=[ProcedureFacts(LAND, "Đăng ký biến động", precedence=precedence)])
    made = await hub.take(
        dossier(
            code="DD-1",
            national_code=None,
            procedure={"code": LAND},
            agency="H50.09",
            status="in_progress",
            fees=[{"name": "Lệ phí địa chính", "amount": 15_000}],
        )
    )
    money = {
        "code": "TB-1",
        "facet": "money",
        "links": [{"namespace": "desk", "code": "DD-1"}],
    }
    asked = {
        **money,
        "updated_at": "2026-03-04T09:00:00+07:00",
        "status": "financial",
        "fees": [{"name": "Lệ phí trước bạ", "amount": 2_500_000}],
    }
    assert await hub.take(asked, "tax") == made
    waits = (await hub.read(made))["status"]
    paid = {
        **money,
        "updated_at": "2026-03-06T09:00:00+07:00",
        "status": "finished",
        "fees": [
            {
                "name": "Lệ phí trước bạ",
                "amount": 2_500_000,
                "paid_at": "2026-03-06T08:00:00+07:00",
            }
        ],
    }
    assert await hub.take(paid, "tax") == made
    return made, waits


async def test_of_a_land_dossier_the_tax_office_says_financial_and_nothing_else(
    hub: Trial,
) -> None:
    made, waits = await land_dossier(hub, {})
    assert waits == "financial"
    seen = await hub.read(made)
    # "finished" is the tax office's own end, not the dossier's: the desk's word stands.
    assert seen["status"] == "in_progress"
    assert seen["spoke"]["status"] == "desk:DD-1"
    assert seen["fees"][0]["amount"] == 2_500_000
    assert seen["spoke"]["fees"] == "tax:TB-1"
    # While it waited for the duty it counts as waiting, before and after as open.
    for day, bucket in (("03", "open_in_term"), ("04", "waiting"), ("06", "open_in_term")):
        counted = await hub.indicators("H50.09", "2026-03-01", "2026-03-31", as_of=f"2026-03-{day}")
        assert {k for k, v in counted["buckets"].items() if v} == {bucket}


async def test_the_precedence_of_a_land_dossier_turned_round_turns_its_answer_round(
    hub: Trial,
) -> None:
    turned = {"state": ["desk", "handling", "money"], "money": ["desk", "money"]}
    made, waits = await land_dossier(hub, turned)
    assert waits == "financial"
    seen = await hub.read(made)
    assert (seen["status"], seen["spoke"]["status"]) == ("finished", "tax:TB-1")
    assert (seen["fees"][0]["amount"], seen["spoke"]["fees"]) == (15_000, "desk:DD-1")


async def test_a_money_leg_that_may_not_speak_of_the_state_at_all_is_not_heard(
    hub: Trial,
) -> None:
    made = await hub.take(
        {"code": "TB-2", "facet": "money", "version": 1, "status": "in_progress"}, "tax"
    )
    seen = await hub.read(made)
    assert seen["status"] is None
    assert seen["legs"][0]["status"] == "in_progress"


async def test_where_the_leg_that_should_speak_is_silent_the_next_one_does(hub: Trial) -> None:
    hub.connect("transport-dept", role="handling")
    silent = {**DESK_SAYS, "due_at": None, "handed_over_at": None, "receipt_number": None}
    await hub.take(dossier(**silent))
    made = await hub.take(dossier(**TRANSPORT_SAYS, receipt_number="GT-7"), "transport-dept")
    seen = await hub.read(made)
    for name in ("due_at", "handed_over_at", "receipt_number"):
        assert seen["spoke"][name] == "transport-dept:GPLX-1"
    assert seen["handed_over_at"] == TRANSPORT_SAYS["handed_over_at"]
