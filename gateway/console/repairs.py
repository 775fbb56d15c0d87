"""What of a connection waits for a person: what happened, since when, how it is mended, and where.

Each is the card of one alarm that lasts, or of a secret that is named and was never set.
"""

from collections.abc import Iterable

from msgspec import Struct

from canonical.reasons import Reason
from store.alarms import AlarmRow
from store.connections import ConnectionRow
from sync import secret_values
from sync.wishes import Standing

# Alarm -> the page below the connection's where it is mended; one that begins with / is elsewhere.
_WHERE = {
    "credentials": "settings#secrets",
    "secret_expiry": "settings#secrets",
    "secret_missing": "settings#secrets",
    "breaker": "test",
    "suspect": "test",
    "cursor_lost": "test",
    "schema_drift": "drift",
    "overlay": "mapping",
    "bulk_quarantine": "/console/quarantine?connection=",
    "reconciliation": "/console/reconciliation?connection=",
    "filing": "/console/filings",
}
# The worst first; the others follow in the order they were raised in.
_ORDER = ("credentials", "breaker", "schema_drift", "cursor_lost", "overlay", "secret_missing")


class Repair(Struct, frozen=True):
    """One thing to be mended.

    Attributes:
        kind: Of the alarm, or secret_missing; its words are `repair.<kind>.…`.
        since: ISO; "" where nobody knows.
        reason: Of the closed list, where the connection waits for it.
        detail: For operators.
        path: Where it is mended.
    """

    kind: str
    since: str
    count: int
    reason: Reason | None
    detail: str
    path: str


def repairs_of(row: ConnectionRow, standing: Standing, lasting: Iterable[AlarmRow]) -> list[Repair]:
    """What of a connection waits for a person, the worst first."""
    if row.state == "retired":
        return []
    found = [
        Repair(one.kind, one.since, one.count, _reason(one, standing), one.detail, _path(row, one))
        for one in lasting
        if one.key == row.id and one.kind in _WHERE
    ]
    unset = secret_values.missing(row)
    if unset:
        path = f"/console/connections/{row.id}/{_WHERE['secret_missing']}"
        found.append(Repair("secret_missing", "", 1, None, ", ".join(unset), path))
    return sorted(found, key=rank)


def rank(one: Repair) -> tuple[int, str]:
    """What sorts the worst first, the oldest of a kind before the others."""
    is_known = one.kind in _ORDER
    return (_ORDER.index(one.kind) if is_known else len(_ORDER), one.since)


def _reason(one: AlarmRow, standing: Standing) -> Reason | None:
    return standing.waits_for if one.kind in ("credentials", "cursor_lost") else None


def _path(row: ConnectionRow, one: AlarmRow) -> str:
    where = _WHERE[one.kind]
    if not where.startswith("/"):
        return f"/console/connections/{row.id}/{where}"
    return f"{where}{row.id}" if where.endswith("=") else where
