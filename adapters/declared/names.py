"""Names in a WSDL or schema: QNames resolved where they stand, with the line to blame. Pure."""

import re
from typing import Any, NamedTuple

from lxml import etree

from adapters.declared.contracts import ContractFault

WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP = {
    "http://schemas.xmlsoap.org/wsdl/soap/": "1.1",
    "http://schemas.xmlsoap.org/wsdl/soap12/": "1.2",
}
XSD = "http://www.w3.org/2001/XMLSchema"
XML = "http://www.w3.org/XML/1998/namespace"
_NCNAME = re.compile(r"[^\W\d][\w.\-·]*\Z")


class Name(NamedTuple):
    """A qualified name."""

    namespace: str
    local: str


def local(element: Any) -> str:
    """An element's name without its namespace."""
    return str(etree.QName(element).localname)


def is_in(element: Any, namespace: str) -> bool:
    """Whether an element is of a namespace."""
    return bool(etree.QName(element).namespace == namespace)


def resolve(told: str, element: Any, file: str, default: str | None = None) -> Name:
    """The name a QName stands for where it stands.

    Args:
        told: `prefix:name` or `name`.
        element: Where it stands: its prefixes are in force.
        file: For the fault.
        default: Namespace of an unprefixed name where no default namespace is declared.

    Raises:
        ContractFault: a prefix that is not declared.
    """
    prefix, _, name = told.strip().rpartition(":")
    if not prefix:
        return Name(element.nsmap.get(None) or default or "", name)
    namespace = XML if prefix == "xml" else element.nsmap.get(prefix)
    if namespace is None:
        raise ContractFault(
            file,
            element.sourceline or 0,
            f"tiền tố “{prefix}” chưa được khai báo",
            f"the prefix “{prefix}” is not declared",
        )
    return Name(namespace, name)


def own_name(element: Any, file: str) -> str:
    """The `name` of a component.

    Raises:
        ContractFault: none, empty, or no XML name.
    """
    told = element.get("name")
    if told is None or not _NCNAME.match(told):
        kind = local(element)
        raise ContractFault(
            file,
            element.sourceline or 0,
            f"<{kind}> thiếu tên hoặc tên “{told or ''}” không hợp lệ",
            f"<{kind}> has no name, or “{told or ''}” is no valid one",
        )
    return str(told)
