from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.wire import Wire
from canonical.errors import Garbled, HubError, Refused
from canonical.reasons import Reason
from tests.unit.wire.conftest import RawServer, raw_server

NS11 = "http://schemas.xmlsoap.org/soap/envelope/"
NS12 = "http://www.w3.org/2003/05/soap-envelope"
TYPES = """<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:mau" targetNamespace="urn:mau"
  elementFormDefault="qualified">
 <xs:element name="TraCuu"><xs:complexType><xs:sequence>
  <xs:element name="maHoSo" type="xs:string"/>
  <xs:element name="soDong" type="xs:int" minOccurs="0"/>
 </xs:sequence></xs:complexType></xs:element>
 <xs:element name="TraCuuResponse"><xs:complexType><xs:sequence>
  <xs:element name="ma" type="xs:string"/><xs:element name="lan" type="xs:int"/>
 </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""
WSDL = """<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:mau" targetNamespace="urn:mau"
  xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/"
  xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <types><xs:schema><xs:import namespace="urn:mau" schemaLocation="IMPORT"/></xs:schema></types>
 <message name="In"><part name="parameters" element="t:TraCuu"/></message>
 <message name="Out"><part name="parameters" element="t:TraCuuResponse"/></message>
 <portType name="P"><operation name="TraCuu">
  <input message="t:In"/><output message="t:Out"/></operation></portType>
 <binding name="B11" type="t:P"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/>
  <operation name="TraCuu"><s:operation soapAction="urn:mau/TraCuu"/>
   <input><s:body use="literal"/></input><output><s:body use="literal"/></output></operation>
 </binding>
 <binding name="B12" type="t:P"><s12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
  <operation name="TraCuu"><s12:operation soapAction="urn:mau/TraCuu"/>
   <input><s12:body use="literal"/></input><output><s12:body use="literal"/></output></operation>
 </binding>
 <service name="S"><port name="P11" binding="t:B11"><s:address location="http://203.113.1.1/"/></port>
  <port name="P12" binding="t:B12"><s12:address location="http://203.113.1.1/"/></port></service>
