"""A brute-force recount: what two hubs hold, compared by nothing that a what-if uses."""

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlmodel import SQLModel

from sync.indicators import Ask, answer
from tests.trial import Trial

Dossiers = dict[str, dict[str, Any]]
Place = tuple[str, int]  # agency, year


def dossiers(hub: Trial) -> Dossiers:
    """Every living dossier by its public id: body, findings, live timeline."""
    with hub.store.read() as tx:
        found = {
            row[1]: {"id": row[0], "body": json.loads(row[2]), "findings": json.loads(row[3])}
            for row in tx.execute(
                text("SELECT id, public_id, body, findings FROM dossier WHERE merged_into IS NULL")
            )
        }
        entries: dict[int, set[tuple[str, str]]] = {}
        for row in tx.execute(
            text(
                "SELECT member.dossier_id, timeline.key, status FROM timeline"
                " JOIN member ON member.leg_id = timeline.leg_id WHERE retracted_by IS NULL"
            )
        ):
            entries.setdefault(row[0], set()).add((row[1], row[2]))
    for one in found.values():
        one["timeline"] = entries.get(one.pop("id"), set())
    return found


def differing(before: Dossiers, after: Dossiers) -> set[str]:
    """Ids of the dossiers that are not the same in both."""
    return {i for i in {*before, *after} if before.get(i) != after.get(i)}


def indicators(hub: Trial, agencies: set[str], years: Iterable[int]) -> dict[Place, dict[str, Any]]:
    """Figures of every agency and year, as the door tells them."""
    found = {}
    with hub.store.read() as tx:
        books = hub.context.books(tx)
        for agency in sorted(agencies):
            for year in years:
                asked = Ask(agency, date(year, 1, 1), date(year, 12, 31))
                told = answer(tx, books, asked, hub.clock(), hub.context.scopes)
                names = ("total", "buckets", "carried_over", "resolved", "resolved_online")
                found[agency, year] = {name: told[name] for name in names}
    return found


def agencies(*hubs: Trial) -> set[str]:
    """Every agency any dossier names, and all above it by the dots."""
    found: set[str] = set()
    for hub in hubs:
        with hub.store.read() as tx:
            for (code,) in tx.execute(text("SELECT code FROM agency_seen")):
                while code:
                    found.add(code)
                    code = code.rpartition(".")[0]
    return found


def outcomes(hub: Trial, connection: str) -> dict[tuple[int, int], tuple[str, str | None]]:
    """(receipt's place, position) -> disposition and reason, of rows that are kept."""
    with hub.store.read() as tx:
        rows = tx.execute(
            text(
                "SELECT receipt_id, record.id, disposition, reason FROM record"
                " WHERE connection_id = :id ORDER BY record.id"
            ),
            {"id": connection},
        ).all()
        receipts = [
            row[0]
            for row in tx.execute(
                text("SELECT id FROM receipt WHERE connection_id = :id ORDER BY id"),
                {"id": connection},
            )
        ]
    return {(receipts.index(row[0]), row[1] & ((1 << 20) - 1)): (row[2], row[3]) for row in rows}


def digest_of_all(hub: Trial) -> str:
    """Over every row of every table."""
    found = hashlib.sha256()
    with hub.store.read() as tx:
        for table in sorted(SQLModel.metadata.tables.values(), key=lambda one: one.name):
            rows = sorted(repr(tuple(row)) for row in tx.execute(table.select()))
            found.update(f"{table.name} {rows}".encode())
    return found.hexdigest()
