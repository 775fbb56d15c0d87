"""A served contract beside the pinned one: what counts, what does not, and how it is named."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from adapters.declared import HandedIn
from adapters.simulation import rest_sample, soap_sample
from canonical.linking import ContractChange

WSDL = soap_sample.CONTRACT.read_bytes()
API = rest_sample.CONTRACT.read_bytes()


def compared(pinned: bytes, served: bytes, name: str) -> list[ContractChange]:
    found = HandedIn().compare({name: pinned}, name, {name: served})
    assert not (found.is_same and found.changes)
    return found.changes


def told(changes: list[ContractChange]) -> list[tuple[str, str, str, list[str], list[str]]]:
    return [(one.way, one.path, one.kind, one.before, one.after) for one in changes]


def test_addresses_and_layout_do_not_count() -> None:
    moved = WSDL.replace(b"http://127.0.0.1:9/ho-so", b"https://so.example/ho-so")
    assert HandedIn().compare({"a.wsdl": WSDL}, "a.wsdl", {"a.wsdl": moved}).is_same
    spread = json.dumps({**json.loads(API), "servers": []}, indent=7).encode()
    assert HandedIn().compare({"a.json": API}, "a.json", {"a.json": spread}).is_same


def test_a_description_is_another_fingerprint_and_no_change() -> None:
    document = json.loads(API)
    document["info"]["version"] = "2"
    found = HandedIn().compare({"a.json": API}, "a.json", {"a.json": json.dumps(document).encode()})
    assert (found.is_same, found.changes) == (False, [])


def _states(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["TrangThai"]["enum"][:1] = ["CHO_DUYET"]


def _no_field(document: dict[str, Any]) -> None:
    del document["components"]["schemas"]["HoSo"]["properties"]["chuHoSo"]


def _retyped(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["HoSo"]["properties"]["lePhi"] = {"type": "integer"}


def _no_operation(document: dict[str, Any]) -> None:
    del document["paths"]["/api/dang-nhap"]


def _moved(document: dict[str, Any]) -> None:
    document["paths"]["/api/v2/ho-so"] = document["paths"].pop("/api/ho-so")


def _argument(document: dict[str, Any]) -> None:
    more = {"name": "donVi", "in": "query", "required": True, "schema": {"type": "string"}}
    document["paths"]["/api/ho-so"]["get"]["parameters"].append(more)


RECORD = "duLieu.hoSo"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            _states,
            [("answered", f"{RECORD}.trangThai", "value", ["MOI_TIEP_NHAN"], ["CHO_DUYET"])],
        ),
        (_no_field, [("answered", f"{RECORD}.chuHoSo", "lost", ["{}?"], [])]),
        (_retyped, [("answered", f"{RECORD}.lePhi", "retyped", ["string?"], ["integer?"])]),
        (_no_operation, [("", "", "lost", [], [])]),
        (_moved, [("", "", "retyped", ["GET /api/ho-so"], ["GET /api/v2/ho-so"])]),
        (_argument, [("sent", "donVi", "new", [], ["string"])]),
    ],
)
def test_what_is_called_or_read_is_named(
    change: Callable[[dict[str, Any]], None], expected: list[Any]
) -> None:
    document = json.loads(API)
    change(document)
    assert told(compared(API, json.dumps(document).encode(), "a.json")) == expected


def test_a_renamed_element_is_lost_and_new() -> None:
    served = WSDL.replace(b'"ngayHenTra"', b'"ngayHenTraKetQua"')
    found = [one for one in compared(WSDL, served, "a.wsdl") if one.operation == "layDanhSach"]
    path = "danhSach.hoSo.ngayHenTra"
    assert [(one.kind, one.path) for one in found] == [("lost", path), ("new", f"{path}KetQua")]
