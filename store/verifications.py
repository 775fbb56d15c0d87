"""What each `hub verify` found, so that a screen can say when the hub was last proved."""

import json

from msgspec import Struct, to_builtins
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx

from store.tables import table
from store.work_tables import Verification

_KEPT = 400  # more than a year of nights


class Failed(Struct, frozen=True):
    """A check that did not hold: its name, and table, row and column; never a value."""

    name: str
    detail: str


class VerificationRow(Struct, frozen=True):
    """One proof.

    Attributes:
        records: How many records the store held.
        findings: How many things were wrong; 0 where everything held.
        failed: The checks that they are of.
    """

    started_at: str
    ended_at: str
    records: int
    findings: int
    failed: list[Failed] = []


def keep(tx: Tx, row: VerificationRow) -> None:
    """Keep what was found; the oldest make way."""
    held = table(Verification)
    failed = json.dumps([to_builtins(one) for one in row.failed], ensure_ascii=False)
    made = held.insert().values(
        started_at=row.started_at,
        ended_at=row.ended_at,
        records=row.records,
        findings=row.findings,
        failed=failed,
    )
    tx.execute(made)
    tx.execute(
        text("DELETE FROM verification WHERE id <= (SELECT max(id) FROM verification) - :kept"),
        {"kept": _KEPT},
    )


def newest(tx: Tx) -> VerificationRow | None:
    """The last proof; None where the hub was never proved."""
    held = table(Verification)
    row = tx.execute(select(held).order_by(held.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    failed = [Failed(**one) for one in json.loads(row.failed)]
    return VerificationRow(row.started_at, row.ended_at, row.records, row.findings, failed)
