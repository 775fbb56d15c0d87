"""What a program does to connections when it starts: new mappings, and versions of what changed.

A program update may change a built-in mapping; overlays are laid over the new one. Where that has
no longer what an overlay replaces, the connection keeps the mapping it had and an alarm says so.
"""

import json
import logging
from typing import Any

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.mapping import compile_mapping
from canonical.mapping.compile import MappingFault
from canonical.mapping.overlay import OverlayFault
from store import alarms, connection_versions, connections, plans
from store.connection_versions import VersionRow
from store.connections import ConnectionRow
from sync import secret_values
from sync.connecting import UPKEEP, adopt
from sync.connection_documents import document_of, effective
from sync.context import Context

logger = logging.getLogger(__name__)
ALARM = "overlay"
_NEW_MAPPING = "bảng ánh xạ của chương trình đã đổi / the program's own mapping changed"
_ELSEWHERE = "thay đổi ngoài các lệnh kết nối / changed by other means than its commands"


class _Kept(Struct, frozen=True):
    """How a connection stands with what the program has.

    Attributes:
        document: The mapping document it is to have.
        is_known: Whether the program has its system.
        fault: Why its overlay cannot be laid over what the program has; "" where it can.
    """

    document: dict[str, Any] | None
    is_known: bool
    fault: str = ""


def keep_up(context: Context) -> list[str]:
    """Bring every connection up to what this program has; those in which something was written.

    A connection whose system's folder was removed keeps the mapping it had.
    """
    with context.store.read() as tx:
        rows = connections.list_connections(tx)
        told = connection_versions.newest_documents(tx)
        schedules = plans.own_schedules(tx)
        mappings = {r.id: connections.load_mapping(tx, r.id, r.mapping_version) for r in rows}
        lasting = {one.key for one in alarms.list_alarms(tx) if one.kind == ALARM}
    behind = []
    for row in rows:
        kept = _kept(context, row)
        is_told = told.get(row.id) == _plain(document_of(row, schedules.get(row.id)))
        is_mapped = not _is_new(row, kept, mappings[row.id])
        if not (is_told and is_mapped and bool(kept.fault) == (row.id in lasting)):
            behind.append(row.id)
            _keep(context, row.id)
    return behind


def _kept(context: Context, row: ConnectionRow) -> _Kept:
    if row.state == "retired" or not context.knows(row):
        return _Kept(None, is_known=False)
    system = context.system_of(row)
    try:
        document = effective(system, row)
        if row.overlay and document is not None:
            compile_mapping(document, system.transforms, row.tables)
    except (OverlayFault, MappingFault) as error:
        return _Kept(None, is_known=True, fault=str(error))
    return _Kept(document, is_known=True)


def _is_new(row: ConnectionRow, kept: _Kept, held: dict[str, Any]) -> bool:
    if not kept.is_known or kept.fault:
        return False
    told: dict[str, Any] = {"document": kept.document, "tables": row.tables}
    if row.declaration is not None:
        told |= {"declaration": row.declaration, "files": row.files}
    return bool(_plain(told) != held)


def _plain(told: Any) -> Any:
    """As JSON holds it, since that is how it is kept."""
    return json.loads(json.dumps(told))


def _keep(context: Context, connection_id: str) -> None:
    at = clock.to_iso(context.now())
    news: list[str] = []

    def work(tx: Tx) -> None:
        news.clear()
        held = connections.lock_connection(tx, connection_id)
        if held is None:
            return
        schedule = plans.own_schedules(tx).get(connection_id)
        row = adopt(tx, _with_facts(context, held), schedule, at)
        kept = _kept(context, row)
        _tell(tx, row, kept, at, news)
        mapping = row.mapping_version
        if _is_new(row, kept, connections.load_mapping(tx, row.id, mapping)):
            mapping = connections.ensure_mapping(tx, row, kept.document, at)
        told = document_of(row, schedule)
        newest = connection_versions.load_version(tx, row.id, row.version)
        is_told = newest is not None and newest.document == _plain(told)
        if is_told and mapping == row.mapping_version:
            return
        row = structs.replace(row, version=row.version + 1)
        connections.change_connection(tx, row)
        reason = _NEW_MAPPING if is_told else _ELSEWHERE
        connection_versions.append_version(
            tx, VersionRow(row.id, row.version, mapping, told, UPKEEP, reason, at)
        )

    context.store.in_write(work)
    for sentence in news:
        logger.warning(sentence, extra={"event": "connection.overlay", "connection": connection_id})


def _with_facts(context: Context, row: ConnectionRow) -> ConnectionRow:
    """With what is to be told of secrets that were set before anything was."""
    if row.secret_facts or row.sealed is None or not context.knows(row):
        return row
    try:
        manifest = context.system_of(row).manifest
        return structs.replace(row, **secret_values.merged(context.vault, row, {}, manifest))
    except HubError:  # sealed under a key that was lost
        return row


def _tell(tx: Tx, row: ConnectionRow, kept: _Kept, at: str, news: list[str]) -> None:
    if kept.fault:
        detail = f"its overlay does not fit the program's mapping, the old one stays: {kept.fault}"
        if alarms.raise_alarm(tx, ALARM, row.id, detail, at):
            news.append("An overlay does not fit the program's mapping; the old mapping stays")
    elif alarms.end_alarm(tx, ALARM, row.id, at):
        news.append("An overlay fits the program's mapping again")
