"""The mapping language, long because every feature and every fault has its case."""

from datetime import datetime
from pathlib import Path

import pytest

from canonical.clock import HCM
from canonical.fields import Facet
from canonical.mapping import MappingFault, compile_mapping
from canonical.mapping.compile import Shape, Unmapped
from canonical.mapping.transforms import Bad
from canonical.reasons import Reason
from canonical.record import Record, VersionBy, to_record

NOW = datetime(2026, 11, 23, 9, tzinfo=HCM)


def shape(*rows: dict, tables: dict | None = None, own: dict | None = None, **body) -> Shape:
    document = {"shapes": {"row": {"rows": list(rows), **body}}, "tables": tables or {}}
    return compile_mapping(document, own).shapes["row"]


def mapped(row: dict, wire: object, **more) -> object:
    """What one row makes of one wire row, the facet left out."""
    told = shape(row, **more).apply(wire)
    return {k: v for k, v in told.items() if k != "facet"} if isinstance(told, dict) else told


def test_a_shape_says_which_facet_it_states_and_how_it_is_versioned():
    compiled = shape(facet="step", version_by="observed", part="online")
    assert (compiled.name, compiled.facet, compiled.version_by, compiled.part) == (
        "row",
        Facet.STEP,
        VersionBy.OBSERVED,
        "online",
    )
    assert compiled.apply({}) == {"facet": "step"}
    assert shape().facet is Facet.SNAPSHOT
    assert shape().version_by is VersionBy.TIME
    assert shape().part == ""


def test_a_document_has_a_version_and_tables():
    compiled = compile_mapping({"version": 4, "tables": {"status": {"6": "finished"}}})
    assert compiled.version == 4
    assert compiled.tables == {"status": {"6": "finished"}}
    assert compile_mapping({}).version == 1


# --- where a value comes from ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "wire", "told"),
    [
        ("hoTen", {"hoTen": "A"}, {"code": "A"}),
        ("a.b.c", {"a": {"b": {"c": "A"}}}, {"code": "A"}),
        ("a.b.c", {"a": {"b": {}}}, {}),
        ("a.b.c", {"a": None}, {}),
        ("a.b", {"a": " \n "}, {}),  # an empty XML element with a line break in it
        ("a[0].b", {"a": [{"b": "A"}, {"b": "B"}]}, {"code": "A"}),
        ("a || b", {"b": "B"}, {"code": "B"}),
        ("join('-', [a, b])", {"a": "1", "b": "2"}, {"code": "1-2"}),
        ('"ho-ten"', {"ho-ten": "A"}, {"code": "A"}),
    ],
)
def test_a_source_is_a_plain_path_or_an_expression(source, wire, told):
    assert mapped({"target": "code", "source": source}, wire) == told


def test_targets_with_a_dot_build_one_object():
    rows = [
        {"target": "applicant.name", "source": "ten"},
        {"target": "applicant.phone", "source": "dt"},
        {"target": "applicant.kind", "const": "person"},
    ]
    told = shape(*rows).apply({"ten": "A", "dt": "1"})
    assert told["applicant"] == {"name": "A", "phone": "1", "kind": "person"}


def test_a_list_where_a_path_expects_an_object_is_refused_and_not_taken_as_nothing():
    bad = mapped({"target": "code", "source": "a.b"}, {"a": [{"b": "1"}, {"b": "2"}]})
    assert bad == Unmapped(Reason.FIELD_TYPE, "a.b")


def test_a_const_needs_no_wire_value():
    assert mapped({"target": "channel", "const": "online"}, {}) == {"channel": "online"}


# --- what saying nothing means --------------------------------------------------------------

EMPTY = pytest.mark.parametrize("wire", [{}, {"x": None}, {"x": ""}, {"x": "  \t"}])


@EMPTY
def test_null_and_blank_say_nothing_unless_declared_otherwise(wire):
    assert mapped({"target": "step", "source": "x"}, wire) == {}


