"""Figures of the connections: how they fare, what stops them, what a person must look at."""

import json
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store.figures import Figure, Sample
from store.types import Moment

LINKS = (
    Figure(
        "hub_connection_enabled",
        "1 while a connection is enabled, 0 while it is paused",
        "count",
        ("connection",),
        "SELECT id, CASE state WHEN 'enabled' THEN 1 ELSE 0 END FROM connection"
        " WHERE state IN ('enabled', 'paused')",
    ),
    Figure(
        "hub_connection_breaker",
        "1 for the state a connection's breaker is in: closed, open, half_open",
        "count",
        ("connection", "state"),
        "SELECT connection.id, coalesce(plan.breaker, 'closed'), 1 FROM connection"
        " LEFT JOIN plan ON plan.connection_id = connection.id",
    ),
    Figure(
        "hub_connection_waits_for",
        "1 for a reason that a person must settle before a connection is asked again",
        "count",
        ("connection", "reason"),
        "SELECT connection_id, waits_for, 1 FROM plan WHERE waits_for IS NOT NULL",
    ),
    Figure(
        "hub_connection_failures",
        "Runs of a connection that failed, one after another",
        "count",
        ("connection",),
        "SELECT connection.id, coalesce(plan.failures, 0) FROM connection"
        " LEFT JOIN plan ON plan.connection_id = connection.id",
    ),
    Figure(
        "hub_connection_suspect_seconds",
        "For how long a source has brought nothing where something was due",
        "age",
        ("connection",),
        "SELECT connection_id, suspect_since FROM plan WHERE suspect_since IS NOT NULL",
    ),
    Figure(
        "hub_run_success_time_seconds",
        "Unix time of the end of the newest run that succeeded",
        "moment",
        ("connection",),
        "SELECT id, (SELECT ended_at FROM run WHERE run.connection_id = connection.id"
        " AND run.state = 'done' ORDER BY run.id DESC LIMIT 1) FROM connection",
    ),
    Figure(
        "hub_runs",
        "Runs by how they ended; state running has not ended",
        "total",
        ("connection", "state", "reason"),
        "SELECT connection_id, state, coalesce(reason, ''), count(*) FROM run"
        " GROUP BY connection_id, state, reason",
    ),
    Figure(
        "hub_alarms",
        "Alarms that last",
        "count",
        ("kind",),
        "SELECT kind, count(*) FROM alarm WHERE until IS NULL GROUP BY kind",
    ),
    Figure(
        "hub_reconciled_time_seconds",
        "Unix time of the end of the newest comparison with a source's own list",
        "moment",
        ("connection",),
        "SELECT id, (SELECT ended_at FROM reconciliation AS r WHERE r.connection_id ="
        " connection.id AND r.state = 'done' ORDER BY r.id DESC LIMIT 1) FROM connection",
    ),
)
DISCREPANCIES = Figure(
    "hub_discrepancies",
    "Dossiers on which a source and the hub did not agree when they were last compared",
    "count",
    ("connection", "kind"),
    "SELECT r.connection_id, r.counts FROM reconciliation AS r JOIN (SELECT connection_id,"
    " max(id) AS id FROM reconciliation WHERE state = 'done' GROUP BY connection_id) AS newest"
    " ON newest.id = r.id",
)


def count_discrepancies(tx: Tx) -> Iterator[Sample]:
    """(connection, kind) -> how many, by the newest comparison of each connection."""
    for connection, counts in tx.execute(text(DISCREPANCIES.query)):
        for kind, number in json.loads(counts).items():
            yield (str(connection), str(kind)), float(number)


def last_success_begins(tx: Tx) -> dict[str, datetime]:
    """Connection -> when its newest run that succeeded began."""
    found = tx.execute(
        text(
            "SELECT id, (SELECT started_at FROM run WHERE run.connection_id = connection.id"
            " AND run.state = 'done' ORDER BY run.id DESC LIMIT 1) FROM connection"
        )
    )
    told = {row[0]: Moment().process_result_value(row[1], tx.dialect) for row in found}
    return {name: clock.from_iso(at) for name, at in told.items() if at is not None}
