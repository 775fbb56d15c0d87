"""Who may see what: the one place that narrows queries to a principal's agencies.

A dossier is seen by whoever was granted its handling or its receiving agency, or what lies above
them (canonical.agencies.rights). A principal without agencies sees the whole province.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical.agencies import Catalogue, Span
from canonical.codes import agency_code
from store import bulk
from store.clients import Principal


class Narrowed(Struct, frozen=True):
    """A condition and its parameters, to be joined with AND."""

    condition: str
    parameters: dict[str, Any]


EVERYTHING = Narrowed("true", {})


def seen_agencies(tx: Tx) -> list[str]:
    """Every agency code that any dossier names."""
    return [row[0] for row in tx.execute(text("SELECT code FROM agency_seen ORDER BY code"))]


def visible(
    tx: Tx, principal: Principal, catalogue: Catalogue, now: datetime, alias: str = "dossier"
) -> Narrowed:
    """The condition on a dossier row that keeps what this principal may see."""
    if not principal.agencies:
        return EVERYTHING
    granted = [c for c in seen_agencies(tx) if catalogue.rights(principal.agencies, c, now)]
    listed = bulk.texts_in(tx, "visible_agencies")
    return Narrowed(
        f"({alias}.agency IN ({listed}) OR {alias}.received_agency IN ({listed}))",
        {"visible_agencies": bulk.pack(granted)},
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
    whole = [s.code for s in spans if s.from_on is None and s.to_on is None and s.open_on is None]
    parts = []
    parameters: dict[str, Any] = {"scope_codes": bulk.pack(whole)}
    listed = bulk.texts_in(tx, "scope_codes")
    parts.append(" OR ".join(f"{column} IN ({listed})" for column in columns))
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


def of_agency(tx: Tx, catalogue: Catalogue, agency: str, today: date) -> Narrowed:
    """The condition that an agency, with all below it, received a dossier or handles it."""
    spans = catalogue.scope(agency_code(agency), seen_agencies(tx), today)
    ended = "status IS NULL OR status NOT IN ('finished','handed_over','stopped','withdrawn')"
    return in_scope(tx, spans, ("agency", "received_agency"), "accepted_on", ended)


def day(tx: Tx, name: str) -> str:
    """A day parameter as both stores compare it."""
    return f":{name}" if tx.dialect.name == "sqlite" else f"CAST(:{name} AS date)"


def days(tx: Tx, parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters with days as the store takes them."""
    if tx.dialect.name != "sqlite":
        return parameters
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in parameters.items()}
