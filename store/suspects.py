"""What a connection told on which day, and since when it has been silent where work was expected.

Without a lease: two nodes that look at the same time come to the same.
"""

from datetime import date

from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store.types import Moment

# What the hub made itself, out of the quarantine or of an absence, is no word of the source's.
_OWN = "origin_id IS NULL AND shape <> 'gone'"


def list_unwatched(tx: Tx, before: str) -> list[str]:
    """Enabled connections that were last looked at before a moment, or never."""
    found = tx.execute(
        text(
            "SELECT connection.id FROM connection"
            " LEFT JOIN plan ON plan.connection_id = connection.id"
            " WHERE connection.state = 'enabled'"
            " AND (plan.watched_at IS NULL OR plan.watched_at < :before) ORDER BY connection.id"
        ),
        {"before": before},
    )
    return [row[0] for row in found]


def day_counts(tx: Tx, connection_id: str, begin: date) -> dict[date, int]:
    """Day at +07:00 -> records that said something new, from a day on."""
    day = (
        "substr(received_at, 1, 10)"
        if tx.dialect.name == "sqlite"
        else "to_char(received_at AT TIME ZONE INTERVAL '7 hours', 'YYYY-MM-DD')"
    )
    # Receipts are numbered in the order in which they came: what is older is not looked through.
    found = tx.execute(
        text(
            f"SELECT {day} AS day, sum(applied + superseded) FROM receipt"
            f" WHERE connection_id = :connection AND {_OWN} AND id > coalesce("
            "(SELECT id FROM receipt WHERE connection_id = :connection"
            " AND received_at < :begin ORDER BY id DESC LIMIT 1), 0) GROUP BY day"
        ),
        {"connection": connection_id, "begin": f"{begin.isoformat()}T00:00:00+07:00"},
    )
    return {date.fromisoformat(row[0]): int(row[1]) for row in found}


def spoke_since(tx: Tx, connection_id: str, since: str) -> bool:
    """Whether a connection said something new from a moment on."""
    found = tx.execute(
        text(
            "SELECT 1 FROM receipt WHERE connection_id = :connection"
            f" AND received_at >= :since AND applied + superseded > 0 AND {_OWN}"
            " ORDER BY id DESC LIMIT 1"
        ),
        {"connection": connection_id, "since": since},
    )
    return found.first() is not None


def suspect_since(tx: Tx, connection_id: str) -> str | None:
    """Since when a connection counts as suspect; None where it does not."""
    found = tx.execute(
        text("SELECT suspect_since FROM plan WHERE connection_id = :id"), {"id": connection_id}
    ).scalar()
    return Moment().process_result_value(found, tx.dialect)


def list_suspect(tx: Tx) -> dict[str, str]:
    """Connections that are suspect, and since when."""
    found = tx.execute(
        text(
            "SELECT connection_id, suspect_since FROM plan WHERE suspect_since IS NOT NULL"
            " ORDER BY connection_id"
        )
    )
    moment = Moment()
    return {row[0]: moment.process_result_value(row[1], tx.dialect) or "" for row in found}


def save_look(tx: Tx, connection_id: str, since: str | None, at: str) -> None:
    """Note what a look found."""
    tx.execute(
        text(
            "INSERT INTO plan (connection_id, failures, breaker, suspect_since, watched_at,"
            " updated_at) VALUES (:id, 0, 'closed', :since, :at, :at)"
            " ON CONFLICT (connection_id) DO UPDATE SET suspect_since = excluded.suspect_since,"
            " watched_at = excluded.watched_at"
        ),
        {"id": connection_id, "since": since, "at": at},
    )