@EMPTY
def test_null_and_blank_say_none_where_the_shape_declares_it(wire):
    assert mapped({"target": "step", "source": "x"}, wire, empty="none") == {"step": None}


@EMPTY
def test_a_row_may_differ_from_its_shape_about_empty(wire):
    none = {"target": "step", "source": "x", "empty": "none"}
    absent = {"target": "step", "source": "x", "empty": "absent"}
    assert mapped(none, wire, empty="absent") == {"step": None}
    assert mapped(absent, wire, empty="none") == {}


@EMPTY
def test_a_declared_default_stands_in_only_for_nothing(wire):
    row = {"target": "channel", "source": "x", "default": "direct"}
    assert mapped(row, wire) == {"channel": "direct"}
    assert mapped(row, wire, empty="none") == {"channel": "direct"}
    assert mapped(row, {"x": "post"}) == {"channel": "post"}


@EMPTY
def test_a_required_value_that_is_not_said_is_missing_by_its_wire_name(wire):
    row = {"target": "code", "source": "x", "required": True}
    assert mapped(row, wire) == Unmapped(Reason.FIELD_MISSING, "x")
    assert mapped(row, wire, empty="none") == Unmapped(Reason.FIELD_MISSING, "x")


def test_a_default_satisfies_a_required_row():
    row = {"target": "code", "source": "x", "required": True, "default": "d"}
    assert mapped(row, {}) == {"code": "d"}


def test_zero_and_false_are_said():
    assert mapped({"target": "a", "source": "x"}, {"x": 0}) == {"a": 0}
    assert mapped({"target": "a", "source": "x"}, {"x": False}) == {"a": False}


@pytest.mark.parametrize("value", ["99991231", " 99991231 ", "0000-00-00", 0])
def test_a_sentinel_means_nothing_and_is_never_read_as_a_date(value):
    row = {
        "target": "finished_at",
        "source": "x",
        "transforms": ["date:%Y%m%d"],
        "sentinels": ["99991231", "0000-00-00", 0],
    }
    assert mapped(row, {"x": value}) == {}
    assert mapped({**row, "empty": "none"}, {"x": value}) == {"finished_at": None}
    assert mapped({**row, "required": True}, {"x": value}) == Unmapped(Reason.FIELD_MISSING, "x")


def test_a_sentinel_that_is_not_declared_is_a_value_like_any_other():
    row = {"target": "due_at", "source": "x", "transforms": ["date:%Y%m%d"]}
    assert mapped(row, {"x": "0000-00-00"}) == Unmapped(Reason.DATE_INVALID, "x")
    told = mapped(row, {"x": "99991231"})
    assert told["due_at"].year == 9999  # the record's year bounds refuse it


@pytest.mark.parametrize("value", [["99991231"], {"a": "99991231"}])
def test_a_repeated_field_with_sentinels_breaks_nothing(value):
    row = {"target": "finished_at", "source": "x", "sentinels": ["99991231"]}
    assert mapped(row, {"x": value}) == {"finished_at": value}


# --- turning a value -------------------------------------------------------------------------


def test_transforms_run_in_order():
    row = {"target": "due_at", "source": "x", "transforms": ["trim", "date:%d/%m/%Y", "end_of_day"]}
    assert mapped(row, {"x": " 08/03/2016 "}) == {"due_at": datetime(2016, 3, 8, 17, tzinfo=HCM)}


def test_a_transform_that_cannot_names_the_wire_field():
    row = {"target": "due_at", "source": "han.tra", "transforms": ["date:%d/%m/%Y"]}
    for value in ("8/3/2016", "08/3/2016", "2016-03-08", "30/02/2016"):
        assert mapped(row, {"han": {"tra": value}}) == Unmapped(Reason.DATE_INVALID, "han.tra")


