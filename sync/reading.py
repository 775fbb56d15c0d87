"""Bytes to checked records: the one place where a receipt's raw bytes become what is decided.

Pure but for the mapping it is handed: the same bytes, shape, mapping and moment give the same
items, so replay and `hub verify` need nothing but the receipt.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from canonical.mapping.compile import Mapping as CompiledMapping
from canonical.mapping.compile import Unmapped
from canonical.ports import BadRow, GoneRow, Row, System
from canonical.reading import json as strict_json
from canonical.reading import soap
from canonical.reasons import Reason
from canonical.record import (
    Item,
    Record,
    Rejected,
    VersionBy,
    fingerprint,
    to_record,
    to_tombstone,
)
from canonical.text import Malformed
from store.vault import Vault

CANONICAL = "canonical"
JSON, NDJSON, SOAP = "json", "ndjson", "soap"
# What the hub itself found gone, by a source's own list: a receipt like any other.
GONE = "gone"


class Read(msgspec.Struct, frozen=True):
    """What a body says.

    Attributes:
        is_list: Whether it was a list (one object is answered otherwise than a list of one).
        drift: Wire names that no mapping row reads.
    """

    items: Sequence[Item]
    is_list: bool = True
    drift: frozenset[str] = frozenset()


class Watch(Protocol):
    """Looks at the rows of a body while they are read."""

    def begin(self, count: int) -> None:
        """So many rows are to come."""

    def see(self, position: int, row: Row, item: Item) -> None:
        """One row and what became of it."""


def read_canonical(
    raw: bytes,
    shape: str,
    namespace: str,
    now: datetime,
    vault: Vault,
    only: Collection[int] | None = None,
) -> Read:
    """The records of a canonical push.

    Args:
        raw: The body as received.
        shape: json | ndjson | soap.
        namespace: The connection's.
        now: The moment of intake.
        vault: Keys of digests and PINs.
        only: The positions that are wanted; None for all.

    Raises:
        Malformed: not JSON as we take it; the whole body is refused.
        Garbled: not the SOAP operation.
    """
    if shape == NDJSON:
        lines = strict_json.lines(raw)
        return Read([_line(x, i, namespace, now, vault) for i, x in _wanted(lines, only)])
    told: Any = soap.dossiers(raw) if shape == SOAP else strict_json.decode(raw)
    if not isinstance(told, list):
        if not isinstance(told, dict):
            raise Malformed("neither an object nor a list")
        return Read([_canonical(told, 0, namespace, now, vault)], is_list=False)
    if not all(isinstance(item, dict) for item in told):
        raise Malformed("not an object where one must be")
    return Read([_canonical(x, i, namespace, now, vault) for i, x in _wanted(told, only)])


def _wanted(items: Iterable[Any], only: Collection[int] | None) -> Iterator[tuple[int, Any]]:
    """Items with their positions, all or those that are wanted."""
    return ((i, x) for i, x in enumerate(items) if only is None or i in only)


def _line(
    raw: bytes, position: int, namespace: str, now: datetime, vault: Vault
) -> Record | Rejected:
    try:
        told = strict_json.decode(raw)
        if not isinstance(told, dict):
            return Rejected(position, Reason.BODY_MALFORMED)
        return _canonical(told, position, namespace, now, vault)
    except Malformed:
        return Rejected(position, Reason.BODY_MALFORMED)


def _canonical(
    raw: dict[str, Any], position: int, namespace: str, now: datetime, vault: Vault
) -> Record | Rejected:
    item = to_record(raw, position, now=now, pepper=vault.record_pepper)
    return settle(item, namespace, vault)


def read_native(
    raw: bytes,
    shape: str,
    system: System,
    mapping: CompiledMapping,
    namespace: str,
    now: datetime,
    vault: Vault,
    only: Collection[int] | None = None,
    watch: Watch | None = None,
) -> Read:
    """The records of a page, file or door call in a department's own words.

    A `watch` is told of every row that can be read, and what became of it.

    Raises:
        HubError: the whole body is outside the department's contract.
    """
    items: list[Item] = []
    drift: set[str] = set()
    rows = system.rows(shape, raw)
    if watch is not None:
        watch.begin(len(rows))
    for position, row in _wanted(rows, only):
        if isinstance(row, GoneRow):
            items.append(
                to_tombstone(
                    position, row.code, row.part, row.gone_at, now=now, pepper=vault.record_pepper
                )
            )
            continue
        item = _native(row, position, mapping, drift, now, vault, namespace)
        if watch is not None and isinstance(row, Row):
            watch.see(position, row, item)
        items.append(_known_again(item, row, vault) if isinstance(item, Rejected) else item)
    return Read(items, drift=frozenset(drift))


def read_gone(raw: bytes, now: datetime, vault: Vault) -> Read:
    """The tombstones of what the hub found gone: {"gone": [{"part", "code"}, …], …}.

    Raises:
        Malformed: not as the hub writes it.
    """
    told: Any = strict_json.decode(raw)
    if not isinstance(told, dict) or not isinstance(told.get("gone"), list):
        raise Malformed("no list of what is gone")
    return Read(
        [
            to_tombstone(i, x["code"], x["part"], None, now=now, pepper=vault.record_pepper)
            for i, x in enumerate(told["gone"])
        ]
    )


def _native(
    row: Row | BadRow,
    position: int,
    mapping: CompiledMapping,
    drift: set[str],
    now: datetime,
    vault: Vault,
    namespace: str,
) -> Record | Rejected:
    if isinstance(row, BadRow):
        return Rejected(position, row.reason, row.field, row.code)
    shape = mapping.shapes.get(row.shape)
    if shape is None:
        return Rejected(position, Reason.MAPPING_ERROR)
    drift |= _unknown(row.values, shape.known)
    told = shape.apply(row.values)
    if isinstance(told, Unmapped):
        return Rejected(position, told.reason, told.field, told.code)
    try:
        item = to_record(
            told,
            position,
            now=now,
            version_by=VersionBy(shape.version_by),
            part=shape.part,
            pepper=vault.record_pepper,
        )
    except Malformed:
        return Rejected(position, Reason.CHAR_FORBIDDEN)
    return settle(item, namespace, vault)


def _known_again(item: Rejected, row: Row | BadRow, vault: Vault) -> Rejected:
    """The rejection with a digest of its row, so that the next poll knows the row again."""
    if isinstance(row, BadRow):
        if row.code is None:
            return item
        told: list[Any] = [row.reason.value, row.field, row.code]
    else:
        told = [row.shape, row.values]
    try:
        digest = fingerprint({"row": told}, None, None, vault.record_pepper)
    except (TypeError, ValueError):  # a value that JSON does not hold, or a lone surrogate
        return item
    return msgspec.structs.replace(item, digest=digest)


def _unknown(values: Mapping[str, Any], known: frozenset[str]) -> set[str]:
    return {name for name in values if name not in known}


def settle(item: Record | Rejected, namespace: str, vault: Vault) -> Record | Rejected:
    """The record as it may be kept: its PIN hidden, `@` in its links said out."""
    if isinstance(item, Rejected):
        return item
    says = item.says
    if says.get("pin") is not None:
        own = f"{namespace}.{item.part}" if item.part else namespace
        leg_name = f"{own}:{item.code}"
        says = {**says, "pin": f"{leg_name}={vault.pin_mac(leg_name, says['pin'])}"}
    if says.get("links"):
        says = {**says, "links": [_said_out(link, namespace) for link in says["links"]]}
    return item if says is item.says else msgspec.structs.replace(item, says=says)


def _said_out(link: dict[str, Any], namespace: str) -> dict[str, Any]:
    told = link["namespace"]
    if told == "@" or told.startswith("@."):
        return {**link, "namespace": namespace + told[1:]}
    return link


def shape_of_content_type(content_type: str) -> str:
    """Json or ndjson, by the request's content type."""
    return NDJSON if "ndjson" in content_type.lower() else JSON
