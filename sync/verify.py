"""`hub verify`: the proof, at any time and read-only, that nothing was lost and nothing is twice.

Legs, ties, dossiers, timelines, judgements and the feed are computed anew from the raw bytes and
held against the stored ones column by column; raw bytes against their digests; counts against rows;
indicators against a recount. A finding names table, row and column, never a value.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx
from sqlalchemy.exc import InterfaceError, OperationalError

from canonical.errors import HubError
from store import acts, compare, proof
from store.connection_versions import wrong_versions
from store.deliveries_proof import counted, placed
from store.kinds import wrong_kinds
from sync.context import Context
from sync.proof.against import MOST_NAMED
from sync.proof.ledger import Ledger, Told
from sync.proof.receipts import Reading
from sync.proof.recomputing import (
    Effort,
    Progress,
    Recomputing,
    recomputing,
    recounted,
    worth,
)


class Check(Struct, frozen=True):
    """One thing that was proved, or not.

    Attributes:
        checked: How many rows or cases it looked at.
        detail: What is wrong and where; "" where nothing is.
        wrong: How many things are wrong, as far as they were counted.
    """

    name: str
    ok: bool
    checked: int
    detail: str = ""
    wrong: int = 0


class Report(Struct, frozen=True):
    """Everything that was looked at.

    Attributes:
        records: How many records the store holds.
    """

    ok: bool
    checks: list[Check]
    records: int = 0


Look = Callable[[], Check]


def verify(
    context: Context, progress: Progress | None = None, effort: Effort | None = None
) -> Report:
    """Prove the invariants; `ok` where all hold.

    Whatever stands in the store, what cannot be looked at is a check that failed.

    Args:
        context: The hub's parts.
        progress: Told how much of how much is done.
        effort: How it is done; as is worth it where not said.

    Raises:
        StoreUnavailable: the store cannot be reached or read.
    """
    with recomputing(context, effort or worth(context), progress) as again:
        main = again.tx
        records = int(main.execute(text("SELECT count(*) FROM record")).scalar_one())
        looks: list[tuple[str, Look]] = [
            ("kinds of values", lambda: _check("kinds of values", *wrong_kinds(main, MOST_NAMED))),
            ("counts add up", lambda: _counts(main)),
            ("decisions gapless", lambda: _decisions(main)),
            ("feed gapless", lambda: _feed(main)),
            ("mapping versions", lambda: _mappings(main)),
            ("connection versions", lambda: _check("connection versions", *wrong_versions(main))),
            ("catalogue versions", lambda: _catalogue(main)),
            ("acts placed", lambda: _check("acts placed", *acts.misplaced(main))),
            ("deliveries counted", lambda: _check("deliveries counted", *counted(main))),
            ("deliveries placed", lambda: _check("deliveries placed", *placed(main))),
        ]
        checks = []
        try:
            again.begin()  # receipts are read while this process looks at the rest
            checks += [_looked(name, look) for name, look in looks]
            checks += _recomputed(main, again)
        except (HubError, OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - a damaged store is what is looked for
            checks.append(_cannot("recomputed", error))
    return Report(all(check.ok for check in checks), checks, records)


def _recomputed(main: Tx, again: Recomputing) -> Iterator[Check]:
    """Everything that follows from the raw bytes, held against what is stored."""
    ledger = again.finish()
    reading = again.reading
    yield _looked("raw bytes", lambda: _raw_bytes(main, reading))
    yield _check("receipts sealed", reading.receipts, reading.unsealed)
    unreadable = sorted({*reading.unreadable, *ledger.unreadable, *again.broken})
    yield _check("readable", reading.receipts, unreadable)
    for name, look in _tables(main, ledger):
        yield _told(f"recomputed {name}", look)
    yield _told("recomputed duplicates", lambda: ledger.duplicates(main))
    yield _told("indicators recounted", lambda: recounted(main, again.periods, ledger))


def _tables(main: Tx, ledger: Ledger) -> Iterator[tuple[str, Callable[[], Told]]]:
    for how in compare.TABLES:
        yield how.name, partial(ledger.table, main, how)
    yield "claim_crowd", lambda: ledger.crowds(main)
    yield "agency_seen", lambda: ledger.agencies_seen(main)
    yield "receipt", lambda: ledger.receipts(main)


def _told(name: str, look: Callable[[], Told]) -> Check:
    return _looked(name, lambda: _check(name, *look()))


def _looked(name: str, look: Look) -> Check:
    """What a look finds; one that breaks on what is stored has found something wrong."""
    try:
        return look()
    except (HubError, OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - a damaged store is what is looked for
        return _cannot(name, error)


def _cannot(name: str, error: Exception) -> Check:
    return Check(
        name, ok=False, checked=0, detail=f"{name}: broken off, {type(error).__name__}", wrong=1
    )


def _check(name: str, checked: int, wrong: list[str]) -> Check:
    more = f" (+{len(wrong) - MOST_NAMED})" if len(wrong) > MOST_NAMED else ""
    return Check(name, not wrong, checked, "; ".join(wrong[:MOST_NAMED]) + more, len(wrong))


def _raw_bytes(main: Tx, reading: Reading) -> Check:
    """Every receipt has its bytes, they open, and they are what the digest says."""
    wrong = sorted(set(reading.spoilt))
    orphans = proof.blobs_of_nobody(main)
    if orphans:
        wrong.append(f"blob: {orphans} belong to no receipt")
    return _check("raw bytes", reading.receipts, wrong)


def _counts(main: Tx) -> Check:
    """Every record has exactly one disposition, and they add up to the receipt's counts."""
    found = main.execute(
        text(
            "SELECT receipt.id, receipt.state,"
            " applied, superseded, quarantined,"
            " coalesce(sum(CASE WHEN disposition = 'applied' THEN 1 ELSE 0 END), 0),"
            " coalesce(sum(CASE WHEN disposition = 'superseded' THEN 1 ELSE 0 END), 0),"
            " coalesce(sum(CASE WHEN disposition = 'quarantined' THEN 1 ELSE 0 END), 0)"
            " FROM receipt LEFT JOIN record ON record.receipt_id = receipt.id"
            " GROUP BY receipt.id, receipt.state, applied, superseded, quarantined"
        )
    )
    wrong, checked = [], 0
    for row in found:
        checked += 1
        if tuple(row[2:5]) != tuple(int(v) for v in row[5:8]):
            wrong.append(f"receipt {row[0]}: its counts are not those of its records")
    pending = main.execute(text("SELECT count(*) FROM record WHERE disposition = 'pending'"))
    if pending.scalar_one():
        wrong.append("record: some are pending outside a pending receipt")
    return _check("counts add up", checked, wrong)