def test_a_fault_behind_an_expression_is_named_by_its_target():
    row = {"target": "due_at", "source": "a || b", "transforms": ["iso"]}
    assert mapped(row, {"b": "soon"}) == Unmapped(Reason.DATE_INVALID, "due_at")


def test_an_adapters_own_transform_is_found_by_name():
    def half(value):
        if value % 2:
            raise Bad(Reason.FIELD_TYPE)
        return value // 2

    row = {"target": "version", "source": "x", "transforms": ["int", "half"]}
    assert mapped(row, {"x": "8"}, own={"half": half}) == {"version": 4}
    assert mapped(row, {"x": "9"}, own={"half": half}) == Unmapped(Reason.FIELD_TYPE, "x")


TABLES = {"status": {"6": "finished"}, "procedure": {"A1": "1.001612"}, "flags": {"6": True}}


def test_a_table_comes_last_and_knows_numbers_and_blanks():
    row = {"target": "status", "source": "tt", "table": "status"}
    for value in ("6", 6, " 6 "):
        assert mapped(row, {"tt": value}, tables=TABLES) == {"status": "finished"}
    turned = {
        "target": "procedure.code",
        "source": "x",
        "transforms": ["upper"],
        "table": "procedure",
    }
    assert mapped(turned, {"x": "a1"}, tables=TABLES) == {"procedure": {"code": "1.001612"}}


@pytest.mark.parametrize("value", ["7", "06", 7, True, ["6"], "finished", "6x"])
def test_a_state_outside_its_table_is_refused_as_an_unknown_state(value):
    row = {"target": "status", "source": "tt", "table": "status"}
    assert mapped(row, {"tt": value}, tables=TABLES) == Unmapped(Reason.STATUS_UNKNOWN, "tt")


def test_another_code_outside_its_table_is_an_unknown_reference():
    row = {"target": "procedure.code", "source": "ma.tthc", "table": "procedure"}
    bad = mapped(row, {"ma": {"tthc": "A2"}}, tables=TABLES)
    assert bad == Unmapped(Reason.REF_UNKNOWN, "ma.tthc")


def test_the_connections_own_table_rows_win_over_the_documents():
    document = {
        "shapes": {"row": {"rows": [{"target": "status", "source": "t", "table": "status"}]}},
        "tables": {"status": {"6": "finished", "7": "stopped"}},
    }
    more = {"status": {"6": "handed_over", "8": "withdrawn"}, "new": {"a": "b"}}
    compiled = compile_mapping(document, tables=more)
    apply = compiled.shapes["row"].apply
    assert [apply({"t": n})["status"] for n in ("6", "7", "8")] == [
        "handed_over",
        "stopped",
        "withdrawn",
    ]
    assert compiled.tables["new"] == {"a": "b"}
    assert document["tables"]["status"]["6"] == "finished"  # the document itself is not touched


# --- when and each ---------------------------------------------------------------------------


def test_a_row_with_when_counts_only_where_that_is_true():
    row = {"target": "channel", "const": "online", "when": "onlineId"}
    assert mapped(row, {"onlineId": "77"}) == {"channel": "online"}
    for wire in ({}, {"onlineId": None}, {"onlineId": ""}, {"onlineId": []}):
        assert mapped(row, wire) == {}
    equal = {"target": "channel", "const": "post", "when": "kenh == '3'"}
    assert mapped(equal, {"kenh": "3"}) == {"channel": "post"}
    assert mapped(equal, {"kenh": "1"}) == {}


def test_required_does_not_ask_where_when_is_false():
    row = {"target": "step", "source": "x", "required": True, "when": "y"}
    assert mapped(row, {}) == {}
    assert mapped(row, {"y": 1}) == Unmapped(Reason.FIELD_MISSING, "x")


@pytest.mark.parametrize("key", ["source", "when"])
def test_an_expression_that_fails_on_a_row_rejects_that_row_only(key):
    row = {"target": "code", "source": "x", key: "length(x)"}
    assert mapped(row, {"x": 5}) == Unmapped(Reason.MAPPING_ERROR, "x" if key == "when" else "code")


