"""Whatever JSON is pushed, the answer is no failure, and it is the same on both stores."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trial import PUSH, Trial, dossier

CHARACTERS = st.characters(exclude_categories=())  # half characters too
WORDS = st.sampled_from(
    ["", "a\0b", "\ud800", "accepted", "H50.12", "x" * 300, "1.001612", "2026-03-02T09:00:00Z"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53, 2**63 - 1, 2**63, -(2**63), 10**40])
    | st.floats()
    | st.text(CHARACTERS, max_size=12)
    | WORDS
    | st.datetimes().map(lambda at: at.isoformat())
    | st.datetimes().map(lambda at: f"{at.isoformat()}+07:00")
)
NAMES = st.sampled_from(
    ["code", "name", "status", "at", "amount", "kind", "namespace", "asked_at", "new_due_at"]
) | st.text(CHARACTERS, max_size=6)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted(
    {
        *dossier(),
        *("facet", "pin", "receipt_number", "history", "fees", "links", "extensions", "results"),
        *("supplements", "attachments", "rating", "acting", "finished_at", "stopped_at", "step"),
        *("service_level", "submitted_at", "received_at_agency", "raw_status", "handed_over_at"),
    }
)
FACETS = st.sampled_from(["snapshot", "reception", "step", "result", "money", "rating"])


@st.composite
def records(draw: st.DrawFn) -> Any:
    """A right record with one to three fields replaced by anything, left out, or of any facet."""
    over = draw(st.dictionaries(st.sampled_from(FIELDS), VALUES | st.just(...), max_size=3))
    record = dossier(draw(st.integers(0, 6)), version=draw(st.integers(0, 4)))
    if draw(st.booleans()):
        record["facet"] = draw(FACETS)
    return {name: value for name, value in {**record, **over}.items() if value is not ...}


BODIES = st.one_of(records(), st.lists(records() | VALUES, max_size=4), VALUES)


def outcome(said: Any) -> Any:
    """What both stores must agree on: all but the ids that each makes for itself."""
    if "records" in said.body:
        told = [{**record, "dossier": None} for record in said.body["records"]]
        return said.status, said.body["counts"], told
    return said.status, said.body["reason"], said.body["field"]


async def shown(hub: Trial) -> Any:
    """Everything the doors tell of what was taken; the hub's ids come from codes, so they agree."""
    items = (await hub.get(PUSH, limit=100))["items"]
    histories = [
        {**entry, "receipt": None, "retracted_by": None}
        for item in items
        for entry in await hub.history(item["id"])
    ]
    counted = await hub.indicators("H50", "2000-01-01", "2030-12-31", as_of="2026-03-31")
    return items, histories, counted, await hub.feed()


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=BODIES, is_ndjson=st.booleans())
async def test_any_body_is_answered_alike_by_both_stores(
    hubs: list[Trial], body: Any, is_ndjson: bool
) -> None:
    """The stores are not emptied between bodies: they grow, tie, conflict and split on the way."""
    raw = json.dumps(body).encode()
    kind = "application/json"
    if is_ndjson:
        lines = body if isinstance(body, list) else [body]
        raw = b"\n".join(json.dumps(line).encode() for line in lines)
        kind = "application/x-ndjson"
    answers = [await hub.push(raw=raw, kind=kind) for hub in hubs]
    assert all(said.status < 500 for said in answers), answers[0].raw
    assert all(said.status in (200, 400, 403, 422) for said in answers), answers
    assert outcome(answers[0]) == outcome(answers[1])
    if answers[0].status == 200:
        assert await shown(hubs[0]) == await shown(hubs[1])
