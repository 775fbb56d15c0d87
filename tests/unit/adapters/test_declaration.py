"""A declaration that cannot be used says so before anything is asked, in one sentence."""

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import declared
from adapters.declared import DeclarationFault, templates
from adapters.declared.declaration import MAX_BYTES
from adapters.simulation import soap_sample
from adapters.wire import Wire

HERE = Path(__file__).parents[2] / "contract" / "declared"
LEFT_OVER = re.compile(r"\b(?:is|are|the|needs|must|not|nothing)\b")
FILES = {"soap_sample.wsdl": soap_sample.CONTRACT.read_bytes()}


def told(name: str) -> dict[str, Any]:
    return declared.read((HERE / name).read_bytes(), name)


def changed(name: str, path: str, value: Any) -> dict[str, Any]:
    """The declaration with one value changed; `...` takes it away."""
    found = copy.deepcopy(told(name))
    *above, last = path.split(".")
    place: Any = found
    for key in above:
        place = place[int(key)] if key.isdigit() else place.setdefault(key, {})
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return found


def fault(declaration: dict[str, Any], files: dict[str, bytes] | None = None) -> str:
    with pytest.raises(DeclarationFault) as found:
        declared.build(declaration, FILES if files is None else files, Wire())
    sentence, place = str(found.value), str(found.value).partition(": ")[0]
    assert "\n" not in sentence
    told = found.value.sentence("vi")
    assert told.startswith(place.replace("the declaration", "khai báo")), (
        "the place is how the file is spelt, in any language"
    )
    assert told != sentence, "no Vietnamese for this sentence"
    assert LEFT_OVER.search(told) is None, told
    return sentence


R, S, D = "rest.toml", "soap.toml", "drop.toml"