FEES = {
    "target": "fees",
    "each": "khoan",
    "items": [
        {"target": "amount", "source": "SO_TIEN", "transforms": ["dong"], "required": True},
        {"target": "name", "source": "TEN"},
    ],
}


def test_each_makes_a_list_and_takes_one_object_for_a_list_of_one():
    one, two = {"SO_TIEN": "50.000", "TEN": "Phí"}, {"SO_TIEN": "1000"}
    assert mapped(FEES, {"khoan": [one, two]}) == {
        "fees": [{"amount": 50000, "name": "Phí"}, {"amount": 1000}]
    }
    assert mapped(FEES, {"khoan": one}) == {"fees": [{"amount": 50000, "name": "Phí"}]}
    assert mapped(FEES, {"khoan": []}) == {"fees": []}


def test_each_over_nothing_follows_the_declared_meaning_of_empty():
    for wire in ({}, {"khoan": None}, {"khoan": ""}, {"khoan": "\n "}):
        assert mapped(FEES, wire) == {}
        assert mapped(FEES, wire, empty="none") == {"fees": None}
    assert mapped({**FEES, "required": True}, {}) == Unmapped(Reason.FIELD_MISSING, "khoan")


def test_a_fault_in_a_list_names_the_element():
    wire = {"khoan": [{"SO_TIEN": "1000"}, {"SO_TIEN": "nhiều"}]}
    assert mapped(FEES, wire) == Unmapped(Reason.FIELD_TYPE, "khoan[1].SO_TIEN")
    assert mapped(FEES, {"khoan": [{}]}) == Unmapped(Reason.FIELD_MISSING, "khoan[0].SO_TIEN")


def test_a_fault_in_a_list_within_a_list_names_both_places():
    inner = {
        "target": "b",
        "each": "con",
        "items": [{"target": "c", "source": "x", "required": True}],
    }
    row = {"target": "a", "each": "cha", "items": [inner]}
    wire = {"cha": [{"con": [{"x": 1}]}, {"con": [{"x": 1}, {}]}]}
    assert mapped(row, wire) == Unmapped(Reason.FIELD_MISSING, "cha[1].con[1].x")


def test_plain_texts_can_be_elements_too():
    row = {"target": "attachments", "each": "tep", "items": [{"target": "name", "source": "@"}]}
    assert mapped(row, {"tep": ["a.pdf", "b.pdf"]}) == {
        "attachments": [{"name": "a.pdf"}, {"name": "b.pdf"}]
    }


# --- drift, neighbours, the whole way --------------------------------------------------------


def test_the_wire_names_a_mapping_knows_are_those_it_reads_or_ignores():
    compiled = shape(
        {"target": "code", "source": "maSo"},
        {"target": "applicant.name", "source": "chu.ten"},
        {"target": "step", "source": "buoc || tenBuoc", "when": "coBuoc"},
        FEES,
        ignored=["nguoiXuLy"],
    )
    assert {"maSo", "chu", "buoc", "tenBuoc", "coBuoc", "khoan", "nguoiXuLy"} <= compiled.known
    assert not {"ten", "SO_TIEN", "moi"} & compiled.known


@pytest.mark.parametrize("wire", [None, "text", 5, ["a"]])
def test_a_wire_row_that_is_no_object_is_refused(wire):
    assert shape().apply(wire) == Unmapped(Reason.FIELD_TYPE, None)


def test_the_first_fault_is_told_and_one_row_leaves_the_next_untouched():
    compiled = shape(
        {"target": "code", "source": "ma", "required": True},
        {"target": "due_at", "source": "han", "transforms": ["iso"]},
    )
    assert compiled.apply({"han": "x"}) == Unmapped(Reason.FIELD_MISSING, "ma")
    assert compiled.apply({"ma": "A"}) == {"facet": "snapshot", "code": "A"}
    assert compiled.apply({"ma": "B"}) == {"facet": "snapshot", "code": "B"}


