"""How records drift, case by case: what is told, and what is no drift at all."""

from typing import Any

import pytest

from canonical.drifting import Reads, accepted, compare, taught
from canonical.live_shape import Looks, form_of, from_json, note

READS = Reads(
    known=frozenset({"ma", "ngay", "nguoi", "trangThai", "ghiChu"}),
    paths={"ma": ("r.rows[0] code",), "nguoi.ten": ("r.rows[1] applicant.name",)},
    tables={"trangThai": frozenset({"A", "B"})},
)
ROW: dict[str, Any] = {
    "ma": "HS-1",
    "ngay": "02/03/2026",
    "nguoi": {"ten": "Nguyễn Văn Mẫu"},
    "trangThai": "A",
}


def looks(*rows: dict[str, Any]) -> Looks:
    found = Looks(0, {})
    for row in rows:
        note(found, row, {"trangThai"})
    return found


def told(fresh: list[dict[str, Any]], known: Looks | None = None) -> list[tuple[Any, ...]]:
    held = known or looks(*[ROW] * 20)
    changes = compare(held, looks(*fresh), READS, held.fields)
    return [(c.kind, c.field, c.to or "".join(c.after)) for c in changes]


def without(*names: str, **more: Any) -> dict[str, Any]:
    return {**{n: v for n, v in ROW.items() if n not in names}, **more}


@pytest.mark.parametrize(
    ("fresh", "expected"),
    [
        ([ROW], []),
        ([without("ngay", ngayMoi="02/03/2026")], [("renamed", "ngay", "ngayMoi")]),
        # Nothing like it in name or form: two things, and the loss must be no accident.
        ([without("ngay", zz={"x": 1})], [("new", "zz", "")]),
        ([without("ngay")], []),
        ([without("ngay")] * 6, [("lost", "ngay", "")]),
        ([without(nguoi={"hoVaTen": "Trần Thị B"})], [("renamed", "nguoi.ten", "nguoi.hoVaTen")]),
        ([without("ma", ma=7)], [("retyped", "ma", "number")]),
        ([without(ngay="2026-03-02")], [("date_form", "ngay", "%Y-%m-%d")]),
        ([without(trangThai="C")], [("value", "trangThai", "C")]),
        # Null and blank say nothing; what the mapping knows is expected one day.
        ([without(ngay=None), without(ngay="")], []),
        ([without(ghiChu="x")], []),
    ],
)
def test_what_is_told(fresh: list[dict[str, Any]], expected: list[tuple[Any, ...]]) -> None:
    assert told(fresh) == expected


def test_an_optional_field_is_never_called_lost() -> None:
    known = looks(*[ROW] * 10, *[without("ngay")] * 10)
    assert told([without("ngay")] * 50, known) == []


def test_what_changed_is_told_until_it_is_accepted() -> None:
    known = looks(*[ROW] * 20)
    fresh = looks(without("ngay", ngayMoi="02/03/2026"))
    [change] = compare(known, fresh, READS, known.fields)
    after = taught(known, fresh, [change])
    assert "ngayMoi" not in after.fields
    assert [c.kind for c in compare(after, fresh, READS, after.fields)] == ["renamed"]
    settled = accepted(after, {"kind": "renamed", "field": "ngay", "to": "ngayMoi"})
    assert compare(settled, fresh, READS, settled.fields) == []
    assert from_json(settled.rows, settled.to_json()) == settled


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("02/03/2026 09:15:00", "%d/%m/%Y %H:%M:%S"),
        ("2026-03-02T09:15:00+07:00", "iso"),
        ("20260302091500", "%Y%m%d%H%M%S"),
        (1_772_416_800_000, "epoch_ms"),
        ("Nguyễn Văn Mẫu", "a a a"),
        ("045090001234", "9"),
        ("HS/2026/0001", "a/9/9"),
    ],
)
def test_of_a_text_only_its_form_is_kept(value: Any, form: str) -> None:
    assert form_of(value) == form
