"""A gathered WSDL as a contract: described, checked, and as one whole document. Pure."""

import copy
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree

from adapters.declared.contracts import Contract, ContractFault, Field, Message, Operation, Port
from adapters.declared.gathering import Gathered, catalogue, gather
from adapters.declared.names import WSDL, WSDL_SOAP, XML, XSD, Name, is_in, local, own_name, resolve
from adapters.declared.schema import Library
from canonical.reading import xml

_PARTS = ("message", "portType", "binding", "service")
_LINKS = {"message": "message", "binding": "binding", "type": "portType"}
_PREFIX = "lt"
_SCHEMAS, _OTHERS = "@@schemas@@", "@@others@@"


class Wsdl:
    """One contract, gathered and checked."""

    def __init__(self, files: Mapping[str, bytes], main: str = "") -> None:
        """The contract that the files make up.

        Raises:
            ContractFault: with file, line and cause.
        """
        self._gathered: Gathered = gather(files, main)
        self._library = Library(self._gathered.schemas)
        self._library.check()
        self._parts = {(k, n): (f, e) for k, n, f, e in self._named()}
        self.whole = _whole(self._gathered)

    def describe(self) -> Contract:
        """What it says.

        Raises:
            ContractFault: a name that leads nowhere.
        """
        ports: list[Port] = []
        operations: dict[str, Operation] = {}
        for file, service in self._all("service"):
            for node in service.findall(f"{{{WSDL}}}port"):
                found = self._port(file, own_name(service, file), node)
                if found is None:
                    continue
                port, bound = found
                ports.append(port)
                for operation in bound:
                    operations.setdefault(operation.name, operation)
        if not operations:
            raise ContractFault(
                self._gathered.main,
                0,
                "không có thao tác SOAP nào",
                "there is no SOAP operation in it",
            )
        root = self._gathered.documents[0][1]
        return Contract(
            kind="wsdl",
            main=self._gathered.main,
            fingerprint=fingerprint(self.whole),
            title=root.get("name") or ports[0].service,
            ports=ports,
            operations=list(operations.values()),
            notes=self._gathered.notes,
        )

    def served(self, address: str) -> bytes:
        """The whole contract in one document, with this address in every port."""
        root = copy.deepcopy(self.whole)
        for node in _addresses(root):
            node.set("location", address)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    # ------------------------------------------------------------------ reading

    def _named(self) -> Iterator[tuple[str, str, str, Any]]:
        for file, root in self._gathered.documents:
            for kind in _PARTS:
                for node in root.findall(f"{{{WSDL}}}{kind}"):
                    yield kind, own_name(node, file), file, node

    def _all(self, kind: str) -> list[tuple[str, Any]]:
        return [place for (found, _), place in self._parts.items() if found == kind]

    def _named_by(self, kind: str, file: str, node: Any, attribute: str) -> tuple[str, Any]:
        told = node.get(attribute)
        if not told:
            raise ContractFault(
                file,
                node.sourceline or 0,
                f"<{local(node)}> thiếu thuộc tính {attribute}",
                f"<{local(node)}> has no {attribute}",
            )
        name = resolve(told, node, file).local
        if (kind, name) not in self._parts:
            raise ContractFault(
                file,
                node.sourceline or 0,
                f"{kind} “{name}” không được định nghĩa",
                f"the {kind} “{name}” is not defined",
            )
        return self._parts[kind, name]

    def _port(self, file: str, service: str, node: Any) -> tuple[Port, list[Operation]] | None:
        bound_in, binding = self._named_by("binding", file, node, "binding")
        soap = next((e for e in binding if _soap(e) and local(e) == "binding"), None)
        if soap is None:
            return None  # HTTP GET and POST bindings of old .NET services
        type_in, port_type = self._named_by("portType", bound_in, binding, "type")
        style = soap.get("style", "document")
        operations = [
            self._operation(bound_in, bound, type_in, port_type, style)
            for bound in binding.findall(f"{{{WSDL}}}operation")
        ]
        address = next((a.get("location", "") for a in _addresses(node)), "")
        port = Port(
            service=service,
            name=own_name(node, file),
            version=_soap(soap),
            address=address,
            operations=[one.name for one in operations],
        )
        return port, operations

    def _operation(
        self, file: str, bound: Any, type_in: str, port_type: Any, style: str
    ) -> Operation:
        name = own_name(bound, file)
        told = next((e for e in bound if _soap(e) and local(e) == "operation"), None)
        style = (told.get("style") if told is not None else None) or style
        abstract = next(
            (o for o in port_type.findall(f"{{{WSDL}}}operation") if o.get("name") == name), None
        )
        if abstract is None:
            raise ContractFault(
                file,
                bound.sourceline or 0,
                f"thao tác “{name}” không có trong portType “{port_type.get('name')}”",
                f"the operation “{name}” is not in the portType “{port_type.get('name')}”",
            )
        output = abstract.find(f"{{{WSDL}}}output")
        note = abstract.find(f"{{{WSDL}}}documentation")
        return Operation(
            name=name,
            input=self._message(type_in, abstract, "input", file, bound, style),
            output=(
                self._message(type_in, abstract, "output", file, bound, style)
                if output is not None
                else None
            ),
            style=style,
            soap_action=told.get("soapAction", "") if told is not None else "",
            headers=list(self._headers(file, bound)),
            faults=[f.get("name", "") for f in abstract.findall(f"{{{WSDL}}}fault")],
            note=" ".join("".join(note.itertext()).split())[:300] if note is not None else "",
        )

    def _message(
        self, type_in: str, abstract: Any, way: str, file: str, bound: Any, style: str
    ) -> Message:
        node = abstract.find(f"{{{WSDL}}}{way}")
        name = str(abstract.get("name"))
        if node is None:
            return Message(name, "", [])
        message_in, message = self._named_by("message", type_in, node, "message")
        body = self._body(bound, way)
        only = (body.get("parts") or "").split() if body is not None else []
        headers = self._header_parts(bound, way, message)
        parts = [
            p
            for p in message.findall(f"{{{WSDL}}}part")
            if (p.get("name") in only if only else p.get("name") not in headers)
        ]
        if style == "rpc":
            fields = [self._part(message_in, part) for part in parts]
            namespace = (body.get("namespace") if body is not None else None) or ""
            return Message(name if way == "input" else f"{name}Response", namespace, fields)
        for part in parts:
            if part.get("element"):
                found = self._part(message_in, part)
                return Message(found.name, found.namespace, found.fields)
        return Message(name, "", [self._part(message_in, part) for part in parts])

    def _body(self, bound: Any, way: str) -> Any:
        node = bound.find(f"{{{WSDL}}}{way}")
        found = (
            [e for e in node.iter() if _soap(e) and local(e) == "body"] if node is not None else []
        )
        return found[0] if found else None

    def _header_parts(self, bound: Any, way: str, message: Any) -> set[str]:
        """Parts of the same message that travel in the Header."""
        node = bound.find(f"{{{WSDL}}}{way}")
        if node is None:
            return set()
        return {
            str(e.get("part"))
            for e in node
            if _soap(e)
            and local(e) == "header"
            and (e.get("message") or "").rpartition(":")[2] == message.get("name")
        }

    def _headers(self, file: str, bound: Any) -> Iterator[Field]:
        node = bound.find(f"{{{WSDL}}}input")
        for header in node if node is not None else ():
            if not _soap(header) or local(header) != "header":
                continue
            message_in, message = self._named_by("message", file, header, "message")
            for part in message.findall(f"{{{WSDL}}}part"):
                if part.get("name") == header.get("part"):
                    yield self._part(message_in, part)

    def _part(self, file: str, part: Any) -> Field:
        label = own_name(part, file)
        if part.get("element"):
            return self._library.elements(_qname(part, "element", file), file, part)
        if part.get("type"):
            return self._library.typed(label, _qname(part, "type", file), file, part)
        raise ContractFault(
            file,
            part.sourceline or 0,
            f"part “{label}” không có element hay type",
            f"the part “{label}” has neither element nor type",
        )


