"""Profile `seed` in one statement: exact for any as-of, read from judgement rows and their spans.

The same rules as canonical.indicators.count_seed, which `hub verify` holds it against.
"""

from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical.indicators import BUCKETS, Count
from store.reads import of_procedure
from store.rights import Narrowed, day, days

GROUPS = {
    "agency": "j.received_agency",
    "procedure": "j.procedure_code",
    "channel": "j.channel",
}


class Question(Struct, frozen=True):
    """What is asked.

    Attributes:
        scope: The agency and all below it (rights.in_scope).
        procedure: A national code, with or without its tail.
        group_by: agency | procedure | channel.
    """

    scope: Narrowed
    start: date
    end: date
    as_of: date
    procedure: str | None = None
    channel: str | None = None
    connection: str | None = None
    group_by: str | None = None


def _standing(alias: str, when: str) -> str:
    """Columns of how a dossier stood at the end of a day."""
    is_last = f"j.from_day <= {when}"
    return (
        f"CASE WHEN {is_last} THEN j.kind ELSE coalesce({alias}.kind, 'open') END AS {alias}_kind,"
        f" CASE WHEN {is_last} THEN j.end_on ELSE {alias}.end_on END AS {alias}_end,"
        f" CASE WHEN {is_last} THEN j.closed_on ELSE {alias}.closed_on END AS {alias}_closed,"
        f" CASE WHEN {is_last} THEN j.due_on"
        f" WHEN {alias}.dossier_id IS NULL THEN j.first_due_on ELSE {alias}.due_on END"
        f" AS {alias}_due"
    )


def _span(alias: str, when: str) -> str:
    return (
        f"LEFT JOIN judgement_span {alias} ON {alias}.dossier_id = j.dossier_id"
        f" AND {alias}.from_day <= {when} AND {when} < {alias}.to_day"
    )


_BUCKET = """CASE
  WHEN now_kind = 'done' AND (now_due IS NULL OR now_end = now_due) THEN 'on_time'
  WHEN now_kind = 'done' AND now_end < now_due THEN 'early'
  WHEN now_kind = 'done' THEN 'late'
  WHEN now_kind = 'open' AND now_due < {as_of} THEN 'open_overdue'
  WHEN now_kind = 'open' THEN 'open_in_term'
  WHEN now_kind = 'not_received' THEN NULL
  ELSE now_kind END"""
_RESOLVED = "bucket IN ('early', 'on_time', 'late', 'returned', 'withdrawn')"


def overdue_on(tx: Tx, on: date) -> Narrowed:
    """The condition that a dossier counts as `open_overdue` at the end of a day."""
    when = day(tx, "overdue_on")
    return Narrowed(
        "dossier.id IN (SELECT dossier_id FROM"
        f" (SELECT j.dossier_id, {_standing('now', when)} FROM judgement j {_span('now', when)}"
        f"  WHERE j.accepted_on <= {when}) AS stood"
        f" WHERE {_BUCKET.format(as_of=when)} = 'open_overdue')",
        {"overdue_on": on},
    )


