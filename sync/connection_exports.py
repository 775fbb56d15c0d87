"""Connections as one text file, to be kept, compared and put into another hub.

The same connections give the same bytes. Secrets are named, never told: a hub that takes the file
says which are still missing.
"""

import base64
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.prepared import prepare
from canonical.reasons import Reason
from store import connection_versions, connections, plans
from store.connections import ConnectionRow, SecretFact
from store.tables import CONNECTION_STATES
from sync import connecting, connection_systems, secret_values, toml_text
from sync.connecting import By, Wanted
from sync.connection_documents import Difference, differences, document_of, is_json
from sync.connection_edits import tried_at_once
from sync.context import Context
from sync.gates import in_write

FORM = 1
_BASE64 = "base64:"


class Told(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A connection in a file; the order of its fields is that of the text.

    Attributes:
        tested: Digest of what was tested (sync.connection_documents); it holds wherever it fits.
        secrets: Names of those it needs.
        files: Name -> the lines of a contract file, or one line `base64:…` where it is no text.
    """

    system: str
    namespace: str
    role: str
    state: str
    endpoint: str = ""
    schedule: str | None = None
    tested: str | None = None
    secrets: list[str] = []
    options: dict[str, str] = {}
    tables: dict[str, dict[str, Any]] = {}
    overlay: dict[str, Any] = {}
    declaration: dict[str, Any] | None = None
    files: dict[str, list[str]] = {}


class File(Struct, frozen=True):
    """A whole file.

    Attributes:
        version: Of its form.
    """

    version: int
    connections: dict[str, Told] = {}


prepare(Told)


class Step(Struct, frozen=True):
    """What taking a file does to one connection.

    Attributes:
        act: create | change | nothing.
        seen: The version it is at; 0 where it is not there.
        changes: Field by field; all of it for one that is created.
        missing: Secrets it names and the hub has not.
    """

    connection: str
    act: str
    seen: int
    changes: list[Difference]
    missing: list[str]


def export(context: Context, only: Sequence[str] = ()) -> str:
    """Connections as TOML: those that are named, or all.

    Raises:
        HubError: NOT_FOUND: no such connection.
    """
    with context.store.read() as tx:
        rows = {row.id: row for row in connections.list_connections(tx)}
        schedules = plans.own_schedules(tx)
        for name in only:
            if name not in rows:
                raise HubError(Reason.NOT_FOUND, f"no connection {name!r}")
        names = sorted(set(only) or rows)
        told = {name: _told(tx, rows[name], schedules.get(name)) for name in names}
    document = {"version": FORM, "connections": told}
    return toml_text.write(document)


def _told(tx: Tx, row: ConnectionRow, schedule: str | None) -> dict[str, Any]:
    files = connection_versions.load_files(tx, row.files)
    told = Told(
        system=row.system,
        namespace=row.namespace,
        role=row.role,
        state=row.state,
        endpoint=row.endpoint,
        schedule=schedule,
        tested=row.tested or None,
        secrets=sorted(row.secret_facts),
        options=row.options,
        tables=row.tables,
        overlay=row.overlay,
        declaration=row.declaration,
        files={name: _lines(data) for name, data in files.items()},
    )
    plain: dict[str, Any] = msgspec.to_builtins(told)
    return {name: _sorted(value) for name, value in plain.items()}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _lines(data: bytes) -> list[str]:
    """A file line by line, so that two can be compared."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return [_BASE64 + base64.b64encode(data).decode()]
    if text.startswith(_BASE64):
        return [_BASE64 + base64.b64encode(data).decode()]
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [text.split("\n")[-1]]


def _data(lines: list[str]) -> bytes:
    if len(lines) == 1 and lines[0].startswith(_BASE64):
        return base64.b64decode(lines[0].removeprefix(_BASE64), validate=True)
    return "".join(lines).encode()


def read(text: str) -> File:
    """A file that `export` wrote, or a person.

    Raises:
        HubError: BODY_MALFORMED with the place; a secret that stands in it is not repeated.
    """
    try:
        plain = toml_text.read(text)
        is_json(plain, "file")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise HubError(Reason.BODY_MALFORMED, str(error)) from error
    if plain.get("version") != FORM or not plain.keys() <= {"version", "connections"}:
        raise HubError(Reason.BODY_MALFORMED, f"version = {FORM} and [connections.ID] are wanted")
    told = plain.get("connections", {})
    if not isinstance(told, dict):
        raise HubError(Reason.BODY_MALFORMED, "connections: not a table")
    return File(FORM, {name: _read(name, one) for name, one in told.items()})


def _read(name: str, told: Any) -> Told:
    try:
        return msgspec.convert(told, Told)
    except msgspec.ValidationError as error:
        raise HubError(Reason.BODY_MALFORMED, f"connections.{name}: {error}") from error


def plan(context: Context, file: File) -> list[Step]:
    """What taking the file would do, by connection; nothing is done. Raises HubError as `apply`."""
    with context.store.read() as tx:
        told = sorted(file.connections.items())
        return [_step(context, tx, name, one) for name, one in told]


def _step(context: Context, tx: Tx, name: str, told: Told) -> Step:
    held = connections.load_connection(tx, name)
    schedule = plans.own_schedules(tx).get(name)
    row, files = _wanted_row(name, told, held)
    _known_settings(context, tx, row, held, files)
    before = document_of(held, schedule) if held is not None else {}
    changes = differences(before, document_of(row, told.schedule))
    act = "create" if held is None else "change" if changes else "nothing"
    seen = held.version if held is not None else 0
    return Step(name, act, seen, changes, secret_values.missing(row))


def _wanted_row(
    name: str, told: Told, held: ConnectionRow | None
) -> tuple[ConnectionRow, dict[str, bytes]]:
    """The connection as the file wants it, with the secrets that are held."""
    try:
        files = {file: _data(lines) for file, lines in told.files.items()}
    except ValueError as error:
        raise HubError(Reason.BODY_MALFORMED, f"connections.{name}.files: no base64") from error
    facts = dict(held.secret_facts) if held is not None else {}
    for secret in told.secrets:
        facts.setdefault(secret, SecretFact(digest=""))
    if told.state not in CONNECTION_STATES:
        raise HubError(Reason.FIELD_TYPE, f"connections.{name}.state: no state {told.state!r}")
    row = ConnectionRow(
        id=name,
        system=told.system,
        namespace=told.namespace,
        role=told.role,
        endpoint=told.endpoint,
        state=told.state,
        options=told.options,
        sealed=held.sealed if held is not None else None,
        tables=told.tables,
        mapping_version=held.mapping_version if held is not None else 1,
        version=held.version if held is not None else 0,
        overlay=told.overlay,
        declaration=told.declaration,
        files={file: connection_versions.digest_of(data) for file, data in files.items()},
        secret_facts=facts,
        tested=told.tested or "",
    )
    return row, files


def apply(
    context: Context, file: File, by: By, seen: Mapping[str, int] | None = None
) -> list[Step]:
    """Take a file: every connection in it as it says, or nothing at all. Others stay.

    Args:
        context: The hub's parts.
        file: From `read`.
        by: Who and why.
        seen: Connection -> the version its plan was made at; a later one is a conflict.

    Raises:
        HubError: what is wrong with any of them, with its name; nothing is changed.
        NotEnabled: one is to be enabled and its gates object.
    """
    now = context.now()

    def work(tx: Tx) -> list[Step]:
        steps = []
        for name, told in sorted(file.connections.items()):
            step = _step(context, tx, name, told)
            steps.append(step)
            if seen is not None and seen.get(name, 0) != step.seen:
                raise HubError(Reason.CONFLICT, f"{name!r} was changed since its plan was shown")
            if step.act != "nothing":
                _take(context, tx, name, told, by, now)
        return steps

    return in_write(context, work)


def _take(context: Context, tx: Tx, name: str, told: Told, by: By, now: datetime) -> None:
    held = connections.lock_connection(tx, name)
    row, files = _wanted_row(name, told, held)
    wanted = Wanted(row, told.schedule, files=tuple(files.values()))
    if held is None:
        connecting.add(context, tx, wanted, by, now)
        return
    made = connecting.change_in(context, tx, name, by, lambda _: wanted, now)
    tried_at_once(context, tx, made)


def _known_settings(
    context: Context,
    tx: Tx,
    row: ConnectionRow,
    held: ConnectionRow | None,
    files: Mapping[str, bytes],
) -> None:
    """Whether the system has every setting and secret that is named anew."""
    manifest = connection_systems.system_wanted(context, tx, row, files).manifest
    known = [*manifest.options, *(held.options if held is not None else ())]
    for name in row.options:
        if name not in known:
            raise HubError(Reason.FIELD_UNKNOWN, f"{row.id!r}: no setting {name!r}")
    hidden = [*manifest.secrets, *(held.secret_facts if held is not None else ())]
    for name in row.secret_facts:
        if name not in hidden:
            raise HubError(Reason.FIELD_UNKNOWN, f"{row.id!r}: no secret {name!r}")
