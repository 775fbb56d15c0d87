"""A local code given to another case after its end: set apart, and made new by a person."""

from typing import Any

import pytest

from canonical.errors import HubError
from canonical.reasons import Reason
from store import quarantine
from sync import resolve
from tests.trial import Trial, dossier


def ended(**over: Any) -> dict[str, Any]:
    return dossier(
        1,
        **{
            "status": "handed_over",
            "handed_over_at": "2026-03-09T09:00:00+07:00",
            "updated_at": "2026-03-09T09:00:00+07:00",
            "national_code": None,
            **over,
        },
    )


OTHER = {"kind": "person", "name": "Lê Thị Khác"}
LATER = {"accepted_at": "2026-05-04T09:00:00+07:00", "updated_at": "2026-05-04T09:00:00+07:00"}


def another(**over: Any) -> dict[str, Any]:
    """The same code for another case: another applicant on another day."""
    return dossier(1, **{"version": 9, "national_code": None, "applicant": OTHER, **LATER, **over})


@pytest.mark.unproved
@pytest.mark.parametrize(
    ("changed", "is_reused"),
    [
        ({"applicant": OTHER}, False),
        ({"procedure": {"code": "2.000889"}}, False),
        ({"accepted_at": LATER["accepted_at"]}, False),
        ({"applicant": OTHER, "procedure": {"code": "2.000889"}}, True),
        ({"applicant": OTHER, "accepted_at": LATER["accepted_at"]}, True),
        ({"procedure": {"code": "2.000889"}, "accepted_at": LATER["accepted_at"]}, True),
        ({"applicant": {"name": "NGUYỄN văn  thử"}, "accepted_at": LATER["accepted_at"]}, False),
    ],
)
@pytest.mark.parametrize("status", ["handed_over", "stopped", "withdrawn", "refused"])
async def test_two_of_procedure_applicant_and_day_tell_another_case(
    hub: Trial, status: str, changed: dict[str, Any], is_reused: bool
) -> None:
    await hub.take(ended(status=status, handed_over_at=None))
    said = await hub.push(
        dossier(1, version=2, national_code=None, updated_at=LATER["updated_at"], **changed)
    )
    assert said.fate == ("CODE_REUSED" if is_reused else "applied")


@pytest.mark.unproved
@pytest.mark.parametrize("status", ["finished", "in_progress", "supplement", "accepted"])
async def test_before_its_end_a_code_is_corrected_and_not_reused(hub: Trial, status: str) -> None:
    await hub.take(ended(status=status, handed_over_at=None))
    assert (await hub.push(another())).fate == "applied"


async def reused(hub: Trial) -> tuple[str, int]:
    """(dossier of the first case, id of the quarantined record)."""
    first = await hub.take(ended())
    said = await hub.push(another())
    assert (said.status, said.fate) == (422, "CODE_REUSED")
    with hub.store.read() as tx:
        [row] = quarantine.list_quarantine(tx)
    assert (row.reason, row.code, row.count) == ("CODE_REUSED", "A-00001", 1)
    return first, row.id


async def test_resolved_as_new_the_code_begins_its_next_generation(hub: Trial) -> None:
    first, record_id = await reused(hub)
    before = await hub.seq()
    outcome = resolve.resolve_as_new(hub.context, record_id, "nguoi-truc", "mã được cấp lại")
    assert outcome.counts["applied"] == 1
    [change] = await hub.feed(before)
    second = change["dossier"]
    assert (change["kind"], second != first) == ("created", True)
    assert outcome.dossiers == {0: second}
    old, new = await hub.read(first), await hub.read(second)
    assert [leg["generation"] for leg in old["legs"] + new["legs"]] == [1, 2]
    assert (old["status"], new["status"]) == ("handed_over", "in_progress")
    assert new["applicant"]["name"] == "Lê Thị Khác"
    assert old["applicant"]["name"] == "Nguyễn Văn Thử"
    # From now on the code speaks of its newest generation.
    more = another(version=10, status="finished", updated_at="2026-05-09T09:00:00+07:00")
    assert await hub.take(more) == second
    assert (await hub.read(first))["status"] == "handed_over"
    assert set(await hub.find("desk:A-00001")) == {first, second}


async def test_the_records_own_disposition_is_not_rewritten(hub: Trial) -> None:
    _, record_id = await reused(hub)
    outcome = resolve.resolve_as_new(hub.context, record_id, "nguoi-truc", "mã được cấp lại")
    with hub.store.read() as tx:
        row = quarantine.load_quarantined(tx, record_id)
        assert row is not None
        assert (row.reason, row.resolved_by is not None) == ("CODE_REUSED", True)
        assert quarantine.list_quarantine(tx) == []
    told = await hub.get(f"/api/v1/receipts/{outcome.receipt}", "admin")
    assert told["counts"]["applied"] == 1


async def test_a_record_is_resolved_once_and_only_where_its_code_was_reused(hub: Trial) -> None:
    _, record_id = await reused(hub)
    resolve.resolve_as_new(hub.context, record_id, "nguoi-truc", "một lần")
    bad = await hub.push([dossier(7, status="?")])
    assert bad.fates[0][1] == "STATUS_UNKNOWN"
    with hub.store.read() as tx:
        [other] = quarantine.list_quarantine(tx)
    before = await hub.seq()
    for wanted, reason in (
        (record_id, Reason.CONFLICT),
        (other.id, Reason.CONFLICT),
        (12345, Reason.NOT_FOUND),
    ):
        with pytest.raises(HubError) as failure:
            resolve.resolve_as_new(hub.context, wanted, "nguoi-truc", "lần nữa")
        assert failure.value.reason is reason
    assert await hub.seq() == before


async def test_in_a_list_reuse_is_seen_against_what_is_held(hub: Trial) -> None:
    await hub.take(ended())
    said = await hub.push([another(), dossier(2), another(version=10)])
    assert [f[1] for f in said.fates] == ["CODE_REUSED", None, "CODE_REUSED"]


@pytest.mark.parametrize("is_one_list", [True, False])
async def test_reuse_is_seen_alike_in_one_list_and_one_by_one(
    hub: Trial, is_one_list: bool
) -> None:
    """Five years of dossiers arrive in pages: a code's two cases may stand in one."""
    told = [dossier(1, version=0, national_code=None), ended(), another(), another(version=10)]
    if is_one_list:
        fates = [f[1] for f in (await hub.push(told)).fates]
    else:
        answers = [await hub.push([one]) for one in told]
        fates = [a.fates[0][1] for a in answers]
    assert fates == [None, None, "CODE_REUSED", "CODE_REUSED"]
    [made] = await hub.find("desk:A-00001")
    assert (await hub.read(made))["applicant"]["name"] == "Nguyễn Văn Thử"


async def test_what_is_held_stays_a_duplicate_however_the_case_was_corrected(hub: Trial) -> None:
    first = dossier(1, national_code=None)
    await hub.take(first)
    await hub.take(ended(version=2, applicant=OTHER, accepted_at="2026-03-01T09:00:00+07:00"))
    assert (await hub.push(first)).fate == "duplicate"


async def test_a_new_case_that_counts_its_versions_from_one_again_is_reuse(hub: Trial) -> None:
    await hub.take(ended(version=1))
    assert (await hub.push(another(version=1))).fate == "CODE_REUSED"
