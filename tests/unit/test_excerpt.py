"""The one record of a body: cut out of JSON lists and XML rows, wherever they lie."""

import json
from pathlib import Path

import pytest

from adapters import registry
from canonical.errors import HubError
from canonical.ports import Row
from sync.excerpt import cut, marked

CANONICAL = registry.load("canonical")
SAMPLES = [
    (system, path)
    for system in registry.list_systems()
    for path in sorted(registry.folder_of(system).glob("samples/*.response.*"))
]


@pytest.mark.parametrize(("system", "path"), SAMPLES, ids=lambda told: getattr(told, "name", told))
def test_every_row_of_every_sample_can_be_shown_alone(system: str, path: Path) -> None:
    known, shape, raw = registry.load(system), path.name.split(".")[1], path.read_bytes()
    try:
        rows = known.rows(shape, raw)
    except HubError:
        return  # the whole body is outside its contract
    for position, row in enumerate(rows):
        found = cut(known, known.mapping_document, shape, raw, position, None)
        assert found.is_record or not isinstance(row, Row)
        if isinstance(row, Row) and path.suffix == ".json":
            assert json.loads(found.text)


def shown(shape: str, raw: str, position: int, field: str | None = None) -> tuple[str, bool]:
    found = cut(CANONICAL, None, shape, raw.encode(), position, field)
    return found.text, found.is_record


def test_a_canonical_body_is_a_list_lines_or_one_object() -> None:
    assert shown("json", ' [{"code": "A"}, {"code":  "B", "x": [1]}]', 1) == (
        '{"code":  "B", "x": [1]}',
        True,
    )
    assert shown("ndjson", '{"code": "A"}\n\n{"code": "B"\n', 1) == ('{"code": "B"', True)
    assert shown("json", '{"code": "A"}', 0) == ('{"code": "A"}', True)
    assert shown("json", "[{", 0) == ("[{", False)
    assert shown("json", "[1]", 7) == ("[1]", False)


def test_a_row_of_xml_is_told_by_its_place_among_its_like() -> None:
    known = registry.load("police_plates")
    path = registry.folder_of("police_plates") / "samples" / "hoso.xml.response.xml"
    found = cut(known, known.mapping_document, "xml", path.read_bytes(), 3, "status")
    assert found.is_record
    assert found.text.startswith("<HO_SO>")
    assert "TINH_TRANG" in found.names


def test_the_line_of_the_fault_is_marked() -> None:
    told = '[{"code": "A", "applicant": {"name": 7, "id_number": "1"}, "history": [{"at": "x"}]}]'
    for field, line in (("applicant.name", '"name": 7,'), ("history[0].at", '"at": "x"')):
        found = cut(CANONICAL, None, "json", told.encode(), 0, field)
        assert [text.strip() for is_marked, text in marked(found) if is_marked] == [line]
    plain = cut(CANONICAL, None, "json", b"[{}]", 0, None)
    assert not any(is_marked for is_marked, _ in marked(plain))