@pytest.mark.parametrize(
    ("name", "path", "value", "sentence"),
    [
        (R, "kind", "ftp", "kind: invalid enum value 'ftp'"),
        (R, "id", "Sở Mẫu", "id: expected `str` matching regex"),
        (R, "pull.pagging", {}, "pull: object contains unknown field `pagging`"),
        (R, "pull.answer.recrods", "x", "pull.answer: object contains unknown field `recrods`"),
        (R, "pull.paging.size", 0, "pull.paging.size: expected `int` >= 1"),
        (R, "title", ..., "the declaration: object missing required field `title`"),
        (R, "pull", ..., "kind rest: needs [pull], [push], or both"),
        (R, "drop", {}, "drop: a folder is read by kind file, not rest"),
        (R, "soap", {"contract": "soap_sample.wsdl"}, "soap: belongs to kind soap"),
        (R, "time_zone", "Asia/Hue", "time_zone: 'Asia/Hue' is no zone"),
        (R, "pull.answer.encoding", "tcvn3", "pull.answer.encoding: 'tcvn3' is none of utf-8"),
        (R, "pull.answer.records", "a[", "pull.answer.records: 'a['"),
        (R, "pull.answer.shape", "la", "pull.answer.shape: no shape 'la' in the mapping"),
        (R, "pull.request.query.tu", "{sicne}", "pull.request: nothing is called {sicne} here"),
        (R, "pull.request.query.x", "{option.la}", "pull.request: nothing is called {option.la}"),
        (R, "pull.request.query.x", "a{b", "template 'a{b': a lone brace"),
        (R, "pull.request.path", "ds", "pull.request.path: begins with /"),
        (R, "pull.request.body", "x{page}", ""),
        (R, "pull.request.operation", "ds", "pull.request.operation: only kind soap"),
        (R, "pull.paging", {"kind": "offset"}, "pull.request: paging by offset needs {offset}"),
        (R, "pull.paging", {"kind": "cursor", "next": "x"}, "paging by cursor needs {cursor}"),
        (R, "pull.paging", {"kind": "flag"}, "pull.paging.more: the flag is read"),
        (R, "pull.since_default", "2016-01-01", "pull.lists_all: with since_default what is"),
        (R, "login.request.json", {"a": "{session}"}, "login.request: nothing is called {session}"),
        (R, "login", ..., "pull.request: nothing is called {session} here"),
        (R, "secrets", [], "login.request: nothing is called {secret.mat_khau} here"),
        (R, "auth", {"kind": "bearer", "secret": "la"}, "auth.secret: 'la' is not among `secrets`"),
        (R, "pull.since_format", "dd/MM/yyyy", "pull.since_format: 'dd/MM/yyyy' is neither iso"),
        (R, "pull.until_format", "iso8601", "pull.until_format: 'iso8601' is neither iso"),
        (
            R,
            "auth",
            {"kind": "basic", "user": "{option.la}", "secret": "mat_khau"},
            "auth.user: nothing is called {option.la} here",
        ),
        (R, "mapping.shapes.record.rows.0.transforms", ["date:dd/MM/yyyy"], "no transform 'date:"),
        (R, "auth", {"kind": "header", "secret": "mat_khau"}, "auth.name: kind header needs"),
        (R, "errors.0.good_values", [0], "errors[0]: values and good_values exclude each other"),
        (R, "errors.0.text_has", "x", "errors[0]: text_has needs the field text"),
        (R, "errors.0.reason", "LA", "errors[0].reason: invalid enum value 'LA'"),
        (
            R,
            "mapping.shapes.record.rows.0.requird",
            True,
            "mapping: shapes.record.rows[0]: no such",
        ),
        (R, "mapping.shapes.record.rows.0.transforms", ["x"], "no transform 'x'"),
        (R, "mapping.shapes", 5, "mapping: not as it must be"),
        (
            R,
            "pull.acknowledge",
            {"request": {"path": "/x"}, "ids": "ma"},
            "pull.paging: what is acknowledged moves up",
        ),
        (S, "soap.contract", "la.wsdl", "soap.contract: la.wsdl: there is no such file"),
        (S, "soap.fingerprint", "sha256:0", "soap.fingerprint: the contract is not the one"),
        (S, "soap.port", "La", "soap: no such port in SOAP 1.1; the contract has"),
        (S, "soap.wsse_user", "a", "soap: wsse_user and wsse_secret go together"),
        (S, "pull.request.operation", "la", "pull.request.operation: the contract has layDanhSach"),
        (S, "pull.request.operation", "", "pull.request.operation: missing"),
        (S, "pull.request.arguments.la", "1", "pull.request.arguments.la: the contract has taiK"),
        (S, "pull.answer.records", "a b", "pull.answer.records: 'a b' is no path of names"),
        (S, "pull.acknowledge", ..., "pull.paging: a flag without {page}, {offset}, {cursor}"),
        (S, "pull.paging", {"kind": "link"}, "pull.paging: SOAP has no links"),
        (S, "soap", ..., "kind soap: [pull] needs [soap] with its contract"),
        (S, "push.door.operations.0.name", "la", "push.door.operations[0].name: the contract has"),
        (S, "push.door.operations.0.records", "hs", "push.door.operations[0].records: no hs; the"),
        (S, "push.door.operations.0.user", "", "push.door.operations[0]: credentials in the body"),
        (S, "push.door.operations.0.success.la", 1, "push.door.operations[0].success.la: the con"),
        (S, "push.door.operations.0.success.soNhan", "{x}", "nothing is called {x} here"),
        (S, "push", {}, "push: needs [push.native] or [push.door]"),
        (S, "pull.since_default", "hôm qua", "pull.since_default: not an ISO date"),
        (D, "drop", ..., "kind file: needs [drop]"),
        (D, "drop.delimiter", "", "drop.delimiter: expected `str` of length >= 1"),
        (D, "drop.encoding", "x", "drop.encoding: 'x' is none of"),
        (D, "login", {"token": "a", "request": {}}, "login: nothing is asked"),
    ],
)
def test_a_declaration_that_cannot_be_used_says_so(
    name: str, path: str, value: Any, sentence: str
) -> None:
    if not sentence:
        declared.build(changed(name, path, value), FILES, Wire())
        return
    assert sentence in fault(changed(name, path, value))


