"""What the portal and the citizen want to know: dossiers, their timelines, the feed.

A dossier's body is stored as it is shown: reading one is a look at an index and a copy.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical import codes
from canonical.states import Status
from store import bulk
from store.rights import EVERYTHING, Narrowed, day, days
from store.tables import POSITION_BITS
from store.types import Moment


class Shown(Struct, frozen=True):
    """A dossier as it is shown."""

    id: int
    public_id: str
    body: str
    findings: str
    procedure_code: str | None
    changed_seq: int
    agency: str | None = None
    received_agency: str | None = None


_SHOWN = ", ".join(f"dossier.{name}" for name in Shown.__struct_fields__)


def load_dossier(tx: Tx, public_id: str, seen: Narrowed = EVERYTHING) -> Shown | None:
    """The living dossier an id leads to; None where there is none or it may not be seen."""
    return load_dossiers(tx, [public_id], seen).get(public_id)


def load_dossiers(
    tx: Tx, public_ids: Iterable[str], seen: Narrowed = EVERYTHING
) -> dict[str, Shown]:
    """The living dossiers that ids lead to, by the ids asked for, without those not to be seen."""
    found = tx.execute(
        bulk.said(
            f"SELECT old.public_id, {_SHOWN} FROM dossier old"
            " JOIN member ON member.leg_id = old.id JOIN dossier ON dossier.id = member.dossier_id"
            f" WHERE old.public_id IN ({bulk.texts_in(tx, 'ids')}) AND {seen.condition}"
        ),
        # What holds a NUL is nobody's, and PostgreSQL takes none.
        {"ids": bulk.pack(one for one in public_ids if "\0" not in one), **seen.parameters},
    )
    return {asked: Shown(*row) for asked, *row in found}


def find_by_code(tx: Tx, code: str, seen: Narrowed = EVERYTHING) -> list[Shown]:
    """Living dossiers a code leads to: national code in either form, receipt number, NS:CODE."""
    return find_by_codes(tx, [code], seen)[0]


def find_by_codes(tx: Tx, asked: Sequence[str], seen: Narrowed = EVERYTHING) -> list[list[Shown]]:
    """For each code the living dossiers it leads to, by id (`find_by_code`)."""
    told: list[list[Shown]] = [[] for _ in asked]
    spelt, own = [], []
    for place, one in enumerate(asked):
        if "\0" in one:  # nobody's, and PostgreSQL takes none
            continue
        code = unicodedata.normalize("NFC", one)  # as everything is after intake
        spelt += [(place, spelling) for spelling in {code, codes.national_code(code)}]
        namespace, mark, local = code.partition(":")
        own += [(place, namespace, local)] if mark else []
    if not spelt:
        return told
    found = tx.execute(
        bulk.said(
            _BY_CODE.format(
                spelt=bulk.numbered(tx, "spelt", "code"),
                own=_BY_OWN.format(own=bulk.numbered(tx, "own", "namespace", "code"))
                if own
                else "",
                seen=seen.condition,
            )
        ),
        {"spelt": bulk.pack(spelt), **({"own": bulk.pack(own)} if own else {}), **seen.parameters},
    )
    for place, *row in found:
        told[place].append(Shown(*row))
    return told


_BY_CODE = (
    f"SELECT found.place, {_SHOWN} FROM (SELECT DISTINCT asked.place, member.dossier_id"
    " FROM ({spelt}) AS asked JOIN claim ON claim.code = asked.code"
    " AND claim.kind IN ('national', 'receipt') JOIN member ON member.leg_id = claim.leg_id"
    "{own}) AS found JOIN dossier ON dossier.id = found.dossier_id WHERE {seen}"
    " ORDER BY found.place, dossier.id"
)
_BY_OWN = (
    " UNION SELECT asked.place, member.dossier_id FROM ({own}) AS asked JOIN leg"
    " ON leg.namespace = asked.namespace AND leg.code = asked.code"
    " JOIN member ON member.leg_id = leg.id"
)


class Filters(Struct, frozen=True):
    """What a listing asks for; None asks nothing."""

    agency: Narrowed | None = None
    procedure: str | None = None
    status: str | None = None
    connection: str | None = None
    channel: str | None = None
    accepted_from: date | None = None
    accepted_to: date | None = None
    due_before: date | None = None


def list_dossiers(
    tx: Tx,
    filters: Filters,
    seen: Narrowed,
    after: int,
    limit: int,
    *,
    newest_first: bool = False,
) -> list[Shown]:
    """Living dossiers by id, after one: keyset paging, so that depth costs nothing."""
    turn, order = ("<", " DESC") if newest_first else (">", "")
    said = ["dossier.merged_into IS NULL", f"dossier.id {turn} :after"]
    parameters: dict[str, Any] = {"after": after, "limit": limit}
    for name, column, sign in (
        ("status", "status", "="),
        ("channel", "channel", "="),
        ("accepted_from", "accepted_on", ">="),
        ("accepted_to", "accepted_on", "<="),
        ("due_before", "due_on", "<"),
    ):
        value = getattr(filters, name)
        if value is not None:
            parameters[name] = value
            right = day(tx, name) if isinstance(value, date) else f":{name}"
            said.append(f"dossier.{column} {sign} {right}")
    if filters.procedure is not None:
        same = of_procedure("dossier.procedure_code", filters.procedure)
        parameters |= same.parameters
        said.append(same.condition)
    if filters.connection is not None:
        parameters["connection"] = filters.connection
        said.append(
            "EXISTS (SELECT 1 FROM member JOIN leg ON leg.id = member.leg_id"
            " WHERE member.dossier_id = dossier.id AND leg.connection_id = :connection)"
        )
    narrowed = [filters.agency, seen] if filters.agency is not None else [seen]
    listed = next((one for one in narrowed if one.codes is not None), None)
    for one in narrowed:
        if one is not listed or tx.dialect.name == "sqlite":
            parameters |= one.parameters
            said.append(one.condition)
    where = " AND ".join(said)
    if listed is not None and tx.dialect.name != "sqlite":
        parameters["codes"] = bulk.pack(listed.codes or ())
        where = _agency_by_agency(tx, where, order, has_status=filters.status is not None)
    found = tx.execute(
        bulk.said(
            f"SELECT {_SHOWN} FROM dossier WHERE {where} ORDER BY dossier.id{order} LIMIT :limit"
        ),
        days(tx, parameters),
    )
    return [Shown(*row) for row in found]


def _agency_by_agency(tx: Tx, where: str, order: str, *, has_status: bool) -> str:
    """The condition on the first dossiers by id of any of the agencies in :codes.

    PostgreSQL would look through the dossiers of all agencies until the page is full, however few
    are wanted. So each agency's index is read as far as a page may need, in the index's order,
    which is by state: where none is asked for, state by state.
    """
    one = f"SELECT dossier.id FROM dossier WHERE {{same}} AND {where}"
    one += f" ORDER BY dossier.id{order} LIMIT :limit"
    states = ", ".join(f"('{status.value}')" for status in Status)
    parts = []
    for column in ("agency", "received_agency"):
        codes = f"({bulk.texts_in(tx, 'codes')}) AS code(value)"
        own = f"dossier.{column} = code.value"
        turns = [(codes, own)]
        if not has_status:
            each = f"{codes} CROSS JOIN (VALUES {states}) AS state(value)"
            turns = [(each, f"{own} AND dossier.status = state.value")]
            turns.append((codes, f"{own} AND dossier.status IS NULL"))
        parts += [
            f"SELECT own.id FROM {source} CROSS JOIN LATERAL ({one.format(same=same)}) AS own"
            for source, same in turns
        ]
    found = " UNION ".join(parts)
    return f"dossier.id IN (SELECT id FROM ({found}) AS found ORDER BY id{order} LIMIT :limit)"


def of_procedure(column: str, code: str) -> Narrowed:
    """The condition that a column holds a procedure, in any spelling of its national code."""
    key = codes.procedure_key(code)
    if not codes.is_national_procedure(key):
        return Narrowed(f"{column} = :procedure", {"procedure": key})
    # Digits and dots alone: nothing in it that LIKE would read as a wildcard.
    return Narrowed(
        f"({column} = :procedure OR {column} LIKE :spelt)",
        {"procedure": key, "spelt": f"{key}.%"},
    )


class TimelineItem(Struct, frozen=True):
    """One line of a dossier's timeline, as it is shown."""

    status: str
    at: str
    namespace: str
    facet: str
    officer: str | None
    unit: str | None
    note: str | None
    receipt: str
    arrived_late: bool
    known_seq: int
    retracted_by: str | None
    retracted_seq: int | None