</definitions>"""


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    (tmp_path / "types.xsd").write_text(TYPES)
    path = tmp_path / "mau.wsdl"
    path.write_text(WSDL.replace("IMPORT", "types.xsd"))
    return path


def envelope(body: str, namespace: str = NS11) -> bytes:
    return f'<s:Envelope xmlns:s="{namespace}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


GOOD = envelope('<TraCuuResponse xmlns="urn:mau"><ma>H50</ma><lan>2</lan></TraCuuResponse>')
FAULT_11 = envelope(
    "<s:Fault><faultcode>s:Server</faultcode><faultstring>Nguyễn Văn A</faultstring></s:Fault>"
)
FAULT_12 = envelope(
    "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>app:77</s:Value></s:Subcode>"
    '</s:Code><s:Reason><s:Text xml:lang="vi">Nguyễn Văn A</s:Text></s:Reason></s:Fault>',
    NS12,
)


def http(
    body: bytes, status: str = "200 OK", content_type: str = "text/xml; charset=utf-8"
) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def called(contract: Path, raw: bytes, **how: Any) -> tuple[bytes, RawServer]:
    wire = Wire()
    async with raw_server(raw) as server:
        soap = wire.soap(contract, server.address + "/ws", system="trial", timeout_s=2, **how)
        try:
            return await soap.call("TraCuu", maHoSo="Đ/1", soDong=5), server
        finally:
            await wire.close()


@pytest.mark.parametrize(("version", "namespace"), [("1.1", NS11), ("1.2", NS12)])
async def test_a_message_is_made_from_the_contract(
    contract: Path, version: str, namespace: str
) -> None:
    got, server = await called(contract, http(GOOD), version=version)
    assert got == GOOD
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /ws HTTP/1.1"), "the address in the WSDL is not used"
    root = etree.fromstring(body)
    assert root.tag == f"{{{namespace}}}Envelope"
    assert root.findtext(".//{urn:mau}maHoSo") == "Đ/1"
    if version == "1.1":
        assert b'soapaction: "urn:mau/tracuu"' in head.lower()
        assert b"content-type: text/xml; charset=utf-8" in head.lower()
    else:
        assert b"soapaction" not in head.lower()
        assert b'application/soap+xml; charset=utf-8; action="urn:mau/tracuu"' in head.lower()


SOAP12 = "application/soap+xml; charset=utf-8"


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (http(FAULT_11, "500 Fault"), "s:Server"),
        (http(FAULT_11), "s:Server"),  # with 200, as some old servers do
        (http(FAULT_12, "500 Fault", SOAP12), "s:Receiver app:77"),
        (http(FAULT_12, "400 Bad", SOAP12), "s:Receiver app:77"),
        (http(FAULT_12), "s:Receiver app:77"),
        (
            http(envelope("<s:Fault><faultcode>Nguyễn Văn A</faultcode></s:Fault>"), "500 F"),
            "fault without a readable code",
        ),
    ],
)
async def test_a_fault_of_either_version_is_a_fault_in_either_binding(
    contract: Path, version: str, raw: bytes, code: str
) -> None:
    with pytest.raises(Refused) as failure:
        await called(contract, raw, version=version)
    assert failure.value.reason is Reason.SOAP_FAULT
    assert failure.value.detail == code
    assert "Nguyễn" not in str(failure.value)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (http(b"<!DOCTYPE html><html/>", content_type="text/html"), Reason.CTYPE_UNEXPECTED),
        (http(b"<!DOCTYPE html><html/>"), Reason.CTYPE_UNEXPECTED),  # and it calls it text/xml
        (http(b"<html>", "500 Oops", "text/html"), Reason.HTTP_5XX),
        (http(b"", "500 Oops"), Reason.HTTP_5XX),
        (http(GOOD, "500 Oops"), Reason.HTTP_5XX),
        (http(b"<html>", "400 Bad", "text/html"), Reason.HTTP_4XX),
        (http(b"", "404 Gone"), Reason.HTTP_4XX),
        (http(b"", "401 Who"), Reason.AUTH_DENIED),
        (http(b""), Reason.BODY_MALFORMED),
        (http(GOOD[:90]), Reason.BODY_TRUNCATED),
        (http(GOOD)[:-40], Reason.BODY_TRUNCATED),
        (http(GOOD.replace(b"<ma>", b"<mb>")), Reason.BODY_MALFORMED),
        (http(b'<!DOCTYPE x [<!ENTITY a "b">]>' + GOOD), Reason.XML_FORBIDDEN),
        (http(b"--x", content_type="multipart/related; boundary=x"), Reason.CTYPE_UNEXPECTED),
    ],
)
async def test_what_is_no_answer_says_which_kind(
    contract: Path, raw: bytes, reason: Reason
) -> None:
    with pytest.raises(HubError) as failure:
        await called(contract, raw)
    assert failure.value.reason is reason
    assert failure.value.system == "trial"


async def test_a_small_answer_is_read_by_its_contract(contract: Path) -> None:
    soap = Wire().soap(contract, "http://127.0.0.1:9/", system="trial")
    told = soap.reply("TraCuu", GOOD)
    assert (told.ma, told.lan) == ("H50", 2)
    for raw, reason in (
        (envelope(""), Reason.SCHEMA_DRIFT),
        (GOOD.replace(b"urn:mau", b"urn:kieu-khac"), Reason.SCHEMA_DRIFT),
        (GOOD.replace(b"<lan>", b"<la/><lan>"), Reason.SCHEMA_DRIFT),
        (b"<x/>", Reason.SCHEMA_DRIFT),
        (GOOD[:80], Reason.BODY_TRUNCATED),
    ):
        with pytest.raises(Garbled) as failure:
            soap.reply("TraCuu", raw)
        assert failure.value.reason is reason, raw
        assert failure.value.__cause__ is None, "zeep's texts quote the answer"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("KhongCo", {}),
        ("TraCuu", {"khongCo": "Nguyễn Văn A"}),
        ("TraCuu", {}),
    ],
)
async def test_arguments_outside_the_contract_never_leave(
    contract: Path, operation: str, arguments: dict[str, Any]
) -> None:
    soap = Wire().soap(contract, "http://127.0.0.1:9/", system="trial")
    with pytest.raises(Refused) as failure:
        await soap.call(operation, **arguments)
    assert failure.value.reason is Reason.MAPPING_ERROR
    assert "Nguyễn" not in str(failure.value)


@pytest.mark.parametrize(
    "place",
    ["http://127.0.0.1:9/types.xsd", "//127.0.0.1/types.xsd", "../outside.xsd", "/etc/hosts"],
)
def test_a_contract_loads_nothing_from_outside_its_folder(tmp_path: Path, place: str) -> None:
    inside = tmp_path / "contract"
    inside.mkdir()
    (tmp_path / "outside.xsd").write_text(TYPES)
    path = inside / "mau.wsdl"
    path.write_text(WSDL.replace("IMPORT", place))
    with pytest.raises(Refused) as failure:
        Wire().soap(path, "http://127.0.0.1:9/", system="trial")
    assert failure.value.reason is Reason.EGRESS_DENIED


def test_a_contract_is_parsed_once(contract: Path) -> None:
    wire = Wire()
    wire.soap(contract, "http://127.0.0.1:9/", system="a")
    contract.write_text("gone")
    wire.soap(contract, "http://127.0.0.1:9/", system="b", version="1.2", port="P12")
    for wrong in ({"service": "X"}, {"port": "P12"}, {"version": "1.2", "port": "P11"}):
        with pytest.raises(ValueError, match="no SOAP"):
            wire.soap(contract, "http://127.0.0.1:9/", system="c", **wrong)
