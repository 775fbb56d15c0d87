"""A source of which everything is refused: one alarm and one line, however many records it sends.

A body counts as bad where nine of ten of its records are refused and it has at least twenty; a
smaller one is counted together with the newest of its connection. What a poll brought before and
the quarantine knows counts as refused each time, so that only good records end the alarm.
"""

import logging

from sqlalchemy.engine import Connection as Tx

from store import alarms, quarantine

logger = logging.getLogger(__name__)
KIND = "bulk_quarantine"
LEAST = 20
SHARE = 0.9


def watch(tx: Tx, connection_id: str, rows: int, refused: int, at: str) -> str | None:
    """Raise or end the alarm of a connection after a body of it was decided; what is new of it.

    Args:
        tx: The write transaction that decided the body.
        connection_id: Whose body it is.
        rows: How many records it had.
        refused: How many of them were refused, known ones included.
        at: Now, ISO at +07:00.
    """
    if not rows:
        return None
    if refused < SHARE * rows:
        is_over = alarms.end_alarm(tx, KIND, connection_id, at)
        return "A source sends records again that can be taken" if is_over else None
    in_all, bad = rows, refused
    if in_all < LEAST:
        before, bad_before = quarantine.newest_counts(tx, connection_id, LEAST - in_all)
        in_all, bad = in_all + before, bad + bad_before
    if in_all >= LEAST and bad >= SHARE * in_all:
        detail = f"{bad} of {in_all} records were refused"
        is_new = alarms.raise_alarm(tx, KIND, connection_id, detail, at)
        return "Nearly everything a source sends is refused" if is_new else None
    return None


def say(connection_id: str, news: str | None) -> None:
    """One line when it begins, one when it is over."""
    if news is not None:
        logger.warning(news, extra={"event": "quarantine.bulk", "connection": connection_id})