def test_the_contract_itself_may_be_at_fault() -> None:
    broken = {"soap_sample.wsdl": FILES["soap_sample.wsdl"].replace(b"tns:TrangThai", b"tns:La")}
    line = FILES["soap_sample.wsdl"].split(b"tns:TrangThai")[0].count(b"\n") + 1
    sentence = f"soap_sample.wsdl, line {line}: the type {{urn:so-mau:ho-so}}La is defined nowhere"
    assert fault(told(S), broken) == f"soap.contract: {sentence}"
    with pytest.raises(DeclarationFault) as found:
        declared.build(told(S), broken, Wire())
    assert "dòng" in found.value.sentence("vi")
    assert "không được định nghĩa ở đâu" in found.value.sentence("vi")


def test_a_pinned_contract_is_taken_while_it_stays_the_same() -> None:
    pinned = declared.describe(FILES).fingerprint
    system = declared.build(changed(S, "soap.fingerprint", pinned), FILES, Wire())
    assert system.manifest.contract == "soap_sample.wsdl"


def test_toml_and_json_say_the_same() -> None:
    first = told(R)
    assert declared.read(json.dumps(first).encode(), "a.json") == first
    manifest = declared.build(first, {}, Wire()).manifest
    assert (manifest.id, manifest.protocol, manifest.lists) == ("rest-sample", "rest", "pages")
    assert set(manifest.options) == {
        "taiKhoan",
        "page_size",
        "timeout_s",
        "reconcile_schedule",
        "tls_ca",
    }
    assert manifest.secrets == ["mat_khau"]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"a = ", "a.toml"),
        (b"\xff", "a.toml"),
        (b"[]", "a.json"),
        (b'{"a": 1, "a": 2}', "a.json"),
        (b"[" * 100_000, "a.json"),
        (b"a = " + b"[" * 100_000, "a.toml"),
        (b" " * (MAX_BYTES + 1), "a.toml"),
    ],
)
def test_what_is_no_declaration_at_all_is_refused(raw: bytes, name: str) -> None:
    with pytest.raises(DeclarationFault) as found:
        declared.read(raw, name)
    assert str(found.value).startswith(name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
PLACES = [
    *(["mapping", "pull", "login", "errors", "secrets", "options", "auth", "pull.request"]),
    *(["pull.answer", "pull.paging", "pull.request.query", "mapping.shapes", "mapping.tables"]),
    *(["mapping.shapes.record", "mapping.shapes.record.rows", "pull.answer.records"]),
    "pull.request.json",
]


@given(st.sampled_from(PLACES), JSON)
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_declaration_it_is_taken_or_refused(place: str, value: Any) -> None:
    try:
        declared.build(changed(R, place, value), FILES, Wire())
    except DeclarationFault as found:
        sentence = str(found)
    else:
        sentence = "taken"
    assert sentence


@given(st.text(alphabet="{}ab.since ", max_size=12))
@settings(max_examples=200, deadline=None)
def test_a_template_is_filled_or_was_refused(template: str) -> None:
    try:
        names = set(templates.places(template))
    except DeclarationFault:
        return
    filled = templates.fill(template, dict.fromkeys(names, "\N{SNOWMAN}"))
    assert isinstance(filled, str)
    assert filled.count("\N{SNOWMAN}") >= len(names)


def test_a_template_leaves_out_what_is_not_known() -> None:
    template = {"a": "{x}", "b": "x{y}", "c": {"d": "{y}"}, "e": ["{y}", "{x}"], "f": "{{x}}"}
    assert templates.fill(template, {"x": 5, "y": None}) == {
        "a": 5,
        "c": {},
        "e": [5],
        "f": "{x}",
    }


def test_the_declarations_of_the_suite_are_toml_without_a_misspelt_key() -> None:
    for name in (R, S, D):
        assert tomllib.loads((HERE / name).read_text("utf-8"))["kind"] in ("rest", "soap", "file")
        declared.build(told(name), FILES, Wire())