def load_timeline(tx: Tx, dossier_id: int, known_at: int | None = None) -> list[TimelineItem]:
    """A dossier's timeline, oldest first; as known at a change sequence where one is named."""
    found = tx.execute(
        text(
            "SELECT timeline.status, timeline.at, leg.namespace, timeline.facet, officer, unit,"
            " note, receipt.public_id, arrived_late, known_seq, gone.public_id, retracted_seq"
            " FROM timeline JOIN leg ON leg.id = timeline.leg_id"
            " JOIN member ON member.leg_id = leg.id"
            f" JOIN receipt ON receipt.id = (timeline.record_id >> {POSITION_BITS})"
            f" LEFT JOIN receipt gone ON gone.id = (timeline.retracted_by >> {POSITION_BITS})"
            " WHERE member.dossier_id = :id AND known_seq <= :known"
            " ORDER BY timeline.at, known_seq, timeline.record_id, timeline.key"
        ),
        {"id": dossier_id, "known": known_at if known_at is not None else 2**62},
    )
    moment = Moment()
    items = []
    for row in found:
        values = list(row)
        values[1] = moment.process_result_value(values[1], tx.dialect)
        values[8] = bool(values[8])
        if known_at is not None and values[11] is not None and values[11] > known_at:
            values[10] = values[11] = None  # not yet retracted, as known then
        items.append(TimelineItem(*values))
    return items


