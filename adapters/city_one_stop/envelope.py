"""The exchange's SOAP 1.1 envelope: which operation, its `arg0`, its `return`.

Contract: contract/exchdocument.wsdl (domain/contracts.md 5.2). The wrapper is qualified, everything
below it is not. Clients that qualify the children by mistake, or leave the wrapper bare as
node-soap did before 2017, are understood: the names cannot be taken for anything else.
"""

from typing import Any

from canonical.errors import Garbled
from canonical.reading import xml
from canonical.reasons import Reason

SYSTEM = "city_one_stop"
NAMESPACE = "http://hoso.provider.exch.sharedservice.dtt.vn/"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def message(raw: bytes) -> tuple[str, Any]:
    """The name and element of the one message in the Body.

    Raises:
        Garbled: whatever `canonical.reading.xml.parse` says; BODY_MALFORMED for anything but one
            message of this contract in a SOAP 1.1 envelope.
    """
    root = xml.parse(raw, system=SYSTEM)
    if root.tag != f"{{{SOAP_11}}}Envelope":
        raise _malformed("not a SOAP 1.1 envelope")
    bodies = root.findall(f"{{{SOAP_11}}}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise _malformed("not one message in the Body")
    element = bodies[0][0]
    if element.tag.startswith("{") and not element.tag.startswith(f"{{{NAMESPACE}}}"):
        raise _malformed("a message of another namespace")
    return local(element.tag), element


def only(parent: Any, name: str) -> Any | None:
    """The child of that name; None where it is absent or nil.

    Raises:
        Garbled: BODY_MALFORMED where it stands there twice.
    """
    found = [child for child in parent if local(child.tag) == name]
    if len(found) > 1:
        raise _malformed(f"{name} twice")
    if not found or found[0].get(_NIL) in ("true", "1"):
        return None
    return found[0]


def text(parent: Any, name: str) -> str | None:
    """The text of the child of that name; None where it is absent, nil or empty.

    Raises:
        Garbled: BODY_MALFORMED where it stands there twice.
    """
    child = only(parent, name)
    told = None if child is None or child.text is None else child.text.strip()
    return told or None


def returned(raw: bytes, operation: str) -> Any:
    """The `return` of an answer.

    Raises:
        Garbled: as `message`; BODY_MALFORMED for another operation's answer or none at all.
    """
    name, element = message(raw)
    if name != f"{operation}Response":
        raise _malformed(f"not an answer to {operation}")
    found = only(element, "return")
    if found is None:
        raise _malformed("no return")
    return found


def local(tag: str) -> str:
    """A tag's name without its namespace."""
    return tag.rpartition("}")[2]


def _malformed(detail: str) -> Garbled:
    return Garbled(Reason.BODY_MALFORMED, detail, system=SYSTEM)
