"""What a what-if says: dossiers, records and figures, before and after. Kept with the version.

Values that tell who somebody is are masked: a report is read by whoever may see a connection.
"""

from datetime import date
from typing import Any

from msgspec import Struct

from canonical.indicators import Count

CHANGED, APPEARS, GOES = "changed", "appears", "goes"
# Of so many dossiers a report says what changes; of the others only which they are.
MOST_DOSSIERS = 20_000
MOST_RECORDS = 2_000


class FieldChange(Struct, frozen=True):
    """One field of a dossier; `timeline` and `findings` among them."""

    field: str
    before: Any
    after: Any


class DossierChange(Struct, frozen=True):
    """One dossier that would be another.

    Attributes:
        dossier: Its public id.
        codes: NAMESPACE:CODE of its legs, before and after.
        kind: changed | appears | goes.
        fields: None of them for one that appears or goes.
    """

    dossier: str
    codes: list[str]
    kind: str
    fields: list[FieldChange]


class RecordChange(Struct, frozen=True):
    """One stored record that would end otherwise.

    Attributes:
        receipt: The receipt it came in, its public id.
        position: Its place there, from 0.
        before: Its disposition; `duplicate` for one of which no row is kept.
    """

    receipt: str
    position: int
    code: str | None
    before: str
    before_reason: str | None
    after: str
    after_reason: str | None
    field: str | None


class Figures(Struct, frozen=True):
    """Profile `seed` of one agency and year."""

    total: int
    buckets: dict[str, int]
    carried_over: int
    resolved: int
    resolved_online: int


class FigureChange(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """The indicators of one agency, with all below it, and one year."""

    agency: str
    start: date
    end: date
    as_of: date
    before: Figures
    after: Figures


class WhatIf(Struct, frozen=True):
    """What a candidate mapping would make of everything that is stored.

    Attributes:
        version: The connection's, that the candidate would follow.
        digest: Of everything in the candidate that decides how raw bytes are read.
        candidate: `overlay`, `tables`, `declaration`, `files` (name -> digest) as they would be.
        catalogue: The catalogue's version that was in force.
        decided: How many decisions had been taken in all; `seq` the newest change.
        receipts: Stored receipts that were read; `records` what the connection's own said.
        changed: How many dossiers would be others.
        dossiers: Those, by their ids; `more` the ids of those that are only named.
        outcomes: "before -> after" -> how many records; `records_changed` some of them.
        figures: Every agency and year of which any number would be another.
        unreadable: Receipts that could not be read or decided under the candidate.
        vi: All of it in one Vietnamese sentence; `en` in English.
    """

    connection: str
    version: int
    digest: str
    candidate: dict[str, Any]
    catalogue: int
    decided: int
    seq: int
    at: str
    receipts: int
    records: int
    changed: int
    dossiers: list[DossierChange]
    more: list[str]
    outcomes: dict[str, int]
    records_changed: list[RecordChange]
    figures: list[FigureChange]
    unreadable: list[str]
    vi: str
    en: str


def figures(count: Count) -> Figures:
    """A count as it is told."""
    return Figures(
        count.total, count.buckets, count.carried_over, count.resolved, count.resolved_online
    )
