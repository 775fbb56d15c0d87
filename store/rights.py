"""Who may see what: the one place that narrows queries to a principal's agencies.

A dossier is seen by whoever was granted its handling or its receiving agency, or what lies above
them (canonical.agencies.rights). A principal without agencies sees the whole province.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical.agencies import Catalogue, Span
from canonical.codes import agency_code
from store import bulk
from store.clients import Principal


class Narrowed(Struct, frozen=True):
    """A condition and its parameters, to be joined with AND.

    Attributes:
        codes: Where it says no more than that one of a dossier's two agencies is among these.
    """

    condition: str
    parameters: dict[str, Any]
    codes: tuple[str, ...] | None = None


EVERYTHING = Narrowed("true", {})


def seen_agencies(tx: Tx) -> list[str]:
    """Every agency code that any dossier names."""
    return [row[0] for row in tx.execute(text("SELECT code FROM agency_seen ORDER BY code"))]


def count_agencies(tx: Tx) -> int:
    """How many those are; none is ever taken away."""
    return int(tx.execute(text("SELECT count(*) FROM agency_seen")).scalar_one())


def granted(
    principal: Principal, catalogue: Catalogue, seen: Iterable[str], now: datetime
) -> list[str]:
    """Of these agencies the ones a principal's grant reaches."""
    return [code for code in seen if catalogue.rights(principal.agencies, code, now)]


def visible(
    tx: Tx, principal: Principal, catalogue: Catalogue, now: datetime, alias: str = "dossier"
) -> Narrowed:
    """The condition on a dossier row that keeps what this principal may see."""
    if not principal.agencies:
        return EVERYTHING
    return of_codes(tx, granted(principal, catalogue, seen_agencies(tx), now), alias)


def of_codes(tx: Tx, agencies: Iterable[str], alias: str = "dossier") -> Narrowed:
    """The condition that one of these agencies received a dossier or handles it."""
    codes = tuple(agencies)
    listed = bulk.texts_in(tx, "visible_agencies")
    return Narrowed(
        f"({alias}.agency IN ({listed}) OR {alias}.received_agency IN ({listed}))",
        {"visible_agencies": bulk.pack(codes)},
        codes,
    )


def may_see(
    principal: Principal, agencies: Iterable[str | None], catalogue: Catalogue, now: datetime
) -> bool:
    """Whether a principal may see a dossier of these agencies: `visible`, of one that was read."""
    return not principal.agencies or any(
        agency is not None and catalogue.rights(principal.agencies, agency, now)
        for agency in agencies
    )


def may_ask_for(
    principal: Principal, agency: str | None, catalogue: Catalogue, now: datetime
) -> bool:
    """Whether a principal may ask for figures of an agency; None is the whole province."""
    if not principal.agencies:
        return True
    return agency is not None and catalogue.rights(principal.agencies, agency, now)


def in_scope(
    tx: Tx,
    spans: Sequence[Span],
    columns: Sequence[str],
    accepted_on: str,
    still_open: str | None,
) -> Narrowed:
    """The condition that a dossier belongs to an agency and all below it.

    Args:
        tx: For the dialect.
        spans: From `Catalogue.scope` over `seen_agencies`.
        columns: The columns that name its agency; one of them must fit.
        accepted_on: The column of its accepted day.
        still_open: Condition with `{on}` for "still open on that day"; None leaves those out.
    """
    whole = _whole(spans)
    parts = []
    parameters: dict[str, Any] = {"scope_codes": bulk.listed(tx, whole)}
    parts.append(" OR ".join(bulk.one_of(tx, column, "scope_codes") for column in columns))
    for place, span in enumerate(s for s in spans if s.code not in set(whole)):
        if span.open_on is not None and still_open is None:
            continue
        name = f"scope_{place}"
        parameters[f"{name}_code"] = span.code
        said = [" OR ".join(f"{column} = :{name}_code" for column in columns)]
        for bound, sign, value in (("from", ">=", span.from_on), ("to", "<", span.to_on)):
            if value is not None:
                parameters[f"{name}_{bound}"] = value
                said.append(f"{accepted_on} {sign} {day(tx, f'{name}_{bound}')}")
        if span.open_on is not None and still_open is not None:
            parameters[f"{name}_open"] = span.open_on
            said.append(still_open.format(on=day(tx, f"{name}_open")))
        parts.append(" AND ".join(f"({one})" for one in said))
    return Narrowed(f"({' OR '.join(f'({part})' for part in parts)})", days(tx, parameters))


# All dossiers that name an agency; where all agencies are meant it would be listed for each.
_ANY = Narrowed("(dossier.agency IS NOT NULL OR dossier.received_agency IS NOT NULL)", {})
_ENDED = "status IS NULL OR status NOT IN ('finished','handed_over','stopped','withdrawn')"


def of_spans(tx: Tx, spans: Sequence[Span], seen: int) -> Narrowed:
    """The condition that an agency, with all below it, received a dossier or handles it.

    Args:
        tx: For the dialect.
        spans: From `Catalogue.scope` over `seen_agencies`.
        seen: How many those are.
    """
    if are_all(spans, seen):
        return _ANY
    whole = _whole(spans)
    found = in_scope(tx, spans, ("agency", "received_agency"), "accepted_on", _ENDED)
    return structs.replace(found, codes=tuple(whole)) if len(whole) == len(spans) else found


def are_all(spans: Sequence[Span], seen: int) -> bool:
    """Whether they hold every dossier of all agencies seen."""
    return len(set(_whole(spans))) == seen


def _whole(spans: Sequence[Span]) -> list[str]:
    """The agencies all of whose dossiers are meant, whenever accepted."""
    return [s.code for s in spans if s.from_on is None and s.to_on is None and s.open_on is None]


def of_agency(tx: Tx, catalogue: Catalogue, agency: str, today: date) -> Narrowed:
    """`of_spans` of an agency by its code."""
    seen = seen_agencies(tx)
    return of_spans(tx, catalogue.scope(agency_code(agency), seen, today), len(seen))


def day(tx: Tx, name: str) -> str:
    """A day parameter as both stores compare it."""
    return f":{name}" if tx.dialect.name == "sqlite" else f"CAST(:{name} AS date)"


def days(tx: Tx, parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters with days as the store takes them."""
    if tx.dialect.name != "sqlite":
        return parameters
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in parameters.items()}