def _judged(tx: Tx, asked: Question) -> tuple[str, dict[str, Any]]:
    """Every dossier that may count, as it stood on the day and before the period, with its bucket.

    A WITH of `judged` (dossier_id, grouped, accepted_on, channel, bucket, was_kind, now_closed) and
    the parameters as_of, before, start, end and what narrows it.
    """
    as_of, before = day(tx, "as_of"), day(tx, "before")
    said = [asked.scope.condition, f"j.accepted_on <= {day(tx, 'latest')}"]
    parameters: dict[str, Any] = {
        **asked.scope.parameters,
        "as_of": asked.as_of,
        "before": asked.start - timedelta(days=1),
        "start": asked.start,
        "end": asked.end,
        "latest": max(asked.as_of, asked.start - timedelta(days=1)),
    }
    if asked.procedure is not None:
        same = of_procedure("j.procedure_code", asked.procedure)
        parameters |= same.parameters
        said.append(same.condition)
    if asked.channel is not None:
        said.append("j.channel = :channel")
        parameters["channel"] = asked.channel
    if asked.connection is not None:
        said.append(
            "EXISTS (SELECT 1 FROM member JOIN leg ON leg.id = member.leg_id"
            " WHERE member.dossier_id = j.dossier_id AND leg.connection_id = :connection)"
        )
        parameters["connection"] = asked.connection
    group = GROUPS[asked.group_by] if asked.group_by else "CAST(NULL AS text)"
    return (
        f"WITH stood AS (SELECT j.dossier_id, {group} AS grouped, j.accepted_on, j.channel,"
        f" {_standing('now', as_of)}, {_standing('was', before)}"
        f" FROM judgement j {_span('now', as_of)} {_span('was', before)}"
        f" WHERE {' AND '.join(said)}),"
        f" judged AS (SELECT stood.*, {_BUCKET.format(as_of=as_of)} AS bucket FROM stood)",
        parameters,
    )


def _in_period(tx: Tx) -> str:
    """The condition that a dossier was accepted in the period, and not after the day."""
    return (
        f"accepted_on BETWEEN {day(tx, 'start')} AND {day(tx, 'end')}"
        f" AND accepted_on <= {day(tx, 'as_of')}"
    )


def count_seed(tx: Tx, asked: Question) -> dict[str | None, Count]:
    """Profile `seed`, by group; the one group is None where none is asked for."""
    as_of, before = day(tx, "as_of"), day(tx, "before")
    start, end = day(tx, "start"), day(tx, "end")
    judged, parameters = _judged(tx, asked)
    in_period = _in_period(tx)
    sums = ", ".join(
        f"coalesce(sum(CASE WHEN {in_period} AND bucket = '{b}' THEN 1 ELSE 0 END), 0)"
        for b in BUCKETS
    )
    closed = f"accepted_on <= {as_of} AND {_RESOLVED} AND now_closed BETWEEN {start} AND {end}"
    found = tx.execute(
        text(
            f"{judged} SELECT grouped, {sums},"
            f" coalesce(sum(CASE WHEN accepted_on <= {before}"
            "  AND was_kind IN ('open', 'waiting') THEN 1 ELSE 0 END), 0),"
            f" coalesce(sum(CASE WHEN {closed} THEN 1 ELSE 0 END), 0),"
            f" coalesce(sum(CASE WHEN {closed} AND channel = 'online' THEN 1 ELSE 0 END), 0)"
            " FROM judged GROUP BY grouped ORDER BY grouped"
        ),
        days(tx, parameters),
    )
    counts = {row[0]: _count([int(v) for v in row[1:]]) for row in found}
    if not asked.group_by and not counts:
        counts[None] = _count([0] * (len(BUCKETS) + 3))
    return counts


def list_bucket(tx: Tx, asked: Question, bucket: str) -> list[str]:
    """Public ids of the dossiers that count in one bucket, as known now, by id.

    Args:
        tx: A read transaction.
        asked: As for `count_seed`; its group is not looked at.
        bucket: One of canonical.indicators.BUCKETS.
    """
    judged, parameters = _judged(tx, asked)
    found = tx.execute(
        text(
            f"{judged} SELECT public_id FROM dossier WHERE id IN (SELECT dossier_id FROM judged"
            f" WHERE {_in_period(tx)} AND bucket = :bucket) ORDER BY id"
        ),
        days(tx, {**parameters, "bucket": bucket}),
    )
    return [row[0] for row in found]


def _count(values: list[int]) -> Count:
    buckets = dict(zip(BUCKETS, values[: len(BUCKETS)], strict=True))
    carried, resolved, online = values[len(BUCKETS) :]
    return Count(sum(buckets.values()), buckets, carried, resolved, online)
