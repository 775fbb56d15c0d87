"""A source of which everything is refused: one alarm and one line, however many records it sends.

A body counts as bad where nine of ten of its records are refused and it has at least twenty; a
smaller one is counted together with the newest of its connection. What a poll brought before and
the quarantine knows counts as refused each time, so that only good records end the alarm.
"""

import logging
from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection as Tx

from store import alarms, quarantine

logger = logging.getLogger(__name__)
KIND = "bulk_quarantine"
LEAST = 20
SHARE = 0.9


def watch(tx: Tx, bodies: Sequence[tuple[str, int, int]], at: str) -> dict[str, str]:
    """Raise or end the alarms of connections whose bodies were decided; what is new of which.

    Args:
        tx: The write transaction that decided the bodies.
        bodies: Connection, how many records a body had, and how many of them were refused, known
            ones included; in order.
        at: Now, ISO at +07:00.
    """
    told: dict[str, list[tuple[int, int]]] = {}
    for connection_id, rows, refused in bodies:
        told.setdefault(connection_id, []).append((rows, refused))
    lasting = alarms.lasting(tx, KIND, told)
    news = {}
    for connection_id, counts in told.items():
        begun = max((n for n, one in enumerate(counts, 1) if _is_good(*one)), default=0)
        if begun and connection_id in lasting and alarms.end_alarm(tx, KIND, connection_id, at):
            news[connection_id] = "A source sends records again that can be taken"
        is_raised = any(rows for rows, _ in counts[begun:])
        if is_raised and _raise(tx, connection_id, counts[begun:], at):
            news[connection_id] = "Nearly everything a source sends is refused"
    return news


def _is_good(rows: int, refused: int) -> bool:
    return rows > 0 and refused < SHARE * rows


def _raise(tx: Tx, connection_id: str, bad: Sequence[tuple[int, int]], at: str) -> bool:
    """Raise the alarm where enough was refused of late; whether it is new."""
    in_all, refused = sum(one[0] for one in bad), sum(one[1] for one in bad)
    if in_all < LEAST:
        more = quarantine.newest_counts(tx, connection_id, LEAST - in_all, len(bad))
        in_all, refused = in_all + more[0], refused + more[1]
    if in_all < LEAST or refused < SHARE * in_all:
        return False
    detail = f"{refused} of {in_all} records were refused"
    return alarms.raise_alarm(tx, KIND, connection_id, detail, at)


def say(news: Mapping[str, str]) -> None:
    """One line when it begins, one when it is over."""
    for connection_id, told in news.items():
        logger.warning(told, extra={"event": "quarantine.bulk", "connection": connection_id})
