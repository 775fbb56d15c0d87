"""A declaration and its files as a `System` like any other: the one way in."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.declared.checks import check
from adapters.declared.client import PullClient
from adapters.declared.contracts import Contract, ContractFault, Message, closed_values
from adapters.declared.declaration import Declaration, DeclarationFault, decode
from adapters.declared.deviating import deviations_of
from adapters.declared.door import DeclaredDoor
from adapters.declared.dropping import DropClient
from adapters.declared.pinning import unpacked
from adapters.declared.reader import PUSH, Reader
from adapters.declared.sampling import sample_of
from adapters.declared.wsdl import Wsdl
from adapters.wire import Wire
from canonical.clock import HCM
from canonical.mapping.transforms import Transform, named
from canonical.ports import Client, Manifest, Settings, System

_OWN_DESIGN = "our own design"
_AT_HOME = "Asia/Ho_Chi_Minh"
_OPTIONS = {
    "page_size": "rows asked for at once; as declared unless said",
    "timeout_s": "total deadline of one call in seconds; as declared unless said",
    "reconcile_schedule": "cron text of the comparison with its own list; off for never",
}


def build(declaration: dict[str, Any], files: Mapping[str, bytes], wire: Wire) -> System:
    """Everything the hub knows of a declared system; pure but for what `connect` gives.

    Args:
        declaration: As `declaration.read` gives it, or as it is stored.
        files: The pinned files of its contracts: name -> bytes; zips are looked into.
        wire: What its clients call with.

    Raises:
        DeclarationFault: one sentence that begins with the place; of a contract with its file and
            line.
    """
    told = decode(declaration)
    opened: dict[str, tuple[Wsdl, Contract]] = {}
    soap, door = told.soap, told.push.door if told.push else None
    if soap is not None:
        opened["soap"] = _open("soap", soap.contract, soap.fingerprint, files)
        _check_port(told, opened["soap"][1])
    if door is not None:
        opened["door"] = _open("push.door", door.contract, door.fingerprint, files)
    own = transforms(told)
    spoken = opened["soap"][1] if "soap" in opened else None
    offered = opened["door"][1] if "door" in opened else None
    check(told, spoken, offered, own)
    reader = Reader(told)
    held = spoken or offered
    contract = opened["soap"][0].served("http://contract.invalid/") if "soap" in opened else b""

    def connect(settings: Settings) -> Client:
        if told.kind == "file":
            return DropClient(told, settings, wire, reader)
        return PullClient(told, settings, wire, reader, contract)

    return System(
        manifest=manifest(told),
        mapping_document=told.mapping,
        transforms=own,
        rows=reader.rows,
        connect=connect if told.pull is not None or told.drop is not None else None,
        door=DeclaredDoor(door, *opened["door"]) if door is not None else None,
        fingerprint=held.fingerprint if held is not None else "",
        deviations=deviations_of(told, spoken) if spoken is not None else None,
        sample=lambda: sample_of(told, offered),
        listed=closed_values(_messages(told, spoken, offered)),
    )


def _messages(
    told: Declaration, spoken: Contract | None, offered: Contract | None
) -> Iterator[Message | None]:
    """What records come in: answers to what the hub asks, and what is brought to its door."""
    if spoken is not None and told.pull is not None:
        wanted = told.pull.request.operation
        yield from (one.output for one in spoken.operations if one.name == wanted)
    if offered is not None and told.push is not None and told.push.door is not None:
        names = {one.name for one in told.push.door.operations}
        yield from (one.input for one in offered.operations if one.name in names)


def manifest(told: Declaration) -> Manifest:
    """The manifest of a declared system."""
    pull, push = told.pull, told.push
    is_drop = told.kind == "file"
    options = dict(told.options)
    known = ["timeout_s", *(["page_size"] if pull else [])]
    if pull is not None and pull.lists_all:
        known.append("reconcile_schedule")
    for name in known:
        options.setdefault(name, _OPTIONS[name])
    door = push.door if push is not None else None
    named_contract = told.soap.contract if told.soap else door.contract if door else _OWN_DESIGN
    return Manifest(
        id=told.id,
        title=told.title,
        owner=told.owner,
        protocol=told.kind,
        contract=named_contract,
        proven_against=told.proven_against,
        role=told.role,
        pulls=pull is not None or is_drop,
        door="soap" if door is not None else "",
        native_shape=PUSH if push is not None and push.native is not None else "",
        ordered=is_drop or (pull is not None and pull.ordered),
        durable_cursor=is_drop,
        schedule=told.schedule,
        overlap_s=told.overlap_s,
        timeout_s=told.timeout_s,
        page_size=pull.paging.size if pull is not None else 500,
        options=options,
        secrets=list(told.secrets),
        quality=told.quality,
        lists="pages" if pull is not None and pull.lists_all else "",
        reconcile_schedule=told.reconcile_schedule,
    )


def transforms(told: Declaration) -> dict[str, Transform]:
    """The named transforms of a source whose naive times are of another zone than the hub's."""
    if told.time_zone == _AT_HOME:
        return {}
    try:
        zone = ZoneInfo(told.time_zone)
    except (KeyError, ValueError, OSError):
        return {}  # `check` says so
    names = {name for name in _named(told.mapping) if name == "iso" or name.startswith("date:")}
    return {name: _in_zone(name, zone) for name in names}


def _in_zone(name: str, zone: ZoneInfo) -> Transform:
    plain = named(name)

    def read(value: Any) -> datetime:
        found: datetime = plain(value)
        if found.tzinfo is None or (found.tzinfo is HCM and "%z" not in name):
            return found.replace(tzinfo=zone)
        return found

    return read


def _named(value: Any) -> Iterator[str]:
    """Every transform a mapping document names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "transforms" and isinstance(inner, list):
                yield from (one for one in inner if isinstance(one, str))
            else:
                yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)


def _open(
    place: str, name: str, fingerprint: str, files: Mapping[str, bytes]
) -> tuple[Wsdl, Contract]:
    try:
        held = unpacked(files)
        wsdl = Wsdl(held, name)
        contract = wsdl.describe()
    except ContractFault as fault:
        raise DeclarationFault(f"{place}.contract: {fault.sentence('en')}") from fault
    if fingerprint and fingerprint != contract.fingerprint:
        raise DeclarationFault(
            f"{place}.fingerprint: the contract is not the one that was pinned; it has"
            f" {contract.fingerprint}"
        )
    return wsdl, contract


def _check_port(told: Declaration, contract: Contract) -> None:
    soap = told.soap
    if soap is None or told.pull is None:
        return
    for port in contract.ports:
        is_meant = soap.service in ("", port.service) and soap.port in ("", port.name)
        if is_meant and port.version == soap.version:
            return
    known = ", ".join(f"{p.service}/{p.name} (SOAP {p.version})" for p in contract.ports)
    raise DeclarationFault(f"soap: no such port in SOAP {soap.version}; the contract has {known}")
