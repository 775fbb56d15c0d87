"""The hub's door in the app's own contract: pushDocument, updateStatus, updateResult. Pure.

Contract: contract/exchdocument.wsdl for the messages, contract/DOOR.md for what the answers mean.
"""

from collections.abc import Sequence
from pathlib import Path

from lxml import etree

from adapters.city_one_stop import answers, envelope, reader
from canonical.errors import Garbled
from canonical.ports import Door, DoorAnswer, DoorCall, Fate
from canonical.reading import xml
from canonical.reasons import Reason, sentence

_CONTRACT = (Path(__file__).parent / "contract" / "exchdocument.wsdl").read_bytes()
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_WSDL_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_CONTENT_TYPE = "text/xml; charset=utf-8"
# The hub's own failures; every other whole refusal is the caller's to mend.
_SERVER = frozenset({Reason.STORE_UNAVAILABLE, Reason.CRASH_POISON, Reason.MAPPING_ERROR})


class CityDoor:
    """The door's three operations; the contract's others are the app's to offer."""

    def call(self, raw: bytes, content_type: str, soap_action: str) -> DoorCall:
        """Which operation is called and by whom: userName and password of its arg0.

        The Body decides: the contract's soapAction is empty, and clients differ in content type.

        Raises:
            Garbled: no XML, or no message of this door.
        """
        operation, element = envelope.message(raw)
        if operation not in reader.LISTS:
            raise Garbled(
                Reason.BODY_MALFORMED, "an operation this door lacks", system=envelope.SYSTEM
            )
        argument = envelope.only(element, "arg0")
        if argument is None:
            return DoorCall(reader.NOTHING, operation)
        password = envelope.only(argument, "password")
        return DoorCall(
            shape=operation,
            operation=operation,
            user=envelope.text(argument, "userName"),
            password=None if password is None else password.text,
        )

    def answer(self, call: DoorCall, fates: Sequence[Fate]) -> DoorAnswer:
        """No errCode where every record is safe here; else a code, and errMsg names the refused."""
        if call.shape == reader.NOTHING:
            return _signal(call.operation, answers.NULL_INPUT, "Tham số arg0 rỗng")
        if not fates:
            return _signal(call.operation, answers.NO_RECORD, "Không có bản ghi nào")
        found = answers.to_records(call.operation, fates)
        return _signal(call.operation, *found) if found else _signal(call.operation)

    def refusal(self, call: DoorCall | None, reason: Reason, detail: str) -> DoorAnswer:
        """The errCode 3 for credentials and 9 for the hub's store; a fault for anything else."""
        if call is not None and call.shape == reader.NOTHING:
            return self.answer(call, ())
        if call is not None and reason in answers.WHOLE:
            return _signal(call.operation, answers.WHOLE[reason], answers.to_whole(reason))
        return _fault(reason, detail)

    def wsdl(self, address: str) -> bytes:
        """The contract, less the operations this door lacks, with the door's address in it."""
        root = xml.parse(_CONTRACT)
        for group in (f"{_WSDL}portType", f"{_WSDL}binding"):
            parent = root.find(group)
            for operation in parent.findall(f"{_WSDL}operation"):
                if operation.get("name") not in reader.LISTS:
                    parent.remove(operation)
        root.find(f".//{_WSDL_SOAP}address").set("location", address)
        return _bytes(root)


def _signal(operation: str, code: str | None = None, told: str | None = None) -> DoorAnswer:
    top, body = _envelope()
    answer = etree.SubElement(
        body,
        f"{{{envelope.NAMESPACE}}}{operation}Response",
        nsmap={"ns2": envelope.NAMESPACE},
    )
    result = etree.SubElement(answer, "return")
    if code is not None:
        etree.SubElement(result, "errCode").text = code
        etree.SubElement(result, "errMsg").text = told
    return DoorAnswer(200, _CONTENT_TYPE, _bytes(top))


def _fault(reason: Reason, detail: str) -> DoorAnswer:
    """A SOAP 1.1 fault; the reason code stands in its detail (CONTRACT, SOAP)."""
    top, body = _envelope()
    fault = etree.SubElement(body, f"{{{envelope.SOAP_11}}}Fault")
    side = "Server" if reason in _SERVER else "Client"
    etree.SubElement(fault, "faultcode").text = f"soap:{side}"
    etree.SubElement(fault, "faultstring").text = sentence(reason)
    found = etree.SubElement(fault, "detail")
    etree.SubElement(found, "reason").text = reason.value
    if detail:
        etree.SubElement(found, "message").text = detail
    return DoorAnswer(500, _CONTENT_TYPE, _bytes(top))


def _envelope() -> tuple[etree._Element, etree._Element]:
    top = etree.Element(f"{{{envelope.SOAP_11}}}Envelope", nsmap={"soap": envelope.SOAP_11})
    return top, etree.SubElement(top, f"{{{envelope.SOAP_11}}}Body")


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


DOOR: Door = CityDoor()
