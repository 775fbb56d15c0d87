"""A door in a department's own contract, from the pinned contract and a declaration alone. Pure.

The department's client calls as it always did: 1.1 or 1.2, its own operation, its own answer. What
the contract cannot say is a SOAP fault with the reason code in its detail (CONTRACT, SOAP).
"""

from collections.abc import Sequence
from typing import Any

from lxml import etree

from adapters.declared import templates
from adapters.declared.contracts import Contract, Field, Message
from adapters.declared.declaration import SoapDoor
from adapters.declared.reader import DOOR, V12, message_of
from adapters.declared.wsdl import Wsdl
from canonical.errors import Garbled
from canonical.ports import DoorAnswer, DoorCall, Fate
from canonical.reading import soap, xml
from canonical.reasons import Reason, sentence

_GOOD = frozenset({"applied", "duplicate", "superseded", "pending"})
_SERVER = frozenset({Reason.STORE_UNAVAILABLE, Reason.CRASH_POISON})
_NAMED_AT_MOST = 20
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"


class DeclaredDoor:
    """The operations that a declaration names."""

    def __init__(self, door: SoapDoor, wsdl: Wsdl, contract: Contract) -> None:
        self._door = door
        self._wsdl = wsdl
        self._operations = {one.name: one for one in door.operations}
        self._inputs: dict[str, str] = {}
        self._spaces: dict[str, str] = {}
        self._outputs: dict[str, Message | None] = {}
        for name in self._operations:
            told = contract.operation(name)
            self._inputs[told.input.element] = name
            self._spaces[told.input.element] = told.input.namespace
            self._outputs[name] = told.output

    def call(self, raw: bytes, content_type: str, soap_action: str) -> DoorCall:
        """Which operation is called and by whom: the Body decides.

        Raises:
            Garbled: no SOAP, or no message of an operation that is declared.
        """
        root = xml.parse(raw)
        version = soap.version_of(root)
        body = message_of(raw)
        element = body.base
        name = self._inputs.get(xml.local(element))
        namespace = etree.QName(element).namespace
        if name is None or namespace not in (None, self._spaces[xml.local(element)]):
            raise Garbled(Reason.BODY_MALFORMED, "an operation this door lacks")
        operation = self._operations[name]
        user = password = None
        if self._door.credentials == "body":
            user, password = body.field(operation.user), body.field(operation.password)
        elif self._door.credentials == "wsse":
            user, password = _shown(root)
        shape = f"{DOOR}.{name}{V12 if version == '1.2' else ''}"
        return DoorCall(shape=shape, operation=name, user=user, password=password)

    def answer(self, call: DoorCall, fates: Sequence[Fate]) -> DoorAnswer:
        """The declared success; the partial one or the refusal where records were refused."""
        operation = self._operations[call.operation]
        bad = [fate for fate in fates if fate.disposition not in _GOOD]
        values = _values(fates, bad)
        if not bad:
            return self._signal(call, operation.success, values)
        template = operation.partial if len(bad) < len(fates) else operation.refusal
        template = template or operation.refusal
        if template:
            return self._signal(call, template, values)
        reason = bad[0].reason or Reason.MAPPING_ERROR
        return _fault(reason, str(values["reasons"]), is_12=call.shape.endswith(V12))

    def refusal(self, call: DoorCall | None, reason: Reason, detail: str) -> DoorAnswer:
        """The declared refusal of a call that was refused whole; a fault where none is declared."""
        template = self._operations[call.operation].refusal if call is not None else {}
        if call is None or not template:
            return _fault(reason, detail, is_12=call is not None and call.shape.endswith(V12))
        told = {
            **_values((), ()),
            "reason": reason.value,
            "sentence": sentence(reason),
            "reasons": f"{reason.value}: {sentence(reason)}",
        }
        return self._signal(call, template, told)

    def wsdl(self, address: str) -> bytes:
        """The whole contract in one document, with the door's address in it."""
        return self._wsdl.served(address)

    def _signal(
        self, call: DoorCall, template: dict[str, Any], values: dict[str, Any]
    ) -> DoorAnswer:
        is_12 = call.shape.endswith(V12)
        top, body = _envelope(is_12=is_12)
        output = self._outputs[call.operation]
        if output is not None:
            tag = f"{{{output.namespace}}}{output.element}" if output.namespace else output.element
            nsmap: Any = {"ns": output.namespace} if output.namespace else None
            answer = etree.SubElement(body, tag, nsmap=nsmap)
            _put(answer, output.fields, templates.fill(template, values))
        return DoorAnswer(200, _content_type(is_12=is_12), _bytes(top))


