"""A JSON answer against the response schema of its OpenAPI document: where it leaves it."""

import json
from typing import Any

import pytest

from adapters.declared.json_deviating import deviations
from adapters.declared.openapi import Document
from adapters.simulation import rest_sample, sample_rows

RAW = rest_sample.CONTRACT.read_bytes()
DOCUMENT = Document({"api.json": RAW}, "api.json")
[ASKED] = [one for one in DOCUMENT.contract().operations if one.name == "dsHoSo"]


def page(**over: Any) -> dict[str, Any]:
    rows = [dict(row) for row in sample_rows.invented()]
    rows[3] |= over
    return {"maLoi": 0, "tongSo": 25, "trang": 1, "duLieu": {"hoSo": rows}}


def found(answer: Any) -> list[tuple[str, str, str, int]]:
    told = deviations(answer, DOCUMENT.answer(ASKED), DOCUMENT.led)
    return [(one.kind, one.path, one.first, one.count) for one in told]


ROW = "duLieu.hoSo[]"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (page(), []),
        (page(ngayHoanThanh=None), []),  # nullable
        (page(lePhi=7), [("type", f"{ROW}.lePhi", "duLieu.hoSo[3].lePhi", 1)]),
        (page(lanSua=True), [("type", f"{ROW}.lanSua", "duLieu.hoSo[3].lanSua", 1)]),
        (page(lanSua=2.0), []),
        (page(tenThuTuc=None), [("type", f"{ROW}.tenThuTuc", "duLieu.hoSo[3].tenThuTuc", 1)]),
        (page(trangThai="LA"), [("value", f"{ROW}.trangThai", "duLieu.hoSo[3].trangThai", 1)]),
        (page(la=1), [("unknown", f"{ROW}.la", "duLieu.hoSo[3].la", 1)]),
        ({"tongSo": 0}, [("missing", "maLoi", "maLoi", 1)]),
        ([], [("type", "", "", 1)]),
    ],
)
def test_where_it_leaves_its_schema_is_named_by_path(answer: Any, expected: list[Any]) -> None:
    assert found(answer) == expected


def test_the_same_in_many_records_is_named_once_and_counted() -> None:
    answer = page()
    for row in answer["duLieu"]["hoSo"]:
        del row["maHoSo"]
    assert found(answer) == [("missing", f"{ROW}.maHoSo", "duLieu.hoSo[0].maHoSo", 25)]


ANY = {"oneOf": [{"type": "string"}, {"type": "object", "required": ["a"]}]}
ALL = {"allOf": [{"$ref": "#/A"}, {"properties": {"b": {"const": 1}}}]}
PARTS = {"#/A": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("x", ANY, []),
        ({"a": 1}, ANY, []),
        (7, ANY, [("type", "")]),
        ({"a": "x", "b": 1}, ALL, []),
        ({"b": True}, ALL, [("missing", "a"), ("value", "b")]),
        ({"c": 1}, {"properties": {"a": {}}, "additionalProperties": True}, []),
        (None, {"type": ["string", "null"]}, []),
        (None, {"type": "string", "nullable": True, "enum": ["a"]}, []),
        ({"a": {"a": {}}}, {"$ref": "#/R"}, [("missing", "a.a.a")]),
    ],
)
def test_parts_alternatives_and_references(value: Any, schema: Any, expected: list[Any]) -> None:
    ring = {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/R"}}}
    parts = {**PARTS, "#/R": ring}
    told = deviations(value, schema, lambda one: parts.get(one.get("$ref", ""), one))
    assert [(one.kind, one.path) for one in told] == expected


def test_closed_lists_of_parts_and_alternatives_are_known() -> None:
    document = json.loads(RAW)
    states = {"anyOf": [{"enum": ["A", None]}, {"allOf": [{"const": "B"}]}, {"type": "null"}]}
    document["components"]["schemas"]["TrangThai"] = states
    made = Document({"api.json": json.dumps(document).encode()}, "api.json").contract()
    [record] = [f for f in made.operation("dsHoSo").output.fields if f.name == "duLieu"]  # type: ignore[union-attr]
    fields = {field.name: field.values for field in record.fields[0].fields}
    assert fields["trangThai"] == ["A", "B"]
