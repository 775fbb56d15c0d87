"""Sở Nội vụ's one-stop app: what its words mean."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters import registry
from adapters.one_stop import invented
from adapters.one_stop.transforms import local_number, moment, national_number
from canonical import codes
from canonical.mapping import compile_mapping
from canonical.mapping.compile import Unmapped
from canonical.mapping.transforms import Bad
from canonical.reasons import Reason
from canonical.record import Record, VersionBy, to_record
from canonical.states import Status

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
FOLDER = registry.folder_of("one_stop")
SYSTEM = registry.load("one_stop")
MAPPING = compile_mapping(SYSTEM.mapping_document or {}, SYSTEM.transforms)
DOSSIERS = MAPPING.shapes["dossiers"]
CONTRACT = json.loads((FOLDER / "contract" / "openapi.json").read_text("utf-8"))
CODES = json.loads((FOLDER / "contract" / "codes.json").read_text("utf-8"))
ROW: dict[str, Any] = next(row for row in invented.rows() if row["dossierStatus"] == "processing")


def mapped(**changes: Any) -> dict[str, Any] | Unmapped:
    return DOSSIERS.apply(ROW | changes)


def status_of(**changes: Any) -> str:
    told = mapped(**changes)
    return f"! {told.reason}" if isinstance(told, Unmapped) else str(told["status"])


def says_of(**changes: Any) -> dict[str, Any]:
    told = mapped(**changes)
    assert isinstance(told, dict), told
    record = to_record(told, 0, now=NOW, version_by=VersionBy.TIME)
    assert isinstance(record, Record), record
    return record.says


# Words


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("collecting", Status.SUBMITTED),
        ("new", Status.ACCEPTED),
        ("denied", Status.REFUSED),
        ("processing", Status.IN_PROGRESS),
        ("handover", Status.IN_PROGRESS),
        ("interoperating", Status.IN_PROGRESS),
        ("130", Status.IN_PROGRESS),
        ("210", Status.IN_PROGRESS),
        ("waiting", Status.SUPPLEMENT),
        ("correcting", Status.SUPPLEMENT),
        ("pausing", Status.SUPPLEMENT),
        ("paying", Status.FINANCIAL),
        ("cancelling", Status.WITHDRAWN),
        ("cancelled", Status.WITHDRAWN),
        ("unresolved", Status.STOPPED),
        ("releasing", Status.FINISHED),
        ("posting", Status.FINISHED),
        ("done", Status.HANDED_OVER),
    ],
)
def test_a_state_word_is_its_national_state(word: str, status: Status) -> None:
    assert status_of(dossierStatus=word) == status


@pytest.mark.parametrize("word", ["300", "302", "310", "400", "410", "Done", "finished", "9"])
def test_a_word_without_national_counterpart_is_refused(word: str) -> None:
    assert status_of(dossierStatus=word) == "! STATUS_UNKNOWN"


@pytest.mark.parametrize(
    ("word", "sub", "told"),
    [
        ("processing", "processing_7", "in_progress"),
        ("processing", "processing_8", "! STATUS_UNKNOWN"),
        ("processing", "paying_1", "! STATUS_UNKNOWN"),
        ("paying", "paying_2", "financial"),
        ("done", "done_5", "handed_over"),
        ("waiting", "", "supplement"),
        ("waiting", None, "supplement"),
        ("waiting", "waiting_5", "! STATUS_UNKNOWN"),
        ("130", "130_1", "! STATUS_UNKNOWN"),
        ("releasing", "releasing_2", "finished"),  # a word that no process splits
        (" processing ", "processing_9", "! STATUS_UNKNOWN"),
    ],
)
def test_a_sub_state_decides_where_processes_split_the_word(
    word: str, sub: str | None, told: str
) -> None:
    assert status_of(dossierStatus=word, dossierSubStatus=sub) == told


def test_receiving_is_submitted_online_and_nothing_at_the_desk() -> None:
    assert status_of(dossierStatus="receiving", online=True) == "submitted"
    assert status_of(dossierStatus="receiving", online=False) == "! STATUS_UNKNOWN"
    assert status_of(dossierStatus="receiving", online=None) == "! STATUS_UNKNOWN"


def test_one_line_in_a_connections_table_settles_an_unknown_sub_state() -> None:
    own = {"status": {"processing/processing_42": "supplement", "receiving@desk": "submitted"}}
    shape = compile_mapping(SYSTEM.mapping_document or {}, SYSTEM.transforms, own).shapes[
        "dossiers"
    ]
    waiting = shape.apply(ROW | {"dossierSubStatus": "processing_42"})
    at_desk = shape.apply(ROW | {"dossierStatus": "receiving", "online": False})
    assert isinstance(waiting, dict)
    assert isinstance(at_desk, dict)
    assert (waiting["status"], at_desk["status"]) == ("supplement", "submitted")


def test_every_word_is_split_by_process_or_named_as_not() -> None:
    told = next(r for r in shape_rows() if "dossierSubStatus &&" in r.get("when", ""))["when"]
    plain = set(json.loads(told.split("`")[1]))
    split = {key.split("/")[0] for key in MAPPING.tables["status"] if "/" in key}
    steps = {key for key in MAPPING.tables["status"] if key.isdecimal()}
    assert plain & split == set()
    assert plain | split | steps == {k for k in MAPPING.tables["status"] if "/" not in k}


def test_a_sub_state_of_a_known_word_means_what_the_word_means_unless_it_says_so() -> None:
    table = MAPPING.tables["status"]
    assert {table[key] == table[key.split("/")[0]] for key in table if "/" in key} == {True}


def shape_rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (SYSTEM.mapping_document or {})["shapes"]["dossiers"]["rows"]
    return rows


# Contract and mapping in step


def test_the_mapping_reads_or_ignores_every_name_of_the_contract() -> None:
    names = set(CONTRACT["components"]["schemas"]["Dossier"]["properties"])
    assert names <= DOSSIERS.known
    ignored = set((SYSTEM.mapping_document or {})["shapes"]["dossiers"]["ignored"])
    assert ignored <= names, "ignored and not in the contract"


def test_the_simulator_says_nothing_that_is_not_in_the_contract() -> None:
    names = set(CONTRACT["components"]["schemas"]["Dossier"]["properties"])
    actions = set(CONTRACT["components"]["schemas"]["DossierAction"]["properties"])
    for row in invented.rows():
        assert set(row) <= names
        assert all(set(action) <= actions for action in row["dossierActions"] or [])


def test_codes_of_the_contract_are_those_of_the_tables() -> None:
    tables = MAPPING.tables
    assert set(CODES["services"]) == set(tables["procedure"])
    assert set(CODES["servers"]) == set(tables["server"])
    told = {name: codes.agency_code(a["identifier"]) for name, a in CODES["agencies"].items()}
    assert told == tables["agency"]
    assert len(told) == len(set(told.values())) == 19 + 7


@pytest.mark.parametrize(
    ("field", "value"),
    [("serviceCode", "SNV.LA"), ("govAgencyCode", "SXX"), ("applicantIdType", "org")],
)
def test_a_code_that_no_table_holds_is_named(field: str, value: str) -> None:
    told = mapped(**{field: value})
    assert isinstance(told, Unmapped)
    assert (told.reason, told.field) == (Reason.REF_UNKNOWN, field)


# Fields


@pytest.mark.parametrize(
    ("number", "is_national"),
    [
        ("000.00.19.H50-160301-0123", True),
        ("H50.19-160301-0123", True),
        ("H50.12.03-20160301-12345", True),
        (" H50-160301-0001 ", True),
        ("0123/2016/SNV", False),
        ("G09.20-20260609-0092637", False),  # a ministry's number: not given out here
        ("H50.19-160301-12", False),
        ("H501.9-160301-0123", False),
        ("xH50.19-160301-0123", False),
    ],
)
def test_a_dossier_number_is_national_or_the_desks_own(number: str, is_national: bool) -> None:
    kept = number.strip()
    assert national_number(number) == (kept if is_national else None)
    assert local_number(number) == (None if is_national else kept)


def test_a_moment_is_whole_milliseconds_and_nothing_else() -> None:
    assert moment(1_457_057_700_123).isoformat() == "2016-03-04T09:15:00.123000+07:00"
    for wrong in ("1457057700000", "2016-03-04T09:15:00", 1457057700000.0, True, [], 10**30):
        with pytest.raises(Bad) as bad:
            moment(wrong)
        assert bad.value.reason is Reason.DATE_INVALID


@pytest.mark.parametrize("nothing", [None, 0, -62135769600000, ""])
def test_no_date_says_none(nothing: Any) -> None:
    assert says_of(dueDate=nothing)["due_at"] is None


@pytest.mark.parametrize("wrong", [False, -62135596800000, 1_457_057_700, "0", 253402189200000])
def test_an_undeclared_no_date_is_invalid(wrong: Any) -> None:
    told = mapped(dueDate=wrong)
    if isinstance(told, dict):
        told = to_record(told, 0, now=NOW, version_by=VersionBy.TIME)  # type: ignore[assignment]
    assert getattr(told, "reason", None) is Reason.DATE_INVALID, told


def test_null_erases_and_a_left_out_log_says_nothing() -> None:
    bare = {"dossierNo": None, "password": "", "delegateName": None, "receiveDate": None}
    says = says_of(**bare, dossierActions=None)
    assert {says[f] for f in ("national_code", "receipt_number", "pin", "accepted_at")} == {None}
    assert says["acting.name"] is None
    assert "history" not in says
    assert says_of(dossierActions=[])["history"] == []


@pytest.mark.parametrize(
    ("word", "at"),
    [
        ("releasing", {"finished_at"}),
        ("unresolved", {"stopped_at"}),
        ("cancelled", {"withdrawn_at"}),
        ("denied", {"refused_at"}),
        ("processing", {"finished_at"}),
    ],
)
def test_an_end_is_dated_by_what_kind_of_end_it_was(word: str, at: set[str]) -> None:
    says = says_of(
        dossierStatus=word, releaseDate=1_457_057_700_000, cancellingDate=1_457_057_700_000
    )
    ends = {"finished_at", "stopped_at", "withdrawn_at", "refused_at", "handed_over_at"}
    assert {name for name in ends if says[name] is not None} == at


def test_a_bad_date_is_seen_also_where_the_state_makes_nothing_of_it() -> None:
    told = mapped(cancellingDate="2016-03-01")
    assert isinstance(told, Unmapped)
    assert (told.reason, told.field) == (Reason.DATE_INVALID, "cancellingDate")


@pytest.mark.parametrize(
    ("online", "post", "told"),
    [
        (True, 0, "online"),
        (True, 2, "online"),
        (False, 2, "post"),
        (False, 1, "direct"),
        (False, None, "direct"),
        (None, 2, None),
    ],
)
def test_how_it_was_handed_in(online: bool | None, post: int | None, told: str | None) -> None:
    assert says_of(online=online, viaPostal=post)["channel"] == told


def test_an_unknown_way_in_is_refused() -> None:
    told = mapped(viaPostal=7, online=False)
    assert isinstance(told, Unmapped)
    assert told.reason is Reason.REF_UNKNOWN


def test_an_extension_needs_its_day() -> None:
    due, new, at = 1_457_431_200_000, 1_458_036_000_000, 1_457_320_000_000
    says = says_of(dueDate=due, extendDate=new, extendActionDate=at)
    assert [(e["old_due_at"][:10], e["new_due_at"][:10]) for e in says["extensions"]] == [
        ("2016-03-08", "2016-03-15")
    ]
    for nothing in (None, 0):
        told = mapped(extendDate=new, extendActionDate=nothing)
        assert isinstance(told, Unmapped)
        assert told.reason is Reason.FIELD_MISSING
    assert says_of(extendDate=0)["extensions"] == []


def test_a_linked_dossier_needs_a_known_server() -> None:
    says = says_of(originDossierNo="450160105081000", serverNo="SGTVT-GPLX")
    assert says["links"] == [{"namespace": "transport", "code": "450160105081000"}]
    assert says_of(originDossierNo="", serverNo="CUCTHUE")["links"] == []
    for server, reason in (("LA", Reason.REF_UNKNOWN), ("", Reason.FIELD_MISSING)):
        told = mapped(originDossierNo="1", serverNo=server)
        assert isinstance(told, Unmapped)
        assert told.reason is reason


def test_names_come_composed_and_keep_their_letters() -> None:
    by_number = {row["dossierId"] % 1000: row for row in invented.rows()}
    decomposed, icelandic = by_number[12]["applicantName"], by_number[23]["applicantName"]
    assert says_of(applicantName=decomposed)["applicant.name"] == "Hồ Thị Khe Sanh"
    assert says_of(applicantName=icelandic)["applicant.name"] == "\u00d0inh Văn Nháp"
