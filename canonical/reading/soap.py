"""The canonical SOAP push: an envelope (1.1, 1.2) with PushDossiers to records in our words.

One `dossier` element per record, its children named as in CONTRACT; lists are repeated elements;
xsi:nil says none; a child that is not there says nothing. Qualified and unqualified children are
both taken, since clients of different makes send either.
"""

import re
from typing import Any

from canonical.errors import Garbled
from canonical.reading import xml
from canonical.reasons import Reason

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
NAMESPACE = "urn:lienthong:dossier:v1"
_LISTS = frozenset(
    {"extensions", "history", "supplements", "fees", "attachments", "results", "links"}
)
# An object with nothing in it is an empty element, and says nothing; of a text it is the text "".
_OBJECTS = _LISTS | {"procedure", "applicant", "acting", "rating"}
_NUMBERS = frozenset({"version", "service_level", "amount", "score", "scale"})
_NUMBER = re.compile(r"-?[0-9]{1,29}")


def version_of(root: Any) -> str:
    """The SOAP version, "1.1" or "1.2".

    Raises:
        Garbled: BODY_MALFORMED where it is no SOAP envelope.
    """
    return _version_by(root.tag)


def version_in(raw: bytes) -> str:
    """As `version_of`, of a body that is read elsewhere: only its beginning is looked at."""
    return _version_by(xml.opening(raw))


def _version_by(tag: str) -> str:
    for version, namespace in (("1.1", SOAP_11), ("1.2", SOAP_12)):
        if tag == f"{{{namespace}}}Envelope":
            return version
    raise Garbled(Reason.BODY_MALFORMED, "not a SOAP envelope")


def body_child(root: Any) -> Any:
    """The one element in the Body.

    Raises:
        Garbled: BODY_MALFORMED where there is none, or several.
    """
    version_of(root)
    # Two Bodies: whoever took the first alone would answer for records it never read.
    bodies = [part for part in root if xml.local(part) == "Body"]
    if len(bodies) == 1 and len(bodies[0]) == 1:
        return bodies[0][0]
    raise Garbled(Reason.BODY_MALFORMED, "not one Body that holds one element")


def dossiers(raw: bytes) -> list[dict[str, Any]]:
    """The records of a PushDossiers request, in order.

    Raises:
        Garbled: not readable, another operation, or an element beside the dossiers.
    """
    call = body_child(xml.parse(raw))
    if xml.local(call) != "PushDossiers":
        raise Garbled(Reason.BODY_MALFORMED, "the operation is not PushDossiers")
    if any(xml.local(child) != "dossier" for child in call):
        raise Garbled(Reason.BODY_MALFORMED, "an element of PushDossiers that is no dossier")
    return [_record(child) for child in call]


def _record(element: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name = xml.local(child)
        value = _value(name, child)
        if name in _LISTS and value is not None and found.get(name, []) is not None:
            found.setdefault(name, []).append(value)
        elif name in found:  # of a list: a nil beside its elements says two things at once
            raise Garbled(Reason.BODY_MALFORMED, "an element twice in one record")
        else:
            found[name] = value
    return found


def _value(name: str, element: Any) -> Any:
    if element.get("{http://www.w3.org/2001/XMLSchema-instance}nil") in ("true", "1"):
        return None
    if len(element):
        return _record(element)
    told = element.text or ""
    if name in _OBJECTS and not told.strip():
        return {}
    if name in _NUMBERS and _NUMBER.fullmatch(told.strip()):
        return int(told)
    return told
