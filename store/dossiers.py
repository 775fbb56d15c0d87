"""Dossiers, what they count as, and the change feed: written under the feed's lock, in order."""

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.bulk import said
from store.tables import (
    AgencySeen,
    Change,
    Dossier,
    Judgement,
    JudgementSpan,
    Member,
)


class DossierRow(Struct, frozen=True, array_like=True, gc=False):
    """A dossier as the store keeps it."""

    id: int
    public_id: str
    merged_into: int | None
    agency: str | None
    received_agency: str | None
    procedure_code: str | None
    status: str | None
    channel: str | None
    accepted_on: date | None
    due_on: date | None
    body: str
    findings: str
    pins: str
    created_seq: int
    changed_seq: int


class JudgementRow(Struct, frozen=True, array_like=True, gc=False):
    """What a dossier counts as from its last turn on."""

    dossier_id: int
    received_agency: str
    handling_agency: str | None
    procedure_code: str
    channel: str | None
    accepted_on: date
    first_due_on: date | None
    from_day: date
    kind: str
    end_on: date | None
    closed_on: date | None
    due_on: date | None


class SpanRow(Struct, frozen=True, array_like=True, gc=False):
    """An earlier stretch."""

    dossier_id: int
    from_day: date
    to_day: date
    kind: str
    end_on: date | None
    closed_on: date | None
    due_on: date | None


class ChangeRow(Struct, frozen=True, array_like=True, gc=False):
    """One line of the change feed."""

    seq: int
    dossier_id: int
    kind: str
    at: str
    into_id: int | None
    receipt_id: int | None


class Held(Struct, frozen=True, gc=False):
    """What a dossier was before this transaction."""

    id: int
    public_id: str
    merged_into: int | None
    body: str
    findings: str
    pins: str
    created_seq: int


def lock_feed(tx: Tx, decisions: int) -> tuple[int, int]:
    """Take the lock that puts changes in order, held until commit.

    Args:
        tx: An open write transaction.
        decisions: How many decisions it takes.

    Returns:
        The place of the last decision before these, and the newest seq.
    """
    found = tx.execute(
        said("UPDATE feed SET decided = decided + :more WHERE id = 1 RETURNING decided, seq"),
        {"more": decisions},
    ).one()
    return int(found.decided) - decisions, int(found.seq)


def append_changes(tx: Tx, newest: int, changes: Sequence[ChangeRow]) -> None:
    """Write changes whose seqs follow the newest one; the feed lock must be held."""
    if not changes:
        return
    if [c.seq for c in changes] != list(range(newest + 1, newest + 1 + len(changes))):
        raise AssertionError("changes must follow the newest seq without a gap")
    bulk.insert(tx, Change, _CHANGE_COLUMNS, changes)
    tx.execute(said("UPDATE feed SET seq = :seq WHERE id = 1"), {"seq": changes[-1].seq})


def load_held(tx: Tx, dossier_ids: Iterable[int]) -> dict[int, Held]:
    """Dossiers as they are, by id."""
    found = tx.execute(
        said(
            "SELECT id, public_id, merged_into, body, findings, pins, created_seq FROM dossier"
            f" WHERE id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(dossier_ids)},
    )
    return {int(r[0]): Held(int(r[0]), *r[1:]) for r in found.all()}


_CHANGE_COLUMNS = ChangeRow.__struct_fields__
_DOSSIER_COLUMNS = DossierRow.__struct_fields__
_REPLACED = [c for c in _DOSSIER_COLUMNS if c not in ("public_id", "created_seq")]
_JUDGEMENT_COLUMNS = JudgementRow.__struct_fields__
_SPAN_COLUMNS = SpanRow.__struct_fields__


def _replaced(columns: Sequence[str], keys: Sequence[str]) -> str:
    sets = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in keys)
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sets}"


def save_dossiers(tx: Tx, rows: Sequence[DossierRow], *, are_new: bool = False) -> None:
    """Insert or replace dossiers; `are_new` as of `legs.save_entries`."""
    conflict = "" if are_new else _replaced(_REPLACED, ("id",))
    bulk.insert(tx, Dossier, _DOSSIER_COLUMNS, rows, conflict)


def merge_dossiers(tx: Tx, merged: Sequence[tuple[int, int, int]]) -> None:
    """Let old dossiers lead to the living one; (old, living, the last seq of that decision)."""
    bulk.update(
        tx,
        Dossier,
        ("id",),
        ("merged_into", "changed_seq"),
        merged,
    )


def save_members(tx: Tx, pairs: Sequence[tuple[int, int]], *, are_new: bool = False) -> None:
    """Say which dossier each leg belongs to; pairs of (leg id, dossier id).

    `are_new` as of `legs.save_entries`.
    """
    bulk.insert(
        tx,
        Member,
        ("leg_id", "dossier_id"),
        pairs,
        "" if are_new else "ON CONFLICT (leg_id) DO UPDATE SET dossier_id = excluded.dossier_id",
    )


def save_judgements(
    tx: Tx,
    dossier_ids: Sequence[int],
    rows: Sequence[JudgementRow],
    spans: Sequence[SpanRow],
    *,
    are_new: bool = False,
) -> None:
    """Replace what these dossiers count as; one without a row counts in no indicator.

    `are_new` of the rows, as of `legs.save_entries`.
    """
    gone = sorted(set(dossier_ids) - {row.dossier_id for row in rows})
    bulk.delete(tx, Judgement, ("dossier_id",), [(i,) for i in gone])
    bulk.delete(tx, JudgementSpan, ("dossier_id",), [(i,) for i in dossier_ids])
    bulk.insert(
        tx,
        Judgement,
        _JUDGEMENT_COLUMNS,
        rows,
        "" if are_new else _replaced(_JUDGEMENT_COLUMNS, ("dossier_id",)),
    )
    bulk.insert(tx, JudgementSpan, _SPAN_COLUMNS, spans)


def note_agencies(tx: Tx, agency_codes: Iterable[str]) -> None:
    """Remember every agency code that a dossier names."""
    bulk.insert(
        tx,
        AgencySeen,
        ("code",),
        [(code,) for code in sorted(set(agency_codes))],
        "ON CONFLICT DO NOTHING",
    )


def public_ids(tx: Tx, leg_ids: Iterable[int]) -> dict[int, str]:
    """Leg id -> public id of the dossier it belongs to now."""
    found = tx.execute(
        said(
            "SELECT member.leg_id, dossier.public_id FROM member"
            " JOIN dossier ON dossier.id = member.dossier_id"
            f" WHERE member.leg_id IN ({bulk.ids_in(tx, 'ids')})"
        ),
        {"ids": bulk.pack(leg_ids)},
    )
    return {int(row[0]): row[1] for row in found.all()}