def _put(parent: Any, fields: Sequence[Field], told: dict[str, Any]) -> None:
    """The told values below an element, in the contract's order and namespaces."""
    for field in fields:
        if field.name not in told:
            continue
        found = told[field.name]
        for value in found if isinstance(found, list) else [found]:
            if field.is_attribute:
                parent.set(field.name, _text(value))
                continue
            tag = f"{{{field.namespace}}}{field.name}" if field.namespace else field.name
            child = etree.SubElement(parent, tag)
            if isinstance(value, dict):
                _put(child, field.fields, value)
            else:
                child.text = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A code that came from outside may hold what no XML can.
    return "".join(c for c in str(value) if c in "\t\n" or c.isprintable())


def _values(fates: Sequence[Fate], bad: Sequence[Fate]) -> dict[str, Any]:
    """What the templates of an answer may name."""
    first = bad[0] if bad else None
    reason = (first.reason or Reason.MAPPING_ERROR) if first is not None else None
    told = [_named(fate) for fate in bad[:_NAMED_AT_MOST]]
    more = len(bad) - len(told)
    tail = f"; và {more} bản ghi khác" if more > 0 else ""
    return {
        "code": (fates[0].code or "") if fates else "",
        "count": len(fates),
        "accepted": len(fates) - len(bad),
        "refused": len(bad),
        "reason": reason.value if reason is not None else "",
        "sentence": sentence(reason) if reason is not None else "",
        "field": (first.field or "") if first is not None else "",
        "reasons": "; ".join(told) + tail,
    }


def _named(fate: Fate) -> str:
    reason = fate.reason or Reason.MAPPING_ERROR
    code = fate.code or f"bản ghi thứ {fate.position + 1}"
    field = f", {fate.field}" if fate.field else ""
    return f"{code}: {reason.value}{field}"


def _shown(root: Any) -> tuple[str | None, str | None]:
    """User and password of a WS-Security header; None where it shows a digest or nothing."""
    token = next(root.iter(f"{{{_WSSE}}}UsernameToken"), None)
    if token is None:
        return None, None
    user = token.findtext(f"{{{_WSSE}}}Username")
    password = token.find(f"{{{_WSSE}}}Password")
    if password is None or str(password.get("Type", "")).endswith("#PasswordDigest"):
        return user, None
    return user, password.text


def _fault(reason: Reason, detail: str, *, is_12: bool) -> DoorAnswer:
    namespace = soap.SOAP_12 if is_12 else soap.SOAP_11
    top, body = _envelope(is_12=is_12)
    fault = etree.SubElement(body, f"{{{namespace}}}Fault")
    is_ours = reason in _SERVER
    if is_12:
        code = etree.SubElement(fault, f"{{{namespace}}}Code")
        side = "Receiver" if is_ours else "Sender"
        etree.SubElement(code, f"{{{namespace}}}Value").text = f"soap:{side}"
        told = etree.SubElement(fault, f"{{{namespace}}}Reason")
        text = etree.SubElement(told, f"{{{namespace}}}Text")
        text.set("{http://www.w3.org/XML/1998/namespace}lang", "vi")
        text.text = sentence(reason)
        found = etree.SubElement(fault, f"{{{namespace}}}Detail")
    else:
        etree.SubElement(fault, "faultcode").text = f"soap:{'Server' if is_ours else 'Client'}"
        etree.SubElement(fault, "faultstring").text = sentence(reason)
        found = etree.SubElement(fault, "detail")
    etree.SubElement(found, "reason").text = reason.value
    if detail:
        etree.SubElement(found, "message").text = _text(detail)
    return DoorAnswer(500, _content_type(is_12=is_12), _bytes(top))


def _envelope(*, is_12: bool) -> tuple[Any, Any]:
    namespace = soap.SOAP_12 if is_12 else soap.SOAP_11
    top = etree.Element(f"{{{namespace}}}Envelope", nsmap={"soap": namespace})
    return top, etree.SubElement(top, f"{{{namespace}}}Body")


def _content_type(*, is_12: bool) -> str:
    return f"{'application/soap+xml' if is_12 else 'text/xml'}; charset=utf-8"


def _bytes(root: Any) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