def test_a_row_that_cannot_be_mapped_tells_its_code_wherever_the_code_row_stands():
    code = {"target": "code", "source": "ma", "transforms": ["trim"]}
    due = {"target": "due_at", "source": "han", "transforms": ["iso"]}
    for rows in ((code, due), (due, code)):
        told = shape(*rows).apply({"ma": " VL-1 ", "han": "x"})
        assert told == Unmapped(Reason.DATE_INVALID, "han", "VL-1")
    assert shape(due, code).apply({"ma": "\0", "han": "x"}).code is None


def test_a_mapped_row_is_a_record():
    compiled = shape(
        {"target": "code", "source": "maSoHoSo", "required": True},
        {"target": "status", "source": "trangThai", "table": "status"},
        {"target": "updated_at", "source": "luc", "transforms": ["date:%d/%m/%Y %H:%M:%S"]},
        tables=TABLES,
        facet="step",
        version_by="time",
    )
    wire = {"maSoHoSo": "VL-1", "trangThai": 6, "luc": "01/03/2016 23:30:00"}
    record = to_record(compiled.apply(wire), 0, now=NOW, version_by=compiled.version_by)
    assert isinstance(record, Record)
    assert (record.code, record.facet, record.says) == ("VL-1", Facet.STEP, {"status": "finished"})
    assert record.updated_at == datetime(2016, 3, 1, 23, 30, tzinfo=HCM)


# --- faults of the document -------------------------------------------------------------------

ROW = {"target": "code", "source": "x"}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"source": "x"}, "no target"),
        ({"target": 5, "source": "x"}, "target is not text"),
        ({"target": "code"}, "exactly one"),
        ({**ROW, "const": "a"}, "exactly one"),
        ({**ROW, "source": 5}, "source is not text"),
        ({**ROW, "requird": True}, "requird"),
        ({**ROW, "empty": "nothing"}, "empty"),
        ({**ROW, "transforms": ["nope"]}, "nope"),
        ({**ROW, "transforms": ["date"]}, "date"),
        ({**ROW, "table": "states"}, "states"),
        ({**ROW, "source": "a[["}, "a[["),
        ({**ROW, "source": ""}, "''"),
        ({**ROW, "when": "a =="}, "a =="),
        ({"target": "fees", "each": "x"}, "together"),
        ({**ROW, "items": [ROW]}, "together"),
    ],
)
def test_a_fault_in_the_document_names_the_row(row, says):
    with pytest.raises(MappingFault) as fault:
        shape(ROW, row)
    assert str(fault.value).startswith("shapes.row.rows[1]: ")
    assert says in str(fault.value)


def test_a_fault_inside_each_names_the_item():
    with pytest.raises(MappingFault, match=r"^shapes\.row\.rows\[0\]\.items\[1\]: no target"):
        shape({"target": "fees", "each": "x", "items": [ROW, {"source": "y"}]})


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"shapes": {"row": {"facet": "page"}}}, "shapes.row"),
        ({"shapes": {"row": {"version_by": "luck"}}}, "shapes.row"),
        ({"shapes": {"row": {"row": []}}}, "shapes.row: no such key 'row'"),
        ({"shapes": {"row": {"empty": "null"}}}, "shapes.row"),
        ({"shape": {}}, "no such key 'shape'"),
        ({"version": "1"}, "version"),
    ],
)
def test_a_fault_beside_the_rows_names_its_place(document, says):
    with pytest.raises(MappingFault) as fault:
        compile_mapping(document)
    assert says in str(fault.value)


def test_the_language_is_described_where_it_is_compiled():
    import canonical.mapping.compile as language

    source = Path(language.__file__).read_text(encoding="utf-8")
    described = source.split('"""')[1]
    for key in language._ROW_KEYS | language._SHAPE_KEYS | language._DOCUMENT_KEYS:
        assert key in described
