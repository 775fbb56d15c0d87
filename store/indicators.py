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


_STRETCH = "judgement_span s WHERE s.dossier_id = j.dossier_id AND s.from_day <= {on}"
_STRETCH += " AND {on} < s.to_day"


def _stood(tx: Tx, when: str, more: str, where: str) -> str:
    """How dossiers stood at the end of a day: now_kind, now_end, now_closed, now_due.

    Most have turned for the last time by then; only for the others an earlier stretch is looked up.

    Args:
        tx: For the dialect.
        when: The day.
        more: Further columns of each dossier.
        where: Which dossiers.
    """
    earlier = f"LEFT JOIN {_STRETCH.replace(' WHERE ', ' ON ').format(on=when)}"
    if tx.dialect.name != "sqlite":
        # One look into the index for each; PostgreSQL would rather read all stretches there are.
        earlier = f"LEFT JOIN LATERAL (SELECT * FROM {_STRETCH.format(on=when)} LIMIT 1) s ON true"
    return (
        f"SELECT {more}, j.kind AS now_kind, j.end_on AS now_end, j.closed_on AS now_closed,"
        f" j.due_on AS now_due FROM judgement j WHERE {where} AND j.from_day <= {when}"
        f" UNION ALL SELECT {more}, coalesce(s.kind, 'open'), s.end_on, s.closed_on,"
        " CASE WHEN s.dossier_id IS NULL THEN j.first_due_on ELSE s.due_on END"
        f" FROM judgement j {earlier} WHERE {where} AND j.from_day > {when}"
    )


def _kind(when: str) -> str:
    """How a dossier stood at the end of a day, looked up for each."""
    earlier = f"SELECT s.kind FROM {_STRETCH.format(on=when)}"
    return f"CASE WHEN j.from_day <= {when} THEN j.kind ELSE coalesce(({earlier}), 'open') END"


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
        f" ({_stood(tx, when, 'j.dossier_id', f'j.accepted_on <= {when}')}) AS stood"
        f" WHERE {_BUCKET.format(as_of=when)} = 'open_overdue')",
        {"overdue_on": on},
    )


def _judged(tx: Tx, asked: Question, *, is_whole: bool = False) -> tuple[str, dict[str, Any]]:
    """Every dossier that counts somewhere, as it stood on the day and before the period.

    A WITH of `judged` (dossier_id, grouped, accepted_on, channel, bucket, was_kind, now_closed) and
    the parameters as_of, before, start, end and what narrows it.

    Args:
        tx: For the dialect.
        asked: What is asked.
        is_whole: Those that count nowhere as well, so that each group is there.
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
    if not is_whole:
        said.append(_may_count(tx))
        parameters["since"] = min(asked.as_of, asked.start - timedelta(days=1))
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
    was = f"CASE WHEN j.accepted_on <= {before} THEN {_kind(before)} END AS was_kind"
    more = f"j.dossier_id, {group} AS grouped, j.accepted_on, j.channel, {was}"
    return (
        f"WITH stood AS ({_stood(tx, as_of, more, ' AND '.join(said))}),"
        f" judged AS (SELECT stood.*, {_BUCKET.format(as_of=as_of)} AS bucket FROM stood)",
        parameters,
    )


def _may_count(tx: Tx) -> str:
    """What is true of every dossier that counts in a period; each part has an index of its own.

    Accepted in it; closed in it by the last stretch; or still running before it or on the day.
    What earlier stretches say matters only where the last one began after `since`, the earlier of
    the day and the eve of the period.
    """
    start, end = day(tx, "start"), day(tx, "end")
    return (
        f"(j.accepted_on BETWEEN {start} AND {end} OR j.closed_on BETWEEN {start} AND {end}"
        f" OR j.from_day > {day(tx, 'since')}"
        f" OR (j.kind IN ('open', 'waiting') AND j.accepted_on <= {day(tx, 'before')}))"
    )


def _in_period(tx: Tx) -> str:
    """The condition that a dossier was accepted in the period, and not after the day."""
    return (
        f"accepted_on BETWEEN {day(tx, 'start')} AND {day(tx, 'end')}"
        f" AND accepted_on <= {day(tx, 'as_of')}"
    )


def count_seed(tx: Tx, asked: Question) -> dict[str | None, Count]:
    """Profile `seed`, by group; the one group is None where none is asked for."""
    start, end = day(tx, "start"), day(tx, "end")
    judged, parameters = _judged(tx, asked, is_whole=asked.group_by is not None)
    closed = (
        f"accepted_on <= {day(tx, 'as_of')} AND {_RESOLVED}"
        f" AND now_closed BETWEEN {start} AND {end}"
    )
    # Counted by what they have in common: a dozen sums over every row cost ten times as much.
    found = tx.execute(
        text(
            f"{judged} SELECT grouped, CASE WHEN {_in_period(tx)} THEN bucket END AS counted,"
            " CASE WHEN was_kind IN ('open', 'waiting') THEN 1 ELSE 0 END AS carried,"
            f" CASE WHEN {closed} THEN CASE WHEN channel = 'online' THEN 2 ELSE 1 END"
            "  ELSE 0 END AS closed, count(*)"
            " FROM judged GROUP BY 1, 2, 3, 4 ORDER BY grouped"
        ),
        days(tx, parameters),
    )
    counts: dict[str | None, Count] = {}
    for group, bucket, is_carried, closed_as, number in found:
        count = counts.setdefault(group, Count(0, dict.fromkeys(BUCKETS, 0), 0, 0, 0))
        if bucket is not None:
            count.total += number
            count.buckets[bucket] += number
        count.carried_over += number if is_carried else 0
        count.resolved += number if closed_as else 0
        count.resolved_online += number if closed_as == 2 else 0
    if not asked.group_by and not counts:
        counts[None] = Count(0, dict.fromkeys(BUCKETS, 0), 0, 0, 0)
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
