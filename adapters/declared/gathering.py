"""A WSDL with everything it imports, found among the given files and the hub's own catalogue. Pure.

Nothing is ever loaded from an address: a schema is found by its path, by its file name, by its
namespace among the files, or in the catalogue; what is found nowhere is named with its line.
"""

import functools
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree
from msgspec import Struct

from adapters.declared.contracts import ContractFault
from adapters.declared.names import WSDL, XSD, is_in, local
from canonical.errors import Garbled
from canonical.reading import xml
from canonical.reasons import Reason

_CATALOGUE = Path(__file__).parent / "catalogue"
_WSDL_2 = "http://www.w3.org/ns/wsdl"
_MAX_BYTES = 8 * 1024 * 1024
_CAUSES = {
    Reason.XML_FORBIDDEN: (
        "có DOCTYPE, thực thể hoặc lồng quá sâu, không được phép",
        "a DOCTYPE, an entity, or too deep nesting, none of which is allowed",
    ),
    Reason.BODY_TRUNCATED: ("tệp kết thúc giữa chừng", "the file ends in the middle"),
    Reason.CTYPE_UNEXPECTED: ("là trang HTML", "this is an HTML page"),
    Reason.BODY_TOO_LARGE: ("tệp quá lớn", "the file is too large"),
}


class Schema(Struct, frozen=True):
    """One xs:schema.

    Attributes:
        namespace: Its target, also where an include lent it.
        is_lent: Whether an including schema lent it its namespace.
    """

    element: Any
    file: str
    namespace: str
    is_lent: bool = False


class Gathered(Struct, frozen=True):
    """A contract with all that belongs to it.

    Attributes:
        documents: The wsdl:definitions, the main one first, each with its file.
        schemas: In the order in which they were met.
        notes: What was left out or stands in for something.
    """

    main: str
    documents: list[tuple[str, Any]]
    schemas: list[Schema]
    notes: list[str]


def parse(name: str, raw: bytes) -> Any:
    """The root element of one file.

    Raises:
        ContractFault: no XML, or one with what is not allowed in it, with its line.
    """
    try:
        return xml.parse(raw, max_bytes=_MAX_BYTES)
    except Garbled as fault:
        line, told = _where(raw)
        vi, en = _CAUSES.get(fault.reason, ("không phải XML đúng", "this is not well-formed XML"))
        more = f" ({told})" if told and fault.reason not in _CAUSES else ""
        raise ContractFault(name, line, vi + more, en + more) from None


def gather(files: Mapping[str, bytes], main: str = "") -> Gathered:
    """The contract that the files make up.

    Args:
        files: Name inside the bundle -> bytes.
        main: Which of them is the contract; "" finds it.

    Raises:
        ContractFault: with file, line and cause.
    """
    work = _Work(files)
    name = main or work.main()
    if name not in work.roots:
        raise ContractFault(name, 0, "không có tệp này", "there is no such file")
    root = work.roots[name]
    if not is_in(root, WSDL):
        raise ContractFault(name, 1, "không phải WSDL 1.1", "this is not a WSDL 1.1")
    work.take_wsdl(name, root)
    return Gathered(name, work.documents, work.schemas, work.notes)


