"""SOAP 1.1 and 1.2 answers and faults, as bytes."""

from lxml import etree

from canonical.reading.soap import SOAP_11, SOAP_12
from canonical.reasons import Reason, sentence

_NAMESPACES = {"1.1": SOAP_11, "1.2": SOAP_12}
MEDIA = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}
DETAIL_NAMESPACE = "urn:lienthong:problem:v1"


def envelope(version: str, content: etree._Element) -> bytes:
    """An envelope around one element."""
    namespace = _NAMESPACES[version]
    root = etree.Element(f"{{{namespace}}}Envelope", nsmap={"soap": namespace})
    etree.SubElement(root, f"{{{namespace}}}Body").append(content)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def fault(
    version: str, reason: Reason, *, is_senders: bool, correlation_id: str, language: str = "vi"
) -> bytes:
    """A fault with the reason code in its detail; never the input, never a stack."""
    namespace = _NAMESPACES[version]
    made = etree.Element(f"{{{namespace}}}Fault", nsmap={"soap": namespace})
    text = sentence(reason, language)
    if version == "1.1":
        etree.SubElement(made, "faultcode").text = f"soap:{'Client' if is_senders else 'Server'}"
        etree.SubElement(made, "faultstring").text = text
        detail = etree.SubElement(made, "detail")
    else:
        code = etree.SubElement(made, f"{{{namespace}}}Code")
        value = etree.SubElement(code, f"{{{namespace}}}Value")
        value.text = f"soap:{'Sender' if is_senders else 'Receiver'}"
        told = etree.SubElement(made, f"{{{namespace}}}Reason")
        words = etree.SubElement(told, f"{{{namespace}}}Text")
        words.set("{http://www.w3.org/XML/1998/namespace}lang", language)
        words.text = text
        detail = etree.SubElement(made, f"{{{namespace}}}Detail")
    problem = etree.SubElement(
        detail, f"{{{DETAIL_NAMESPACE}}}problem", nsmap={"p": DETAIL_NAMESPACE}
    )
    etree.SubElement(problem, "reason").text = reason.value
    etree.SubElement(problem, "correlationId").text = correlation_id
    return envelope(version, made)