def fingerprint(whole: Any) -> str:
    """sha256 over what a whole contract says, in order: layout, comments and addresses left out.

    C14N is not used: it refuses the relative namespaces that some published contracts have.
    """
    root = copy.deepcopy(whole)
    for node in _addresses(root):
        node.set("location", "")
    told = hashlib.sha256()
    for event, node in etree.iterwalk(root, events=("start", "end")):
        text = " ".join((node.text or "").split()) if event == "start" else ""
        told.update(repr((event, node.tag, sorted(node.attrib.items()), text)).encode())
    return "sha256:" + told.hexdigest()


def _qname(node: Any, attribute: str, file: str) -> Name:
    return resolve(node.get(attribute), node, file)


def _soap(element: Any) -> str:
    """The SOAP version of a binding's element; "" for any other element."""
    if not isinstance(element.tag, str):
        return ""
    return WSDL_SOAP.get(str(etree.QName(element).namespace), "")


def _addresses(root: Any) -> list[Any]:
    return [e for e in root.iter() if _soap(e) and local(e) == "address"]


# ---------------------------------------------------------------------- one document


def _whole(gathered: Gathered) -> Any:
    """One wsdl:definitions that imports nothing: every schema in its types, every part beside.

    Names of WSDL parts never travel on the wire, so all of them move into the main document's
    namespace; names of schemas stay.
    """
    main = gathered.documents[0][1]
    namespace = main.get("targetNamespace", "")
    prefix = _PREFIX
    while prefix in main.nsmap and main.nsmap[prefix] != namespace:
        prefix += "x"
    root = etree.Element(main.tag, dict(main.attrib), nsmap={**main.nsmap, prefix: namespace})
    types = etree.SubElement(root, f"{{{WSDL}}}types")
    types.text, types.tail = _SCHEMAS, _OTHERS
    # Readers that follow no import without an address want what is imported first.
    ordered = sorted(gathered.schemas, key=lambda one: one.namespace not in catalogue())
    schemas = [_schema(one.element, one.namespace) for one in ordered]
    others = []
    seen: dict[tuple[str, str], str] = {}
    for kind in _PARTS:
        for file, document in gathered.documents:
            for node in document.findall(f"{{{WSDL}}}{kind}"):
                name = own_name(node, file)
                if (kind, name) in seen:
                    raise ContractFault(
                        file,
                        node.sourceline or 0,
                        f"{kind} “{name}” cũng có trong {seen[kind, name]}",
                        f"the {kind} “{name}” also stands in {seen[kind, name]}",
                    )
                seen[kind, name] = file
                others.append(etree.tostring(_relinked(_adopted(node), prefix)))
    told = etree.tostring(root)
    told = told.replace(_SCHEMAS.encode(), b"".join(schemas), 1)
    told = told.replace(_OTHERS.encode(), b"".join(others), 1)
    return xml.parse(told)