class _Work:
    """What has been met so far."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.roots = {
            name: parse(name, raw)
            for name, raw in sorted(files.items())
            if not name.lower().endswith(".json")
        }
        self.documents: list[tuple[str, Any]] = []
        self.schemas: list[Schema] = []
        self.notes: list[str] = []
        self._met: set[tuple[str, str]] = set()

    def main(self) -> str:
        """The one WSDL that no other imports; of several the one with a service."""
        for name, root in self.roots.items():
            if is_in(root, _WSDL_2):
                raise ContractFault(
                    name, 1, "WSDL 2.0 không được hỗ trợ", "WSDL 2.0 is not supported"
                )
        found = {name: root for name, root in self.roots.items() if is_in(root, WSDL)}
        imported = {
            self._found(name, node, node.get("location", ""))
            for name, root in found.items()
            for node in root.findall(f"{{{WSDL}}}import")
        }
        tops = [name for name in found if name not in imported]
        serving = [n for n in tops if found[n].find(f"{{{WSDL}}}service") is not None]
        if len(serving or tops) != 1:
            told = ", ".join(serving or tops)[:300]
            raise ContractFault(
                "",
                0,
                f"hãy chọn một hợp đồng trong: {told}" if told else "không có WSDL nào",
                f"choose one contract of: {told}" if told else "there is no WSDL among the files",
            )
        return (serving or tops)[0]

    def take_wsdl(self, file: str, root: Any) -> None:
        """A WSDL, what it imports, and its schemas."""
        if ("wsdl", file) in self._met:
            return
        self._met.add(("wsdl", file))
        _check_namespace(file, root, is_needed=True)
        self.documents.append((file, root))
        for node in root.findall(f"{{{WSDL}}}import"):
            found = self._found(file, node, node.get("location", ""))
            if found is None:
                raise _missing(file, node, node.get("location") or node.get("namespace") or "")
            if is_in(self.roots[found], WSDL):
                self.take_wsdl(found, self.roots[found])
            else:
                self._take_schema(found, self.roots[found], None)
        inline = [e for t in root.findall(f"{{{WSDL}}}types") for e in t if is_in(e, XSD)]
        for schema in inline:
            _check_namespace(file, schema)
            self.schemas.append(Schema(schema, file, schema.get("targetNamespace", "")))
        for schema in inline:
            self._follow(file, schema, schema.get("targetNamespace", ""))

    def _take_schema(self, file: str, root: Any, lent: str | None) -> None:
        namespace = root.get("targetNamespace") or lent or ""
        if (namespace, file) in self._met:
            return
        self._met.add((namespace, file))
        if not is_in(root, XSD) or local(root) != "schema":
            raise ContractFault(file, 1, "không phải lược đồ XSD", "this is not a schema")
        _check_namespace(file, root)
        is_lent = not root.get("targetNamespace") and bool(lent)
        self.schemas.append(Schema(root, file, namespace, is_lent))
        self._follow(file, root, namespace)

    def _follow(self, file: str, schema: Any, namespace: str) -> None:
        for node in schema:
            kind = local(node) if isinstance(node.tag, str) and is_in(node, XSD) else ""
            location = node.get("schemaLocation", "") if kind else ""
            if kind == "redefine":
                raise ContractFault(
                    file,
                    node.sourceline or 0,
                    "xs:redefine không được hỗ trợ",
                    "xs:redefine is not supported",
                )
            if kind == "include":
                found = self._found(file, node, location)
                if found is None:
                    raise _missing(file, node, location)
                self._take_schema(found, self.roots[found], namespace)
            elif kind == "import":
                self._import(file, node, location, node.get("namespace", ""))

    def _import(self, file: str, node: Any, location: str, namespace: str) -> None:
        if namespace == XSD or not (namespace or location):
            return
        found = self._found(file, node, location) if location else None
        found = found or (self._by_namespace(namespace) if namespace else None)
        if found is not None:
            self._take_schema(found, self.roots[found], None)
        elif any(one.namespace == namespace for one in self.schemas):
            return
        elif namespace in catalogue():
            if (namespace, "catalogue") not in self._met:
                self._met.add((namespace, "catalogue"))
                name, root = catalogue()[namespace]
                self.schemas.append(Schema(root, name, namespace))
                self.notes.append(f"{namespace}: the hub's own stand-in {name}")
                self._follow(name, root, namespace)
        elif location:
            raise _missing(file, node, location)
        # Without a location: whether anything of it is used, the names will tell.

    def _by_namespace(self, namespace: str) -> str | None:
        fitting = [
            name
            for name, root in self.roots.items()
            if is_in(root, XSD) and root.get("targetNamespace") == namespace
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _found(self, file: str, node: Any, location: str) -> str | None:
        """The file a location means: by its path, else by its name alone where that is one."""
        if not location:
            return None
        path = unquote(urlsplit(location).path)
        if "://" not in location:
            whole = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
            if whole in self.roots:
                return whole
        tail = posixpath.basename(path)
        fitting = [name for name in self.roots if tail and posixpath.basename(name) == tail]
        if len(fitting) > 1:
            raise ContractFault(
                file,
                node.sourceline or 0,
                f"có nhiều tệp tên {tail}",
                f"several of the files are called {tail}",
            )
        return fitting[0] if fitting else None


@functools.cache
def catalogue() -> Mapping[str, tuple[str, Any]]:
    """Namespace -> (file, root) of the hub's own minimal schemas."""
    found = {}
    for path in sorted(_CATALOGUE.glob("*.xsd")):
        root = parse(path.name, path.read_bytes())
        found[root.get("targetNamespace")] = (f"catalogue/{path.name}", root)
    return found


def each(schemas: list[Schema]) -> Iterator[tuple[Schema, Any]]:
    """Every top component of every schema."""
    for schema in schemas:
        for node in schema.element:
            if isinstance(node.tag, str) and is_in(node, XSD):
                yield schema, node


def _check_namespace(file: str, node: Any, *, is_needed: bool = False) -> None:
    told = node.get("targetNamespace")
    try:
        if told:
            etree.QName(told, "name")
            etree.Element(f"{{{told}}}name")
        if told or not is_needed:
            return
    except ValueError:
        pass  # told below, with its line
    raise ContractFault(
        file,
        node.sourceline or 0,
        f"targetNamespace “{told or ''}” thiếu hoặc không hợp lệ",
        f"the targetNamespace “{told or ''}” is missing or no valid one",
    )


def _missing(file: str, node: Any, what: str) -> ContractFault:
    return ContractFault(
        file,
        node.sourceline or 0,
        f"cần {what} nhưng không có trong các tệp đã nộp",
        f"it needs {what}, which is not among the files",
    )


def _where(raw: bytes) -> tuple[int, str]:
    """The line and the parser's own word for a fault."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        return error.lineno or 0, str(error.msg or "").partition(", line")[0][:200]
    found = raw[:65_536].upper().find(b"<!DOCTYPE")
    return (raw.count(b"\n", 0, found) + 1 if found >= 0 else 0), ""
