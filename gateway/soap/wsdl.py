"""The WSDL of the canonical SOAP door, its types taken from the model, both bindings."""

from datetime import datetime
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from lxml import etree
from msgspec import UNSET, Struct, UnsetType

from canonical.explain import alternatives
from canonical.fields import Snapshot
from canonical.reading.soap import NAMESPACE

_XSD = "http://www.w3.org/2001/XMLSchema"
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_BINDINGS = {
    "11": "http://schemas.xmlsoap.org/wsdl/soap/",
    "12": "http://schemas.xmlsoap.org/wsdl/soap12/",
}
_TRANSPORT = "http://schemas.xmlsoap.org/soap/http"
Element = Any


def build(address: str) -> bytes:
    """The WSDL with the door's own address in it."""
    nsmap: Any = {
        None: _WSDL,
        "xs": _XSD,
        "tns": NAMESPACE,
        "soap": _BINDINGS["11"],
        "soap12": _BINDINGS["12"],
    }
    root = etree.Element(
        f"{{{_WSDL}}}definitions", nsmap=nsmap, name="Dossiers", targetNamespace=NAMESPACE
    )
    types = etree.SubElement(root, f"{{{_WSDL}}}types")
    schema = etree.SubElement(
        types, f"{{{_XSD}}}schema", targetNamespace=NAMESPACE, elementFormDefault="unqualified"
    )
    _types(schema)
    for name, element in (("Request", "PushDossiers"), ("Response", "PushDossiersResponse")):
        message = etree.SubElement(root, f"{{{_WSDL}}}message", name=f"PushDossiers{name}Message")
        etree.SubElement(message, f"{{{_WSDL}}}part", name="parameters", element=f"tns:{element}")
    port = etree.SubElement(root, f"{{{_WSDL}}}portType", name="DossiersPort")
    operation = etree.SubElement(port, f"{{{_WSDL}}}operation", name="PushDossiers")
    for way, name in (("input", "Request"), ("output", "Response")):
        etree.SubElement(operation, f"{{{_WSDL}}}{way}", message=f"tns:PushDossiers{name}Message")
    for version in _BINDINGS:
        _binding(root, version)
    service = etree.SubElement(root, f"{{{_WSDL}}}service", name="DossiersService")
    for version, namespace in _BINDINGS.items():
        made = etree.SubElement(
            service,
            f"{{{_WSDL}}}port",
            name=f"Dossiers{version}",
            binding=f"tns:DossiersBinding{version}",
        )
        etree.SubElement(made, f"{{{namespace}}}address", location=address)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _binding(root: Element, version: str) -> None:
    namespace = _BINDINGS[version]
    binding = etree.SubElement(
        root, f"{{{_WSDL}}}binding", name=f"DossiersBinding{version}", type="tns:DossiersPort"
    )
    etree.SubElement(binding, f"{{{namespace}}}binding", transport=_TRANSPORT, style="document")
    operation = etree.SubElement(binding, f"{{{_WSDL}}}operation", name="PushDossiers")
    etree.SubElement(operation, f"{{{namespace}}}operation", soapAction=f"{NAMESPACE}:PushDossiers")
    for way in ("input", "output"):
        made = etree.SubElement(operation, f"{{{_WSDL}}}{way}")
        etree.SubElement(made, f"{{{namespace}}}body", use="literal")


def _types(schema: Element) -> None:
    done: dict[str, Element] = {}
    _struct(schema, Snapshot, done)
    request = _sequence(etree.SubElement(schema, f"{{{_XSD}}}element", name="PushDossiers"))
    _child(request, "dossier", "tns:Snapshot", least="1", most="unbounded")
    answer = _sequence(etree.SubElement(schema, f"{{{_XSD}}}element", name="PushDossiersResponse"))
    _child(answer, "receipt", "xs:string", least="1")
    counts = _sequence(etree.SubElement(answer, f"{{{_XSD}}}element", name="counts"))
    for name in ("applied", "superseded", "duplicate", "quarantined", "pending"):
        _child(counts, name, "xs:int", least="1")
    record = _sequence(
        etree.SubElement(
            answer, f"{{{_XSD}}}element", name="record", minOccurs="0", maxOccurs="unbounded"
        )
    )
    _child(record, "position", "xs:int", least="1")
    for name in ("code", "disposition", "reason", "field", "dossier"):
        _child(record, name, "xs:string")


def _sequence(parent: Element) -> Element:
    made = etree.SubElement(parent, f"{{{_XSD}}}complexType")
    return etree.SubElement(made, f"{{{_XSD}}}sequence")


def _child(parent: Element, name: str, kind: str, *, least: str = "0", most: str = "1") -> None:
    made = etree.SubElement(
        parent,
        f"{{{_XSD}}}element",
        name=name,
        type=kind,
        minOccurs=least,
        maxOccurs=most,
    )
    if least == "0":
        made.set("nillable", "true")


def _struct(schema: Element, shape: type[Struct], done: dict[str, Element]) -> str:
    name = shape.__name__
    if name not in done:
        made = etree.SubElement(schema, f"{{{_XSD}}}complexType", name=name)
        done[name] = made
        # xs:all lets a client send its fields in any order; lists must repeat, so a sequence.
        sequence = etree.SubElement(made, f"{{{_XSD}}}sequence")
        hints = get_type_hints(shape, include_extras=True)
        for field in msgspec.structs.fields(shape):
            kind, most = _kind(schema, hints[field.name], done)
            is_needed = field.required and field.default is not UNSET
            _child(sequence, field.name, kind, least="1" if is_needed else "0", most=most)
    return f"tns:{name}"


def _kind(schema: Element, hint: Any, done: dict[str, Element]) -> tuple[str, str]:
    for one in alternatives(hint):
        if get_origin(one) is list:
            return _kind(schema, get_args(one)[0], done)[0], "unbounded"
        if not isinstance(one, type) or one in (type(None), UnsetType):
            continue
        if issubclass(one, Struct):
            return _struct(schema, one, done), "1"
        if issubclass(one, datetime):
            return "xs:string", "1"  # naive times are +07:00, which xs:dateTime clients would shift
        if issubclass(one, int) and not issubclass(one, bool):
            return "xs:long", "1"
        if issubclass(one, (StrEnum, str)):
            return "xs:string", "1"
    return "xs:string", "1"