def _number(value: Any) -> int:
    """A counter; -1 where the row that keeps it is gone."""
    return int(value) if value is not None else -1


def _decisions(main: Tx) -> Check:
    """Decisions are numbered without a gap."""
    row = main.execute(
        text(
            "SELECT count(decided_no), coalesce(min(decided_no), 1), coalesce(max(decided_no), 0),"
            " (SELECT decided FROM feed WHERE id = 1),"
            " (SELECT count(*) FROM receipt WHERE state = 'decided') FROM receipt"
        )
    ).one()
    count, least, most, counter, decided = (_number(v) for v in row)
    wrong = []
    if not (least == 1 and count == most == counter == decided):
        wrong.append(f"receipt: {count} decisions numbered {least} to {most}, counter {counter}")
    return _check("decisions gapless", count, wrong)


def _feed(main: Tx) -> Check:
    """The change feed is gapless and every change is of a dossier that exists."""
    row = main.execute(
        text(
            "SELECT count(*), coalesce(min(seq), 1), coalesce(max(seq), 0),"
            " (SELECT seq FROM feed WHERE id = 1) FROM change"
        )
    ).one()
    count, least, most, counter = (_number(v) for v in row)
    wrong = []
    if not (least == 1 and count == most == counter):
        wrong.append(f"change: {count} rows numbered {least} to {most}, counter {counter}")
    lost = main.execute(
        text("SELECT count(*) FROM change WHERE dossier_id NOT IN (SELECT id FROM dossier)")
    ).scalar_one()
    if lost:
        wrong.append(f"change: {lost} of a dossier that is not there")
    return _check("feed gapless", count, wrong)


def _mappings(main: Tx) -> Check:
    """Every mapping version is what its digest says, and those that are named are there."""
    wrong, checked, there = [], 0, set()
    for connection, version, digest, body in main.execute(
        text("SELECT connection_id, version, digest, body FROM connection_mapping")
    ):
        checked += 1
        there.add((connection, version))
        if hashlib.sha256(body.encode()).hexdigest() != digest:
            wrong.append(f"connection_mapping {connection} {version} was changed")
    named = main.execute(
        text(
            "SELECT id, mapping_version FROM connection"
            " UNION SELECT connection_id, mapping_version FROM receipt"
        )
    )
    wrong += [
        f"connection_mapping {row[0]} {row[1]} is missing"
        for row in sorted(tuple(r) for r in named)
        if row not in there
    ]
    return _check("mapping versions", checked, wrong)


def _catalogue(main: Tx) -> Check:
    """Catalogue versions are numbered without a gap up to the one in force."""
    count, most, current = (
        _number(value)
        for value in main.execute(
            text(
                "SELECT count(*), coalesce(max(version), 0),"
                " (SELECT catalogue FROM feed WHERE id = 1) FROM catalogue_version"
            )
        ).one()
    )
    wrong = []
    if not count == most == current:
        wrong.append(f"catalogue_version: {count} versions up to {most}, in force is {current}")
    return _check("catalogue versions", count, wrong)
