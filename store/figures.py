"""Operating figures, counted by the store: what /metrics tells, equal on all processes.

Each figure is one statement whose last column is its value and whose others are its labels. They
are asked every few seconds for years: a count comes out of an index, or out of few rows.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store.types import Moment

Meaning = Literal["count", "total", "age", "moment"]
Sample = tuple[tuple[str, ...], float]


class Figure(Struct, frozen=True):
    """One figure.

    Attributes:
        name: As Prometheus has it; a total without its ending.
        told: What it says, for people.
        meaning: A count as it stands, a total that only rises, the age in seconds of the moment
            that the statement gives (0 where it gives none), or that moment as Unix time.
        labels: What the statement's first columns are.
    """

    name: str
    told: str
    meaning: Meaning
    labels: tuple[str, ...]
    query: str


class Counted(Struct, frozen=True):
    """A figure's values."""

    figure: Figure
    samples: list[Sample]


INTAKE = (
    Figure(
        "hub_quarantined",
        "Records in the quarantine",
        "count",
        ("connection", "reason"),
        "SELECT connection_id, reason, count(*) FROM record WHERE disposition = 'quarantined'"
        " AND resolved_by IS NULL GROUP BY connection_id, reason",
    ),
    Figure(
        "hub_fresh_to_seconds",
        "Unix time of the newest intake",
        "moment",
        ("connection",),
        "SELECT id, (SELECT received_at FROM receipt WHERE receipt.connection_id = connection.id"
        " ORDER BY receipt.id DESC LIMIT 1) FROM connection",
    ),
    Figure(
        "hub_pending_receipts",
        "Receipts that are kept and not decided",
        "count",
        (),
        "SELECT count(*) FROM receipt WHERE state = 'pending'",
    ),
    Figure(
        "hub_pending_oldest_seconds",
        "Age of the oldest receipt that is not decided; 0 where there is none",
        "age",
        (),
        "SELECT min(received_at) FROM receipt WHERE state = 'pending'",
    ),
    Figure(
        "hub_verified_time_seconds",
        "Unix time of the end of the newest `hub verify`; nothing where there was none",
        "moment",
        (),
        "SELECT ended_at FROM verification ORDER BY id DESC LIMIT 1",
    ),
    Figure(
        "hub_verify_findings",
        "How many things the newest `hub verify` found wrong",
        "count",
        (),
        "SELECT findings FROM verification ORDER BY id DESC LIMIT 1",
    ),
    Figure("hub_change_seq", "The newest change", "count", (), "SELECT seq FROM feed"),
    Figure(
        "hub_dossiers",
        "Living dossiers",
        "count",
        (),
        "SELECT (SELECT count(*) FROM dossier)"
        " - (SELECT count(*) FROM dossier WHERE merged_into IS NOT NULL)",
    ),
)


def count(tx: Tx, figures: Sequence[Figure], now: datetime) -> Iterator[Counted]:
    """The figures as of now."""
    for figure in figures:
        samples: list[Sample] = []
        for row in tx.execute(text(figure.query)):
            value = _value(tx, figure.meaning, row[-1], now)
            if value is not None:
                samples.append((tuple(str(label) for label in row[:-1]), value))
        yield Counted(figure, samples)


def _value(tx: Tx, meaning: Meaning, told: object, now: datetime) -> float | None:
    """A moment that is not there has no Unix time, and is no seconds old."""
    if meaning in ("count", "total"):
        return float(str(told or 0))
    moment = Moment().process_result_value(told, tx.dialect)
    if moment is None:
        return 0.0 if meaning == "age" else None
    at = clock.from_iso(moment).timestamp()
    return max(now.timestamp() - at, 0.0) if meaning == "age" else at


_COUNTED = ("applied", "superseded", "duplicate", "quarantined")


class Records:
    """Records by what became of them, added up decision by decision: none is counted twice.

    Decisions are numbered without a gap in the order they were committed, so what was added up
    once need not be looked at again.
    """

    def __init__(self) -> None:
        self._upto = 0
        self._counts: dict[str, dict[str, int]] = {}

    def count(self, tx: Tx) -> dict[str, dict[str, int]]:
        """Connection -> disposition -> how many."""
        decided = int(tx.execute(text("SELECT decided FROM feed")).scalar_one())
        if decided < self._upto:  # another store was put behind the same address
            self._upto, self._counts = 0, {}
        sums = ", ".join(f"sum({name})" for name in _COUNTED)
        found = tx.execute(
            text(
                f"SELECT connection_id, {sums} FROM receipt"
                " WHERE decided_no > :after AND decided_no <= :upto GROUP BY connection_id"
            ),
            {"after": self._upto, "upto": decided},
        )
        counts = {name: dict(one) for name, one in self._counts.items()}
        for connection, *values in found:
            held = counts.setdefault(connection, dict.fromkeys(_COUNTED, 0))
            for name, value in zip(_COUNTED, values, strict=True):
                held[name] += int(value)
        self._upto, self._counts = decided, counts
        return counts
