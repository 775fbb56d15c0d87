"""Changing a connection: every way to do it ends here, checked, in one version with its author.

    draft -> tested -> enabled <-> paused -> retired

A draft or tested connection is never asked and its doors refuse; a retired one likewise, and for
good. What was taken in stays readable and provable whatever becomes of the connection.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.filing import procedures_of
from canonical.mapping import compile_mapping
from canonical.mapping.compile import MappingFault
from canonical.mapping.overlay import OverlayFault
from canonical.ports import System
from canonical.precedence import Role
from canonical.reasons import Reason
from store import connection_versions, connections, filing_cursors, plans
from store.connection_versions import VersionRow
from store.connections import ConnectionRow
from sync import plan as planning
from sync import secret_values
from sync.connection_documents import (
    document_of,
    effective,
    is_json,
    is_tested,
    test_digest,
)
from sync.connection_systems import system_wanted
from sync.context import DECLARED, Context
from sync.gates import in_write, pass_gates
from sync.schedule import read_cron

UPKEEP = "hub"  # the author of what the program itself changes
_MOST_OF_A_FILE = 16 * 1024 * 1024


class By(Struct, frozen=True):
    """Who changes a connection.

    Attributes:
        author: For the history.
        reason: Why, in that person's words.
        seen: The version they looked at; None where they did not look at any.
    """

    author: str
    reason: str
    seen: int | None = None


class Wanted(Struct, frozen=True):
    """A connection as it is to be.

    Attributes:
        row: Everything but its secrets; what is computed (sealed, versions) is not looked at.
        schedule: Cron text of its own; None takes its system's.
        secrets: Name -> new value; what is not named stays.
        files: Bytes of contract files that may be new.
    """

    row: ConnectionRow
    schedule: str | None = None
    secrets: Mapping[str, str] = {}
    files: tuple[bytes, ...] = ()


Edit = Callable[[Wanted], Wanted]


def change(context: Context, connection_id: str, by: By, edit: Edit) -> ConnectionRow:
    """Change a connection; a change that changes nothing is no version.

    Args:
        context: The hub's parts.
        connection_id: Which.
        by: Who, why, and having seen what.
        edit: What is wanted instead of what is.

    Raises:
        HubError: NOT_FOUND; CONFLICT where another version than the one seen is in force, or what
            may not change would; what a wrong field is called with its reason.
    """
    now = context.now()
    return in_write(context, lambda tx: change_in(context, tx, connection_id, by, edit, now))


def change_in(
    context: Context, tx: Tx, connection_id: str, by: By, edit: Edit, now: datetime
) -> ConnectionRow:
    """As `change`, in a transaction that is under way."""
    held = known(tx, connection_id, by.seen)
    schedule = plans.lock_plan(tx, connection_id, clock.to_iso(now)).schedule
    wanted = edit(Wanted(held, schedule))
    if held.state == "retired":
        raise HubError(Reason.CONFLICT, f"{connection_id!r} is retired; it changes no more")
    _stays(tx, held, wanted.row)
    return write(context, tx, wanted, by, now, held=held, held_schedule=schedule)


def known(tx: Tx, connection_id: str, seen: int | None = None) -> ConnectionRow:
    """A connection, locked for a change.

    Raises:
        HubError: NOT_FOUND; CONFLICT where another version than the one seen is in force.
    """
    held = connections.lock_connection(tx, connection_id)
    if held is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
    if seen is not None and seen != held.version:
        raise HubError(
            Reason.CONFLICT,
            f"{connection_id!r} is at version {held.version}, not {seen}: somebody changed it",
        )
    return held


def add(context: Context, tx: Tx, wanted: Wanted, by: By, now: datetime) -> ConnectionRow:
    """Add a connection in a transaction that is under way.

    Raises:
        HubError: an id that is taken or misspelt, or a field that is wrong.
    """
    row = wanted.row
    for text in (row.id, row.namespace):
        check_id(text)
    if connections.lock_connection(tx, row.id) is not None:
        raise HubError(Reason.CONFLICT, f"there is a connection {row.id!r} already")
    return write(context, tx, wanted, by, now)


def check_id(text: str) -> None:
    """Whether a text can name a connection. Raises HubError."""
    plain = text.replace("-", "").replace("_", "").replace(".", "")
    if not text or len(text) > 100 or not plain.isalnum():
        raise HubError(Reason.FIELD_TYPE, f"{text!r}: letters, digits, -, _ and . only")


def write(
    context: Context,
    tx: Tx,
    wanted: Wanted,
    by: By,
    now: datetime,
    *,
    held: ConnectionRow | None = None,
    held_schedule: str | None = None,
) -> ConnectionRow:
    """Check what is wanted and write it with its version.

    Args:
        context: The hub's parts.
        tx: An open write transaction that holds the connection's lock.
        wanted: What is to be.
        by: Who and why.
        now: The present moment.
        held: What there was; None for a new connection.
        held_schedule: Its schedule.
    """
    at = clock.to_iso(now)
    connection_versions.save_files(tx, wanted.files, at)
    system = system_wanted(context, tx, wanted.row)
    document = checked(system, wanted)
    if held is None or held.endpoint != wanted.row.endpoint:
        _holds_no_password(wanted.row.endpoint)
    secrets = secret_values.merged(context.vault, wanted.row, wanted.secrets, system.manifest)
    row = _settled(structs.replace(wanted.row, **secrets), held)
    told = document_of(row, wanted.schedule)
    if held is None:
        connections.save_connection(tx, structs.replace(row, version=1, mapping_version=1), at)
    else:
        if told == document_of(held, held_schedule) and row.sealed == held.sealed:
            return held
        adopt(tx, held, held_schedule, at)
    if row.state == "enabled" and _is_news_to_gates(row, held):
        pass_gates(context, tx, row, held)
    version = (max(held.version, 1) if held is not None else 0) + 1
    row = structs.replace(row, version=version)
    connections.change_connection(tx, row)
    mapping = connections.ensure_mapping(tx, row, document, at)
    row = structs.replace(row, mapping_version=mapping)
    connection_versions.append_version(
        tx, VersionRow(row.id, version, mapping, told, by.author, by.reason, at)
    )
    _goes_on(tx, system, row, wanted.schedule, held, held_schedule, now)
    return row


def adopt(tx: Tx, held: ConnectionRow, schedule: str | None, at: str) -> ConnectionRow:
    """Keep what a connection was before versions were kept as its first; others stay as they are.

    The connection says so only once it is changed, or `keep_up` has said so.
    """
    if held.version:
        return held
    reason = "cấu hình có từ trước khi lưu phiên bản / as it was before versions were kept"
    told = document_of(held, schedule)
    connection_versions.append_version(
        tx, VersionRow(held.id, 1, held.mapping_version, told, UPKEEP, reason, at)
    )
    adopted = structs.replace(held, version=1)
    connections.change_connection(tx, adopted)
    return adopted


def checked(system: System, wanted: Wanted) -> dict[str, Any] | None:
    """The effective mapping document of what is wanted.

    Raises:
        HubError: FIELD_TYPE for an overlay, table or schedule that cannot be taken.
    """
    row = wanted.row
    if row.role not in list(Role):
        raise HubError(Reason.FIELD_TYPE, f"role: none of {', '.join(Role)}")
    is_json(row.overlay, "overlay")
    is_json(row.declaration, "declaration")
    if any(len(data) > _MOST_OF_A_FILE for data in wanted.files):
        raise HubError(Reason.BODY_TOO_LARGE, "a contract file is larger than 16 MiB")
    if wanted.schedule is not None:
        read_cron(wanted.schedule)
    try:
        document = effective(system, row)
        if document is not None and (row.overlay or row.declaration is not None):
            compile_mapping(document, system.transforms, row.tables)
    except (OverlayFault, MappingFault) as error:
        raise HubError(Reason.FIELD_TYPE, str(error)) from error
    return document


def _holds_no_password(endpoint: str) -> None:
    """An address is shown to everybody."""
    try:
        is_told = bool(urlsplit(endpoint).password)
    except ValueError:
        is_told = False
    if is_told:
        raise HubError(Reason.FIELD_TYPE, "endpoint: holds a password, which is set as a secret")


def _stays(tx: Tx, held: ConnectionRow, row: ConnectionRow) -> None:
    """What is already in the dossiers may not change."""
    for name in ("id", "system", "namespace"):
        if getattr(held, name) != getattr(row, name):
            raise HubError(Reason.CONFLICT, f"{held.id!r}: {name} never changes; add another")
    if held.role != row.role and connections.has_receipts(tx, held.id):
        raise HubError(
            Reason.CONFLICT, f"{held.id!r} has spoken as {held.role}; its role changes no more"
        )


def _settled(row: ConnectionRow, held: ConnectionRow | None) -> ConnectionRow:
    """What follows for its state from what else is changed.

    What was tested is tested only as it was. A declared connection that was changed is a draft
    again; one whose code is ours goes on.
    """
    if row.state == "tested" and not is_tested(row):
        return structs.replace(row, state="draft")
    is_live = held is not None and held.state == row.state == "enabled"
    if is_live and row.system in DECLARED and not is_tested(row):
        return structs.replace(row, state="draft")
    return row


def _is_news_to_gates(row: ConnectionRow, held: ConnectionRow | None) -> bool:
    """Whether a connection begins, or what becomes of its records changes while it goes on."""
    if held is None or held.state != "enabled":
        return True
    told = ("tables", "overlay", "declaration", "files")
    return any(getattr(row, name) != getattr(held, name) for name in told)


def _goes_on(
    tx: Tx,
    system: System,
    row: ConnectionRow,
    schedule: str | None,
    held: ConnectionRow | None,
    held_schedule: str | None,
    now: datetime,
) -> None:
    """What else begins or ends with a change."""
    if schedule != held_schedule:
        cron = read_cron(schedule or system.manifest.schedule)
        at = clock.to_iso(now)
        plan = plans.lock_plan(tx, row.id, at)
        plans.save_plan(tx, planning.rescheduled(plan, schedule, cron, now), at)
    if system.manifest.files and procedures_of(row.options):
        filed = held is not None and procedures_of(held.options)
        if held is None:
            filing_cursors.begin(tx, row.id)
        elif held.options != row.options or held.sealed != row.sealed:
            filing_cursors.begin(tx, row.id, anew=not filed)


def mark_tested(context: Context, connection_id: str, by: By) -> ConnectionRow:
    """Note that a connection was tested as it is at the version that was seen.

    Raises:
        HubError: NOT_FOUND; CONFLICT where it was changed meanwhile.
    """

    def tested(wanted: Wanted) -> Wanted:
        row = wanted.row
        state = "tested" if row.state == "draft" else row.state
        return structs.replace(
            wanted, row=structs.replace(row, state=state, tested=test_digest(row))
        )

    return change(context, connection_id, by, tested)
