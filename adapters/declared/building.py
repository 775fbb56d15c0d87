"""A declaration and its files as a `System` like any other: the one way in."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.declared import serving
from adapters.declared.checks import check
from adapters.declared.client import PullClient
from adapters.declared.contracts import Contract, ContractFault, Message, Operation, closed_values
from adapters.declared.declaration import Declaration, DeclarationFault, decode
from adapters.declared.deviating import deviations_of, json_deviations_of
from adapters.declared.door import DeclaredDoor
from adapters.declared.dropping import DropClient
from adapters.declared.openapi import Document
from adapters.declared.pinning import unpacked
from adapters.declared.reader import PUSH, Reader
from adapters.declared.sampling import sample_of
from adapters.declared.wsdl import Wsdl
from adapters.wire import Wire
from adapters.wire.served import ABOUT, OPTION
from canonical.clock import HCM
from canonical.linking import Deviation
from canonical.mapping.transforms import Transform, named
from canonical.ports import TLS_CA, TLS_CA_TOLD, Client, Manifest, Settings, System

_Api = tuple[Contract, Operation, Document]
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
    api = _openapi(told, files)
    own = transforms(told)
    spoken = opened["soap"][1] if "soap" in opened else None
    offered = opened["door"][1] if "door" in opened else None
    check(told, spoken, offered, own)
    reader = Reader(told)
    held = spoken or (api[0] if api is not None else None) or offered
    contract = opened["soap"][0].served("http://contract.invalid/") if "soap" in opened else b""

    def connect(settings: Settings) -> Client:
        if told.kind == "file":
            return DropClient(told, settings, wire, reader)
        own = wire.trusting(settings.options.get(TLS_CA, ""))
        return PullClient(told, settings, own, reader, contract)

    return System(
        manifest=manifest(told),
        mapping_document=told.mapping,
        transforms=own,
        rows=reader.rows,
        connect=connect if told.pull is not None or told.drop is not None else None,
        door=DeclaredDoor(door, *opened["door"]) if door is not None else None,
        fingerprint=held.fingerprint if held is not None else "",
        deviations=_deviations(told, spoken, api),
        sample=lambda: sample_of(told, offered),
        listed=closed_values(_messages(told, spoken, offered, api)),
        served=serving.served_contract(told, files, _read(told, api), wire),
    )


def _deviations(
    told: Declaration, spoken: Contract | None, api: _Api | None
) -> Callable[[str, bytes], Sequence[Deviation]] | None:
    """What holds a pulled page against the pinned contract."""
    if api is not None:
        return json_deviations_of(told, api[1], api[2])
    return deviations_of(told, spoken) if spoken is not None else None


def _read(told: Declaration, api: _Api | None) -> str:
    """The operation whose answers hold the records; "" where that is none of a contract."""
    if api is not None:
        return api[1].name
    return told.pull.request.operation if told.pull is not None else ""


def _messages(
    told: Declaration, spoken: Contract | None, offered: Contract | None, api: _Api | None
) -> Iterator[Message | None]:
    """What records come in: answers to what the hub asks, and what is brought to its door."""
    if api is not None:
        yield api[1].output
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
    if pull is not None:
        options.setdefault(TLS_CA, TLS_CA_TOLD)
    if serving.contract_name(told):
        options.setdefault(OPTION, ABOUT)
    door = push.door if push is not None else None
    named_contract = serving.contract_name(told) or (door.contract if door else _OWN_DESIGN)
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
    _check_pinned(place, fingerprint, contract)
    return wsdl, contract


def _openapi(told: Declaration, files: Mapping[str, bytes]) -> _Api | None:
    """The pinned document that answers are held against, and the operation that is asked."""
    pinned = told.openapi
    if pinned is None or told.pull is None:
        return None
    try:
        document = Document(unpacked(files), pinned.contract)
        contract = document.contract()
    except ContractFault as fault:
        raise DeclarationFault(f"openapi.contract: {fault.sentence('en')}") from fault
    _check_pinned("openapi", pinned.fingerprint, contract)
    request = told.pull.request
    for one in contract.operations:
        if pinned.operation == one.name or (
            not pinned.operation
            and one.method == request.method
            and _is_one_path(one.path, request.path)
        ):
            return contract, one, document
    names = ", ".join(one.name for one in contract.operations)[:300]
    wanted = pinned.operation or f"{request.method} {request.path}"
    raise DeclarationFault(
        f"openapi.operation: the contract has no operation {wanted}; name one of {names}"
    )


def _is_one_path(contract: str, declared: str) -> bool:
    """Whether two paths are one, whatever their places are called and whatever stands before."""
    first, second = (re.sub(r"\{[^{}]*\}", "{}", one) for one in (contract, declared))
    return first.endswith(second) or second.endswith(first)


def _check_pinned(place: str, fingerprint: str, contract: Contract) -> None:
    if fingerprint and fingerprint != contract.fingerprint:
        raise DeclarationFault(
            f"{place}.fingerprint: the contract is not the one that was pinned; it has"
            f" {contract.fingerprint}"
        )


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
