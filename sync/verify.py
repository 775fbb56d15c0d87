"""`hub verify`: the proof, at any time and read-only, that nothing was lost and nothing is twice.

Legs, ties, dossiers, timelines, judgements and the feed are computed anew from the raw bytes and
held against the stored ones column by column; raw bytes against their digests; counts against rows;
indicators against a recount. A finding names table, row and column, never a value.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import Connection as Tx
from sqlalchemy.exc import InterfaceError, OperationalError

from canonical.errors import HubError
from canonical.indicators import Judged, count_seed
from canonical.standing import Kind, Segment
from store import compare, indicators, rights
from store.deliveries_proof import counted, placed
from store.intake import seal_of
from store.kinds import wrong_kinds
from store.tables import Judgement, JudgementSpan, Receipt, table
from sync.context import Context
from sync.recompute import recomputed

MOST_NAMED = 20


class Check(Struct, frozen=True):
    """One thing that was proved, or not.

    Attributes:
        checked: How many rows or cases it looked at.
        detail: What is wrong and where; "" where nothing is.
    """

    name: str
    ok: bool
    checked: int
    detail: str = ""


class Report(Struct, frozen=True):
    """Everything that was looked at."""

    ok: bool
    checks: list[Check]


Look = Callable[[], Check]


def verify(context: Context, progress: Callable[[int], None] | None = None) -> Report:
    """Prove the invariants; `ok` where all hold.

    Whatever stands in the store, what cannot be looked at is a check that failed.

    Raises:
        StoreUnavailable: the store cannot be reached or read.
    """
    with context.store.read() as main:
        looks: list[tuple[str, Look]] = [
            ("kinds of values", lambda: _check("kinds of values", *wrong_kinds(main, MOST_NAMED))),
            ("raw bytes", lambda: _raw_bytes(context, main)),
            ("receipts sealed", lambda: _seals(context, main)),
            ("counts add up", lambda: _counts(main)),
            ("decisions gapless", lambda: _decisions(main)),
            ("feed gapless", lambda: _feed(main)),
            ("mapping versions", lambda: _mappings(main)),
            ("catalogue versions", lambda: _catalogue(main)),
            ("deliveries counted", lambda: _check("deliveries counted", *counted(main))),
            ("deliveries placed", lambda: _check("deliveries placed", *placed(main))),
        ]
        checks = [_looked(name, look) for name, look in looks]
        try:
            checks += _recomputed(context, main, progress)
        except (HubError, OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - a damaged store is what is looked for
            checks.append(_cannot("recomputed", error))
    return Report(all(check.ok for check in checks), checks)


def _recomputed(
    context: Context, main: Tx, progress: Callable[[int], None] | None
) -> Iterator[Check]:
    """Everything that follows from the raw bytes, held against what is stored."""
    with recomputed(context, main, progress) as (again, unreadable):
        compare.map_legs(main, again)
        told = [f"receipt {u.receipt_id}: {u.why}" for u in unreadable]
        yield _check("readable", _count(main, "receipt"), told)
        for how in compare.TABLES:
            yield _looked(f"recomputed {table(how.model).name}", partial(_same, main, again, how))
        yield _looked("recomputed duplicates", lambda: _duplicates(main, again))
        yield _looked("indicators recounted", lambda: _indicators(main, again))


def _same(main: Tx, again: Tx, how: compare.Compared) -> Check:
    compared, differences = compare.compare_table(main, again, how, MOST_NAMED)
    told = [f"{d.place} {d.what}" for d in differences]
    return _check(f"recomputed {table(how.model).name}", compared, told)


def _looked(name: str, look: Look) -> Check:
    """What a look finds; one that breaks on what is stored has found something wrong."""
    try:
        return look()
    except (HubError, OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - a damaged store is what is looked for
        return _cannot(name, error)


def _cannot(name: str, error: Exception) -> Check:
    return Check(name, ok=False, checked=0, detail=f"{name}: broken off, {type(error).__name__}")


def _check(name: str, checked: int, wrong: list[str]) -> Check:
    more = f" (+{len(wrong) - MOST_NAMED})" if len(wrong) > MOST_NAMED else ""
    return Check(name, not wrong, checked, "; ".join(wrong[:MOST_NAMED]) + more)


def _count(tx: Tx, name: str) -> int:
    return int(tx.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one())


def _raw_bytes(context: Context, main: Tx) -> Check:
    """Every receipt has its bytes, they open, and they are what the digest says."""
    wrong = [
        f"receipt {row[0]} has no raw bytes"
        for row in main.execute(
            text(
                "SELECT receipt.id FROM receipt LEFT JOIN blob ON blob.digest = receipt.digest"
                " WHERE blob.digest IS NULL OR blob.size_bytes <> receipt.size_bytes"
            )
        )
    ]
    checked = 0
    for digest, size, data in main.execution_options(yield_per=100).execute(
        text("SELECT digest, size_bytes, data FROM blob")
    ):
        checked += 1
        try:
            raw = context.vault.open(bytes(data))
        except (HubError, ValueError):
            wrong.append(f"blob {digest} does not open")
            continue
        if f"sha256:{hashlib.sha256(raw).hexdigest()}" != digest or len(raw) != size:
            wrong.append(f"blob {digest} holds other bytes")
    orphans = main.execute(
        text("SELECT count(*) FROM blob WHERE digest NOT IN (SELECT digest FROM receipt)")
    ).scalar_one()
    if orphans:
        wrong.append(f"blob: {orphans} belong to no receipt")
    return _check("raw bytes", checked, wrong)


def _seals(context: Context, main: Tx) -> Check:
    """Every receipt says of its intake what it said when it was made."""
    wrong, checked = [], 0
    query = select(table(Receipt)).order_by(table(Receipt).c.id)
    for row in main.execution_options(yield_per=500).execute(query).mappings():
        checked += 1
        if not hmac.compare_digest(seal_of(context.vault, dict(row)), row["seal"]):
            wrong.append(f"receipt {row['id']} is not as it was sealed at its intake")
    return _check("receipts sealed", checked, wrong)


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


def _duplicates(main: Tx, again: Tx) -> Check:
    """The duplicates a push was told of are those that follow from the raw bytes."""
    receipts = table(Receipt)
    wrong, checked = [], 0
    query = select(receipts.c.id, receipts.c.duplicates).order_by(receipts.c.id)
    for row in main.execution_options(yield_per=500).execute(query):
        other = again.execute(select(receipts.c.duplicates).where(receipts.c.id == row.id)).scalar()
        checked += 1
        if _mapped(again, json.loads(other or "[]")) != json.loads(row.duplicates):
            wrong.append(f"receipt {row.id} differs in duplicates")
    return _check("recomputed duplicates", checked, wrong)


def _mapped(again: Tx, listed: list[list[Any]]) -> list[list[Any]]:
    found = []
    for position, code, leg_id in listed:
        main_id = again.execute(
            text("SELECT main_id FROM main_leg WHERE temp_id = :id"), {"id": leg_id}
        ).scalar()
        found.append([position, code, main_id])
    return found


def _indicators(main: Tx, again: Tx) -> Check:
    """Profile `seed` by SQL over the stored rows equals the pure function over recomputed ones."""
    years = [
        int(row[0])
        for row in main.execute(
            text(
                "SELECT DISTINCT substr(CAST(accepted_on AS text), 1, 4) FROM judgement ORDER BY 1"
            )
        )
    ]
    wrong, checked = [], 0
    for year in years:
        start, end = date(year, 1, 1), date(year, 12, 31)
        for when in (date(year, 6, 30), end, date(year + 1, 12, 31)):
            question = indicators.Question(rights.EVERYTHING, start, end, when)
            stored = indicators.count_seed(main, question)[None]
            counted = count_seed(_judged(again), start, end, when)
            checked += 1
            if stored != counted:
                wrong.append(f"indicators of {year} as of {when} are not the recount")
    return _check("indicators recounted", checked, wrong)


def _judged(tx: Tx) -> Iterator[Judged]:
    """Every judged dossier of a store, its segments whole."""
    spans: dict[int, list[Any]] = {}
    for row in tx.execute(select(table(JudgementSpan)).order_by(table(JudgementSpan).c.from_day)):
        spans.setdefault(row.dossier_id, []).append(row)
    for row in tx.execute(select(table(Judgement))):
        cut = [Segment(row.accepted_on, Kind.OPEN, None, None, row.first_due_on)]
        for span in spans.get(row.dossier_id, ()):
            cut.append(
                Segment(span.from_day, Kind(span.kind), span.end_on, span.closed_on, span.due_on)
            )
            cut.append(Segment(span.to_day, Kind.OPEN, None, None, row.first_due_on))
        cut.append(Segment(row.from_day, Kind(row.kind), row.end_on, row.closed_on, row.due_on))
        yield Judged(row.accepted_on, row.channel == "online", tuple(cut))


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
