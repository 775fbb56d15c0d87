"""/console/connections/+new: another link, of a built-in system or of a declaration; a draft.

`+` stands in no connection's id.
"""

from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response
from msgspec import Struct

from canonical.errors import HubError, RequestRefused
from canonical.linking import ContractTold, Drafted
from canonical.ports import Manifest
from canonical.reasons import Reason
from gateway.console.connection_frame import PATH, path_of, said
from gateway.console.connection_settings import secrets_of, settings_of
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.form_data import Form, document_of
from store.staff_rights import Right
from sync import connection_edits, toml_text
from sync.connection_edits import New, Told
from sync.context import DECLARED

router = staff_router()
NEW = f"{PATH}/+new"


class Contract(Struct, frozen=True):
    """A contract that was handed in, and a declaration proposed from it where one was asked for."""

    told: ContractTold
    drafted: Drafted | None = None
    operation: str = ""


@router.get(NEW)
def show(
    desk: Annotated[Desk, needs(Right.CONFIGURE)],
    system: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The systems there are; of one of them the form."""
    if not system:
        return desk.page("connection_new.html", systems=_systems(desk), declared=DECLARED)
    if system not in DECLARED and system not in desk.context.systems:
        raise RequestRefused(Reason.NOT_FOUND, 404)
    known = desk.context.systems.get(system)
    manifest = known.manifest if known is not None else None
    return desk.page(
        "connection_new_form.html",
        system=system,
        manifest=manifest,
        is_declared=system in DECLARED,
        settings=settings_of(manifest, {}),
        secrets=secrets_of(manifest, None),
        roles=("desk", "handling", "money"),
        can=True,
    )


def _systems(desk: Desk) -> list[Manifest]:
    """Systems that take in; those that are only told things are receivers."""
    found = [one.manifest for one in desk.context.systems.values()]
    return sorted((one for one in found if not one.receives), key=lambda one: one.title)


@router.post(NEW)
def add(desk: Annotated[Desk, needs(Right.CONFIGURE)], form: Form) -> Response:
    """Add it as a draft: nothing is asked, its doors refuse, until it is tested and enabled."""
    system = form.text("system")
    settings = form.under("option.") | {
        name: form.exact(f"secret.{name}") for name in form.under("secret.")
    }
    text = form.raw("declaration")
    told = Told(
        declaration=document_of(text, "declaration") if text.strip() else None,
        files=form.files.get("files", {}) if system in DECLARED else {},
    )
    new = New(
        id=form.text("id"),
        system=system,
        namespace=form.text("namespace"),
        endpoint=form.text("endpoint"),
        agency=form.text("agency"),
        role=form.text("role"),
        settings={name: value for name, value in settings.items() if value},
        told=told,
        is_draft=True,
    )
    made = connection_edits.make(
        desk.context, new, said(desk, form.reason, None, "connection.by_add")
    )
    page = "settings" if system in DECLARED else "test"
    return desk.back(path_of(made.id, page), "adding.done", id=made.id)


@router.post(f"{PATH}/+contract")
def contract(desk: Annotated[Desk, needs(Right.CONFIGURE)], form: Form) -> Response:
    """What contract files say, and a declaration proposed for one operation of theirs."""
    reader, files = desk.context.contracts, form.files.get("files", {})
    if reader is None:
        raise RequestRefused(Reason.CONFLICT, 409)
    if not files:
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("adding.no_files"))
    found: Contract | None = None
    fault: tuple[str, str] | None = None
    operation, _, way = form.text("draft").rpartition(" ")
    try:
        found = Contract(reader.describe(files))
        if operation:
            drafted = reader.draft(files, operation, is_push=way == "push")
            found = Contract(found.told, drafted, operation)
    except HubError as error:
        fault = (error.reason.value, error.detail or "")
    return desk.page("contract_part.html", found=found, fault=fault, text=_text(found))


def _text(found: Contract | None) -> str:
    drafted = found.drafted if found is not None else None
    told: dict[str, Any] = drafted.declaration if drafted is not None else {}
    return toml_text.write(told) if told else ""
