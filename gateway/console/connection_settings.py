"""/console/connections/ID/settings: address, settings, schedule, declaration; secrets unseen."""

from datetime import datetime, time
from typing import Annotated, Any

from fastapi.responses import Response
from msgspec import Struct

from canonical import clock
from canonical.errors import HubError, RequestRefused
from canonical.ports import Manifest
from canonical.reasons import Reason
from gateway.console import form_data
from gateway.console.connection_frame import PATH, attempt, framed, path_of, said
from gateway.console.connection_page import fires_of
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from store.connections import ConnectionRow
from store.staff_rights import Right
from sync import connection_edits, secret_renewal, toml_text, wishes
from sync.connection_edits import Change, Told
from sync.schedule import read_cron

router = staff_router()
MODE = "mode"


class Setting(Struct, frozen=True):
    """One plain setting as the form shows it.

    Attributes:
        what: What it is for, as its system says.
        choices: What it may be, where that is a closed list.
        is_known: Whether the system still has it.
    """

    name: str
    what: str
    value: str
    choices: list[str]
    is_known: bool = True


class Hidden(Struct, frozen=True):
    """One secret: whether it is set and until when; never itself."""

    name: str
    is_set: bool
    expires_at: str | None
    is_known: bool = True


def settings_of(manifest: Manifest | None, held: dict[str, str]) -> list[Setting]:
    """The form's plain settings: those of the system, and what the connection has besides."""
    known = dict(manifest.options) if manifest is not None else {}
    modes = list(manifest.modes) if manifest is not None else []
    if modes:
        known.setdefault(MODE, "")
    found = [
        Setting(name, what, held.get(name, ""), modes if name == MODE else [])
        for name, what in known.items()
    ]
    extra = [name for name in held if name not in known]
    return [*found, *(Setting(name, "", held[name], [], is_known=False) for name in extra)]


def secrets_of(manifest: Manifest | None, row: ConnectionRow | None) -> list[Hidden]:
    """The form's secrets."""
    facts = row.secret_facts if row is not None else {}
    known = list(manifest.secrets) if manifest is not None else []
    names = [*known, *(name for name in sorted(facts) if name not in known)]
    return [
        Hidden(
            name,
            name in facts and bool(facts[name].digest),
            facts[name].expires_at if name in facts else None,
            name in known,
        )
        for name in names
    ]


@router.get(PATH + "/{connection_id}/settings")
def show(desk: Annotated[Desk, needs(Right.WATCH)], connection_id: str) -> Response:
    """The forms."""
    frame = framed(desk, connection_id)
    row = frame.row
    return desk.page(
        "connection_settings.html",
        frame=frame,
        tab="settings",
        settings=settings_of(frame.manifest, row.options),
        secrets=secrets_of(frame.manifest, row),
        declaration=toml_text.write(row.declaration) if row.declaration is not None else None,
        fires=fires_of(desk, frame),
        roles=("desk", "handling", "money"),
    )


@router.post(PATH + "/{connection_id}/settings")
def save(
    desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: form_data.Form
) -> Response:
    """Address, role and plain settings, as one version."""
    held = framed(desk, connection_id).row
    told = form.under("option.")
    change = Change(
        endpoint=form.text("endpoint"),
        role=form.text("role") or None,
        settings={n: v for n, v in told.items() if v and v != held.options.get(n)},
        cleared=tuple(name for name, value in told.items() if not value and name in held.options),
    )
    return _mended(desk, connection_id, form, change)


@router.post(PATH + "/{connection_id}/declaration")
def declare(
    desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: form_data.Form
) -> Response:
    """Another declaration, or other contract files, of a system without code."""
    framed(desk, connection_id)
    text = form.raw("declaration")
    told = Told(
        declaration=form_data.document_of(text, "declaration") if text.strip() else None,
        files=form.files.get("files", {}),
    )
    return _mended(desk, connection_id, form, Change(told=told))


def _mended(desk: Desk, connection_id: str, form: form_data.Typed, change: Change) -> Response:
    seen = form.seen
    by = said(desk, form.reason, seen, "connection.by_settings")
    return attempt(
        desk,
        connection_id,
        seen,
        lambda: connection_edits.mend(desk.context, connection_id, change, by),
        desk.back(path_of(connection_id, "settings"), "connection.did_settings"),
    )


@router.post(PATH + "/{connection_id}/schedule")
def reschedule(
    desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: form_data.Form
) -> Response:
    """A schedule of its own; nothing typed takes its system's."""
    framed(desk, connection_id)
    seen = form.seen
    text = form.text("schedule") or None
    by = said(desk, form.reason, seen, "connection.by_schedule")
    return attempt(
        desk,
        connection_id,
        seen,
        lambda: wishes.reschedule(desk.context, connection_id, text, by),
        desk.back(path_of(connection_id, "settings"), "connection.did_schedule"),
    )


@router.post(PATH + "/{connection_id}/schedule/try")
def try_schedule(
    desk: Annotated[Desk, needs(Right.WATCH)], connection_id: str, form: form_data.Form
) -> Response:
    """When it would be asked by what is being typed; changes nothing."""
    frame = framed(desk, connection_id)
    text = form.text("schedule") or (frame.manifest.schedule if frame.manifest else "")
    fires: list[str] = []
    fault = ""
    try:
        cron, at = read_cron(text), desk.context.now()
        while len(fires) < 5 and (found := cron.after(at)) is not None:
            fires.append(found.isoformat())
            at = found
    except HubError as error:
        fault = error.detail or ""
    return desk.page("connection_fires.html", fires=fires, fault=fault)


@router.post(PATH + "/{connection_id}/secret")
def renew(
    desk: Annotated[Desk, needs(Right.CONFIGURE)], connection_id: str, form: form_data.Form
) -> Response:
    """Set a secret; it is tried at once, and shown to nobody."""
    framed(desk, connection_id)
    seen = form.seen
    name, value = form.text("name"), form.exact("value")
    by = said(desk, form.reason, seen, "connection.by_secret")
    until = _until(form.text("expires"))
    return attempt(
        desk,
        connection_id,
        seen,
        lambda: secret_renewal.set_secret(desk.context, connection_id, name, value, by, until),
        desk.back(path_of(connection_id, "settings"), "connection.did_secret", name=name[:100]),
    )


def _until(day: str) -> datetime | None:
    """The end of a day at +07:00. Raises RequestRefused for what is no day."""
    if not day:
        return None
    try:
        found: Any = datetime.strptime(day, "%Y-%m-%d").date()  # noqa: DTZ007 - a day of the form
    except ValueError:
        raise RequestRefused(Reason.DATE_INVALID, 422) from None
    return datetime.combine(found, time(23, 59, 59), tzinfo=clock.HCM)
