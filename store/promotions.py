"""Candidates that were put into force: the report by which, and how far their replay has come."""

from collections.abc import Collection

import zstandard
from msgspec import Struct, structs
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.tables import table
from store.work_tables import Promotion

_LEVEL = 6


class PromotionRow(Struct, frozen=True):
    """One promotion (store.work_tables.Promotion).

    Attributes:
        state: kept | running | paused | done.
        after_id: The replay has passed the records up to this one.
        tried: Records that were read again; `settled` those of them that could be taken.
        actor: Who began the replay, and for which reason; "" before.
    """

    connection_id: str
    version: int
    state: str
    after_id: int = 0
    tried: int = 0
    settled: int = 0
    actor: str = ""
    reason: str = ""


_FIELDS = PromotionRow.__struct_fields__


def add(tx: Tx, connection_id: str, version: int, report: bytes) -> None:
    """Keep the report of a version."""
    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(report)
    row = PromotionRow(connection_id, version, "kept")
    tx.execute(table(Promotion).insert().values(report=packed, **structs.asdict(row)))


def load(tx: Tx, connection_id: str, version: int | None = None) -> PromotionRow | None:
    """A promotion; the newest where no version is said."""
    held = table(Promotion)
    query = select(*(held.c[name] for name in _FIELDS)).where(held.c.connection_id == connection_id)
    if version is not None:
        query = query.where(held.c.version == version)
    row = tx.execute(query.order_by(held.c.version.desc()).limit(1)).first()
    return PromotionRow(*row) if row is not None else None


def versions(tx: Tx, connection_id: str) -> dict[int, PromotionRow]:
    """Version -> its promotion, of those that were put into force by a report."""
    held = table(Promotion)
    query = select(*(held.c[name] for name in _FIELDS)).where(held.c.connection_id == connection_id)
    return {row.version: PromotionRow(*row) for row in tx.execute(query)}


def load_report(tx: Tx, connection_id: str, version: int) -> bytes | None:
    """The report of a version, as JSON; None where it has none."""
    held = table(Promotion)
    packed = tx.execute(
        select(held.c.report).where(
            held.c.connection_id == connection_id, held.c.version == version
        )
    ).scalar()
    return zstandard.ZstdDecompressor().decompress(bytes(packed)) if packed is not None else None


def running(tx: Tx) -> list[str]:
    """Connections of which a replay goes on."""
    found = tx.execute(
        text("SELECT DISTINCT connection_id FROM promotion WHERE state = 'running' ORDER BY 1")
    )
    return [row[0] for row in found]


def save(tx: Tx, row: PromotionRow) -> None:
    """Write how far a replay has come."""
    held = table(Promotion)
    told = {name: getattr(row, name) for name in _FIELDS[2:]}
    tx.execute(
        held.update()
        .where(held.c.connection_id == row.connection_id, held.c.version == row.version)
        .values(**told)
    )


def changed_since(tx: Tx, seq: int, public_ids: Collection[str]) -> int:
    """How many of these dossiers changed behind a place in the feed."""
    found: set[str] = set()
    listed = sorted(public_ids)
    for begun in range(0, len(listed), 500):
        rows = tx.execute(
            text(
                "SELECT public_id FROM dossier WHERE changed_seq > :seq"
                f" AND public_id IN ({bulk.texts_in(tx, 'ids')})"
            ),
            {"seq": seq, "ids": bulk.pack(listed[begun : begun + 500])},
        )
        found |= {row[0] for row in rows}
    return len(found)


def receipts_since(tx: Tx, connection_id: str, decided: int) -> list[int]:
    """Receipts of a connection that are decided behind a decision, or not yet."""
    found = tx.execute(
        text(
            "SELECT id FROM receipt WHERE connection_id = :id"
            " AND (decided_no IS NULL OR decided_no > :decided) ORDER BY id"
        ),
        {"id": connection_id, "decided": decided},
    )
    return [int(row[0]) for row in found]