def _adopted(node: Any) -> Any:
    """A copy of an element that declares every prefix it knew where it stood.

    Through text: lxml, moving an element, drops a prefix that its new place has under another name,
    and the QNames inside its attributes would then mean nothing.
    """
    return etree.fromstring(etree.tostring(node, with_tail=False))


def _schema(element: Any, namespace: str) -> bytes:
    copied = _adopted(element)
    for node in list(copied):
        if not isinstance(node.tag, str) or not is_in(node, XSD):
            continue
        if local(node) == "include" or (local(node) == "import" and node.get("namespace") == XML):
            copied.remove(node)
        elif local(node) == "import":
            node.attrib.pop("schemaLocation", None)
    is_lent = bool(namespace) and not copied.get("targetNamespace")
    if is_lent:
        copied.set("targetNamespace", namespace)
    told = etree.tostring(copied)
    if is_lent and None not in element.nsmap:
        # What has no prefix in it means the namespace it was lent.
        head, _, rest = told.partition(b" ")
        told = head + b' xmlns="' + quoteattr(namespace)[1:-1].encode() + b'" ' + rest
    return told


def _relinked(node: Any, prefix: str) -> Any:
    """The same with its references to WSDL parts in the one namespace."""
    for one in node.iter():
        if not isinstance(one.tag, str):
            continue
        for attribute in _LINKS:
            told = one.get(attribute)
            is_link = (is_in(one, WSDL) and local(one) != "part") or _soap(one)
            if told and is_link:
                one.set(attribute, f"{prefix}:{told.rpartition(':')[2]}")
    return node
