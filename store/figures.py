"""Operating figures, counted by the store."""

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store.types import Moment

_COUNTED = ("applied", "superseded", "duplicate", "quarantined")


class Figures(Struct, frozen=True):
    """What an engineer on call watches.

    Attributes:
        fresh_to: Connection -> Unix time of its newest intake.
    """

    records: dict[str, dict[str, int]]
    quarantined: list[tuple[str, str, int]]
    fresh_to: dict[str, float]
    pending: int
    newest_seq: int
    dossiers: int


def load_figures(tx: Tx) -> Figures:
    """The figures as of now."""
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in _COUNTED)
    records: dict[str, dict[str, int]] = {}
    fresh: dict[str, float] = {}
    for row in tx.execute(
        text(f"SELECT connection_id, max(received_at), {sums} FROM receipt GROUP BY connection_id")
    ):
        records[row[0]] = dict(zip(_COUNTED, (int(v) for v in row[2:]), strict=True))
        moment = Moment().process_result_value(row[1], tx.dialect)
        fresh[row[0]] = clock.from_iso(moment or "1970-01-01T07:00:00+07:00").timestamp()
    quarantined = tx.execute(
        text(
            "SELECT connection_id, reason, count(*) FROM record WHERE disposition = 'quarantined'"
            " AND resolved_by IS NULL GROUP BY connection_id, reason"
        )
    )
    pending = tx.execute(text("SELECT count(*) FROM receipt WHERE state = 'pending'"))
    newest = tx.execute(text("SELECT seq FROM feed WHERE id = 1"))
    living = tx.execute(text("SELECT count(*) FROM dossier WHERE merged_into IS NULL"))
    return Figures(
        records=records,
        quarantined=[(row[0], row[1], int(row[2])) for row in quarantined],
        fresh_to=fresh,
        pending=int(pending.scalar_one()),
        newest_seq=int(newest.scalar_one()),
        dossiers=int(living.scalar_one()),
    )
