"""The document of one revision: pure, and as its schema says."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from adapters.government_portal import publisher
from adapters.wire import Wire
from canonical.indicators import BUCKETS
from canonical.ports import Figures, Settings

SCHEMA = json.loads(
    (Path(publisher.__file__).parent / "contract" / "publication.schema.json").read_text("utf-8")
)


def told(**over: int) -> dict[str, Any]:
    buckets = {name: over.pop(name, 0) for name in BUCKETS}
    return {
        "profile": "seed",
        "agency": "H50.12",
        "from": "2026-03-01",
        "to": "2026-03-31",
        "as_of": "2026-03-31",
        "total": sum(buckets.values()),
        "buckets": buckets,
        "carried_over": 0,
        "resolved": 0,
        "resolved_online": 0,
        "complete": True,
        "sources": [],
        **over,
    }


def render(now: dict[str, Any], before: dict[str, Any] | None = None, revision: int = 1) -> Any:
    made = publisher.connect(Settings("gov", "http://127.0.0.1:9", {}, {}), Wire())
    raw = made.render(
        Figures("pub_1", revision, now, before, 7, "2026-04-04T00:00:00+07:00", why="Có 1 hồ sơ")
    )
    return json.loads(raw)


def test_a_document_is_as_its_schema_says() -> None:
    validator = jsonschema_rs.validator_for(SCHEMA)
    validator.validate(render(told(early=2, late=1, resolved=3, resolved_online=1)))
    validator.validate(render(told(late=1), told(early=1), revision=2))
    with pytest.raises(jsonschema_rs.ValidationError):
        validator.validate({**render(told()), "extra": 1})


def test_the_first_restates_nothing() -> None:
    document = render(told(early=2))
    assert (document["revision"], document["restates"]) == (1, None)
    assert document["figures"]["buckets"]["early"] == 2


def test_a_restatement_has_both_figures_what_differs_and_why() -> None:
    before, now = told(early=1, late=1, resolved=2), told(early=1, late=2, resolved=3)
    restates = render(now, before, revision=3)["restates"]
    assert restates["revision"] == 2
    assert restates["figures"]["buckets"]["late"] == 1
    assert restates["changed"] == [
        {"figure": "total", "before": 2, "now": 3},
        {"figure": "resolved", "before": 2, "now": 3},
        {"figure": "buckets.late", "before": 1, "now": 2},
    ]
    assert restates["reason"] == "Có 1 hồ sơ"


@pytest.mark.parametrize(
    ("start", "end", "kind"),
    [
        ("2026-02-01", "2026-02-28", "month"),
        ("2026-10-01", "2026-12-31", "quarter"),
        ("2024-01-01", "2024-12-31", "year"),
    ],
)
def test_a_period_is_named_by_its_days(start: str, end: str, kind: str) -> None:
    document = render({**told(), "from": start, "to": end})
    assert document["period"] == {"kind": kind, "from": start, "to": end}