class ChangeItem(Struct, frozen=True, omit_defaults=True):
    """One line of the change feed, as it is shown."""

    seq: int
    dossier: str
    kind: str
    at: str
    into: str | None = None


class ChangePage(Struct, frozen=True):
    """A page of the change feed."""

    items: Sequence[ChangeItem]
    next_after: int


def newest_seq(tx: Tx) -> int:
    """The newest change."""
    return int(tx.execute(text("SELECT seq FROM feed WHERE id = 1")).scalar_one())


def load_changes(tx: Tx, after: int, limit: int, seen: Narrowed) -> ChangePage:
    """Changes after a seq, in commit order; `next_after` passes over what may not be seen."""
    found = tx.execute(
        text(
            "SELECT change.seq, dossier.public_id, change.kind, change.at, living.public_id,"
            f" CASE WHEN {seen.condition} THEN 1 ELSE 0 END"
            " FROM (SELECT * FROM change WHERE seq > :after ORDER BY seq LIMIT :limit) AS change"
            " JOIN dossier ON dossier.id = change.dossier_id"
            " LEFT JOIN dossier living ON living.id = change.into_id ORDER BY change.seq"
        ),
        {"after": after, "limit": limit, **seen.parameters},
    ).all()
    moment = Moment()
    items = [
        ChangeItem(r[0], r[1], r[2], moment.process_result_value(r[3], tx.dialect) or "", r[4])
        for r in found
        if r[5]
    ]
    return ChangePage(items, int(found[-1][0]) if found else after)


class Fresh(Struct, frozen=True):
    """How fresh a connection's data is."""

    connection: str
    fresh_to: str | None
    suspect: bool


def freshness(tx: Tx, connection: str | None = None) -> list[Fresh]:
    """Per connection: the last moment it was heard.

    Suspect where its last run failed, or it is silent where its history expects work.
    """
    found = tx.execute(
        text(
            "SELECT connection.id, connection.state,"
            " (SELECT max(received_at) FROM receipt WHERE connection_id = connection.id"
            "  AND origin_id IS NULL AND shape <> 'gone'),"
            " (SELECT max(ended_at) FROM run WHERE connection_id = connection.id"
            "  AND state = 'done'),"
            " (SELECT state FROM run WHERE connection_id = connection.id ORDER BY id DESC LIMIT 1),"
            " (SELECT suspect_since FROM plan WHERE connection_id = connection.id)"
            " FROM connection WHERE connection.state NOT IN ('draft', 'tested')"
            " AND (CAST(:only AS text) IS NULL OR connection.id = :only)"
            " ORDER BY connection.id"
        ),
        {"only": connection},
    )
    moment = Moment()
    told = []
    for connection_id, life, received, ran, state, silent in found:
        moments = [moment.process_result_value(m, tx.dialect) for m in (received, ran)]
        told.append(
            Fresh(
                connection_id,
                max((m for m in moments if m), default=None),
                suspect=life != "retired" and (state == "failed" or silent is not None),
            )
        )
    return told
