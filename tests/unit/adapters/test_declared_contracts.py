"""Contracts handed in: published ones, several files, zips, and whatever is broken or hostile."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from adapters import declared
from adapters.declared import ContractFault, describe, draft, pin
from adapters.declared.contracts import shown
from adapters.declared.pinning import MAX_FILE_BYTES, unpacked
from adapters.declared.wsdl import Wsdl
from adapters.simulation import soap_sample
from adapters.wire.soap import Soap
from canonical.errors import Refused
from canonical.reasons import Reason

PUBLISHED = Path(__file__).parents[4] / "shared/real/contracts"
# File -> how many operations it has; or, where it cannot be taken, the whole sentence.
KNOWN: dict[str, int | str] = {
    "jroad/tam.wsdl": 46,
    "navikt-altinn-correspondence-agency-external/CorrespondenceAgencyExternal.svc.wsdl": 7,
    "navikt-behandlesak-v2-tjenestespesifikasjon/behandlesak/v2/wsdl/BehandleSakV2.wsdl": 2,
    "navikt-sak-v2-tjenestespesifikasjon/SakV2.wsdl": 2,
    "xroad/error.wsdl": "error.wsdl, line 24: <element> has no name, or “” is no valid one",
    "xroad/testservice.wsdl": 2,
    "xroad/valid-getrandom.wsdl": 1,
    "xroad/valid-smallattachment.wsdl": 1,
    "xroad/valid.wsdl": 3,
}
SAMPLE = soap_sample.CONTRACT.read_bytes()
MAIN = """<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:m"
 xmlns:t="urn:parts" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/">
<wsdl:import namespace="urn:parts" location="parts/parts.wsdl"/>
<wsdl:service name="S"><wsdl:port name="P" binding="t:B"><s:address location="http://x.invalid/"/>
</wsdl:port></wsdl:service></wsdl:definitions>"""
PARTS = """<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:parts"
 xmlns:p="urn:parts" xmlns:d="urn:data" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/">
<w:types><x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">
<x:import namespace="urn:data" schemaLocation="../xsd/data.xsd"/></x:schema></w:types>
<w:message name="In"><w:part name="p" element="d:nop"/></w:message>
<w:message name="Out"><w:part name="p" element="d:nopResponse"/></w:message>
<w:portType name="T"><w:operation name="nop"><w:input message="p:In"/><w:output message="p:Out"/>
</w:operation></w:portType>
<w:binding name="B" type="p:T"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/>
<w:operation name="nop"><s:operation soapAction=""/><w:input><s:body use="literal"/></w:input>
<w:output><s:body use="literal"/></w:output></w:operation></w:binding></w:definitions>"""
DATA = """<schema xmlns="http://www.w3.org/2001/XMLSchema" xmlns:q="urn:data"
 targetNamespace="urn:data" elementFormDefault="qualified">
<include schemaLocation="kinds.xsd"/>
<element name="nop"><complexType><sequence>
<element name="hoSo" type="q:HoSo" maxOccurs="unbounded"/></sequence></complexType></element>
<element name="nopResponse" type="q:Ma"/></schema>"""
KINDS = """<schema xmlns="http://www.w3.org/2001/XMLSchema" xmlns:q="urn:data">
<simpleType name="Ma"><restriction base="string"><enumeration value="MOI"/>
<enumeration value="XONG"/></restriction></simpleType>
<complexType name="Goc"><sequence><element name="maHoSo" type="string"/></sequence></complexType>
<complexType name="HoSo"><complexContent><extension base="q:Goc"><sequence>
<choice><element name="trangThai" type="q:Ma"/><element name="la" type="date"/></choice>
<element name="con" type="q:HoSo" minOccurs="0"/></sequence></extension></complexContent>
</complexType></schema>"""
SEVERAL = {
    "main.wsdl": MAIN.encode(),
    "parts/parts.wsdl": PARTS.encode(),
    "xsd/data.xsd": DATA.encode(),
    "xsd/kinds.xsd": KINDS.encode(),
}


def fault(files: dict[str, bytes], main: str = "") -> ContractFault:
    with pytest.raises(ContractFault) as found:
        describe(files, main)
    return found.value


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_published_contract_is_taken_or_says_why_not(name: str) -> None:
    if not PUBLISHED.is_dir():
        pytest.skip(f"{PUBLISHED} is not there: published contracts lie beside the checkout")
    files, expected = pin(PUBLISHED / name), KNOWN[name]
    if isinstance(expected, str):
        assert fault(files).sentence("en") == expected
        return
    wsdl = Wsdl(files)
    contract = wsdl.describe()
    assert len(contract.operations) == expected
    # What is served is the same contract, complete in itself, and can be called.
    served = wsdl.served("http://127.0.0.1:9/here")
    again = describe({"served.wsdl": served})
    assert again.operations == contract.operations
    assert {port.address for port in again.ports} == {"http://127.0.0.1:9/here"}
    port = contract.ports[0]
    Soap(None, served, "http://127.0.0.1:9/", version=port.version)  # type: ignore[arg-type]


def test_every_published_contract_stands_in_the_table() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip(f"{PUBLISHED} is not there: published contracts lie beside the checkout")
    found = {path.relative_to(PUBLISHED).as_posix() for path in PUBLISHED.rglob("*.wsdl")}
    assert found == set(KNOWN)


def test_the_fields_of_a_record_come_with_kinds_and_closed_values() -> None:
    contract = describe({"soap_sample.wsdl": SAMPLE})
    assert [(p.service, p.version) for p in contract.ports] == [
        ("HoSoMauService", "1.1"),
        ("HoSoMauService", "1.2"),
    ]
    fields = shown(contract.operation("layDanhSach"))
    record, state = fields["danhSach.hoSo"], fields["danhSach.hoSo.trangThai"]
    assert (record.is_many, record.type, record.namespace) == (True, "HoSo", "urn:so-mau:ho-so")
    assert state.values == [
        "MOI_TIEP_NHAN",
        "DANG_XU_LY",
        "CHO_BO_SUNG",
        "DA_XONG",
        "DA_TRA",
        "TU_CHOI",
    ]
    assert fields["danhSach.hoSo.ngayHenTra"].is_nillable
    assert not fields["danhSach.hoSo.ngayHenTra"].is_required
    assert fields["danhSach.hoSo.chuHoSo.hoTen"].is_required


def test_several_files_become_one_contract() -> None:
    contract = describe(SEVERAL)
    assert contract.main == "main.wsdl"
    fields = {f.name: f for f in contract.operation("nop").input.fields[0].fields}
    assert list(fields) == ["maHoSo", "trangThai", "la", "con"]
    assert fields["trangThai"].values == ["MOI", "XONG"]
    assert not fields["trangThai"].is_required, "one of a choice"
    assert fields["con"].is_cut, "it contains itself"
    assert {f.namespace for f in fields.values()} == {""}, "as the file that defines them says"
    assert contract.operation("nop").input.fields[0].namespace == "urn:data"
    served = Wsdl(SEVERAL).served("http://127.0.0.1:9/")
    assert b"import" not in served.replace(b'import namespace="urn:data"', b"")
    assert describe({"a.wsdl": served}).operations == contract.operations
    Soap(None, served, "http://127.0.0.1:9/")  # type: ignore[arg-type]


def test_files_are_found_by_name_or_namespace_where_paths_were_lost() -> None:
    flat = {name.rpartition("/")[2]: raw for name, raw in SEVERAL.items()}
    assert describe(flat).operations == describe(SEVERAL).operations
    renamed = {**flat, "d.xsd": flat["data.xsd"]}
    del renamed["data.xsd"]
    assert describe(renamed).operations == describe(SEVERAL).operations


def test_a_schema_without_namespace_is_imported_and_a_name_without_ending_is_read() -> None:
    bare = b"""<schema xmlns="http://www.w3.org/2001/XMLSchema"><element name="chung" type="int"/>
</schema>"""
    importing = SAMPLE.replace(
        b'<xs:simpleType name="TrangThai">',
        b'<xs:import schemaLocation="bare.xsd"/><xs:simpleType name="TrangThai">',
    ).replace(
        b'<xs:element name="lePhi" type="xs:string" minOccurs="0"/>', b'<xs:element ref="chung"/>'
    )
    contract = describe({"HoSo.asmx": importing, "bare.xsd": bare})
    assert shown(contract.operation("layDanhSach"))["danhSach.hoSo.chung"].type == "int"
    assert describe({"HoSo": SAMPLE}).kind == "wsdl"


def test_the_fingerprint_is_of_what_it_says_and_not_of_how_it_is_written() -> None:
    first = describe({"a.wsdl": SAMPLE}).fingerprint
    other = SAMPLE.replace(b"http://127.0.0.1:9/ho-so", b"http://so.invalid/").replace(
        b"\n", b"\n "
    )
    assert describe({"b.wsdl": b"<!-- moved -->" + other.partition(b"?>")[2]}).fingerprint == first
    renamed = SAMPLE.replace(b'name="ngayHenTra"', b'name="ngayHen"')
    assert describe({"a.wsdl": renamed}).fingerprint != first


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("xsd/kinds.xsd", ("q:Goc", "q:Khong"), "{urn:data}Khong is defined nowhere"),
        ("xsd/kinds.xsd", ('base="q:Goc"', 'base="zz:Goc"'), "prefix “zz”"),
        ("xsd/kinds.xsd", ("</schema>", ""), "ends in the middle"),
        ("xsd/kinds.xsd", ("</choice>", "</chioce>"), "not well-formed"),
        ("xsd/data.xsd", ("kinds.xsd", "khong.xsd"), "khong.xsd, which is not among the files"),
        ("parts/parts.wsdl", ("p:In", "p:Vao"), "the message “Vao” is not defined"),
        ("parts/parts.wsdl", ('d:nop"', 'd:khong"'), "element {urn:data}khong"),
        ("main.wsdl", ("t:B", "t:C"), "the binding “C” is not defined"),
        ("main.wsdl", ("parts/parts.wsdl", "http://x.invalid/a.wsdl"), "http://x.invalid/a"),
        ("parts/parts.wsdl", ('operation name="nop"><s:', 'operation name="x"><s:'), "“x”"),
    ],
)
def test_a_broken_contract_gets_one_sentence_with_file_line_and_cause(
    name: str, change: tuple[str, str], word: str
) -> None:
    whole = SEVERAL[name].decode()
    broken = whole.replace(*change)
    line = whole[: whole.index(change[0])].count("\n") + 1
    assert broken.encode() != SEVERAL[name]
    found = fault({**SEVERAL, name: broken.encode()})
    told = found.sentence("en")
    assert (found.file, found.line) == (name, line), told
    assert word in told
    assert "\n" not in str(found)
    assert str(found).startswith(f"{name}, dòng {line}: ")


BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"a.wsdl": BOMB}, "DOCTYPE"),
        ({"a.wsdl": b'<!DOCTYPE a SYSTEM "http://x.invalid/a.dtd"><a/>'}, "DOCTYPE"),
        ({"a.wsdl": b"<a>" * 500 + b"</a>" * 500}, "deep"),
        ({"a.wsdl": b"<html><body/></html>"}, "HTML"),
        ({"a.wsdl": b""}, "not well-formed"),
        ({"a.wsdl": b"x" * (MAX_FILE_BYTES + 1)}, "too large"),
        ({f"{n}.xsd": b"<a/>" for n in range(201)}, "more than 200"),
        ({"../a.wsdl": SAMPLE}, "outside"),
        ({"/etc/a.wsdl": SAMPLE}, "outside"),
        ({"a/../../b.wsdl": SAMPLE}, "outside"),
        ({}, "no contract file"),
        ({"a.xsd": KINDS.encode()}, "no WSDL"),
        ({"a.wsdl": SAMPLE, "b.wsdl": SAMPLE}, "choose one contract of: a.wsdl, b.wsdl"),
        ({"a.wsdl": b'<description xmlns="http://www.w3.org/ns/wsdl"/>'}, "WSDL 2.0"),
    ],
)
def test_what_is_hostile_or_no_contract_is_refused(files: dict[str, bytes], word: str) -> None:
    assert word in fault(files).sentence("en")


def zipped(files: dict[str, bytes], **how: int) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return raw.getvalue()


def test_a_zip_is_looked_into_in_memory() -> None:
    told = zipped(
        {f"hop-dong/{name}": raw for name, raw in SEVERAL.items()} | {"hop-dong/a.doc": b"x"}
    )
    assert unpacked({"hop-dong.zip": told}) == SEVERAL
    assert describe({"hop-dong.zip": told}).operations == describe(SEVERAL).operations


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (zipped({"a.wsdl": b"\0" * (MAX_FILE_BYTES * 4)}), "too large"),
        (zipped({f"{n}.xsd": b" " * MAX_FILE_BYTES for n in range(6)}), "too large"),
        (zipped({"../../etc/a.wsdl": SAMPLE}), "outside"),
        (zipped({"/a.wsdl": SAMPLE}), "outside"),
        (zipped({f"{n}.xsd": b"" for n in range(1500)}), "too many"),
        (zipped({"a.wsdl": SAMPLE})[:-40], "broken"),
        (zipped({"a.wsdl": SAMPLE})[:200] + b"PK\x05\x06" + b"\0" * 18, "no contract file"),
    ],
)
def test_a_zip_that_is_a_bomb_or_leads_outside_is_refused(raw: bytes, word: str) -> None:
    with pytest.raises(ContractFault) as found:
        unpacked({"a.zip": raw})
    assert word in found.value.sentence("en")


def test_files_on_disk_are_pinned_and_links_are_not_followed(tmp_path: Path) -> None:
    for name, raw in SEVERAL.items():
        path = tmp_path / "bo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    (tmp_path / "secret.xsd").write_bytes(b"<a/>")
    (tmp_path / "bo" / "link.xsd").symlink_to(tmp_path / "secret.xsd")
    assert pin(tmp_path / "bo") == SEVERAL
    with pytest.raises(ContractFault):
        pin(tmp_path / "nothing.wsdl")


def test_a_contract_in_memory_fetches_nothing() -> None:
    outside = SAMPLE.replace(
        b'<xs:simpleType name="TrangThai">',
        b'<xs:import namespace="urn:x" schemaLocation="file:///etc/passwd"/>'
        b'<xs:simpleType name="TrangThai">',
    )
    with pytest.raises(Refused):
        Soap(None, outside, "http://127.0.0.1:9/")  # type: ignore[arg-type]


def test_a_contract_that_cannot_be_called_says_so() -> None:
    gone = SAMPLE.replace(b'type="tns:TrangThai"', b'type="tns:Khong"')
    with pytest.raises(Refused) as found:
        Soap(None, gone, "http://127.0.0.1:9/")  # type: ignore[arg-type]
    assert found.value.reason is Reason.MAPPING_ERROR


# --- OpenAPI ----------------------------------------------------------------------------------

OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "Sở Mẫu"},
    "paths": {
        "/ho-so": {
            "get": {
                "operationId": "dsHoSo",
                "parameters": [{"name": "tuNgay", "in": "query", "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Trang"}}
                        }
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Trang": {
                "type": "object",
                "properties": {
                    "tong": {"type": "integer"},
                    "hoSo": {"type": "array", "items": {"$ref": "#/components/schemas/HoSo"}},
                },
            },
            "HoSo": {
                "required": ["maHoSo"],
                "properties": {
                    "maHoSo": {"type": "string"},
                    "trangThai": {"enum": ["DA_TRA", "LA_LAM"]},
                    "ngayHenTra": {"type": ["string", "null"], "format": "date-time"},
                    "con": {"$ref": "#/components/schemas/HoSo"},
                },
            },
        }
    },
}


def openapi(told: object = OPENAPI) -> dict[str, bytes]:
    return {"openapi.json": json.dumps(told, indent=1).encode()}


def test_an_openapi_document_says_the_same_things() -> None:
    contract = describe(openapi())
    assert (contract.kind, contract.title) == ("openapi", "Sở Mẫu")
    operation = contract.operation("dsHoSo")
    assert [f.name for f in operation.input.fields] == ["tuNgay"]
    fields = shown(operation)
    assert fields["hoSo"].is_many
    assert fields["hoSo.maHoSo"].is_required
    assert fields["hoSo.trangThai"].values == ["DA_TRA", "LA_LAM"]
    assert fields["hoSo.ngayHenTra"].is_nillable
    assert fields["hoSo.con"].is_cut
    assert describe(openapi({**OPENAPI, "servers": [{"url": "x"}]})) == contract


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.json": b'{\n "openapi": "3.1.0",\n}'}, "a.json, line 3: this is not valid JSON"),
        ({"a.json": b"[]"}, "no JSON object"),
        ({"a.json": b'{"swagger": "2.0"}'}, "no OpenAPI 3"),
        ({"a.json": b'{"openapi": "2.0"}'}, "not 3"),
        ({"a.json": b'{"openapi": "3.0.0"}'}, "no operation"),
        ({"a.yaml": b"openapi: 3.1.0"}, "as JSON"),
        (
            openapi({**OPENAPI, "components": {}}),
            "#/components/schemas/Trang is not among the files",
        ),
    ],
)
def test_a_broken_openapi_document_gets_its_sentence(files: dict[str, bytes], told: str) -> None:
    assert told in fault(files).sentence("en")


# --- a draft ----------------------------------------------------------------------------------


def test_a_draft_proposes_by_names_and_lists_what_is_left() -> None:
    told = draft(describe({"soap_sample.wsdl": SAMPLE}), "layDanhSach")
    assert told.declaration["pull"]["answer"]["records"] == "danhSach/hoSo"
    rows = {r["target"]: r for r in told.declaration["mapping"]["shapes"]["record"]["rows"]}
    assert rows["code"]["source"] == "maHoSo"
    assert rows["applicant.name"]["source"] == "chuHoSo.hoTen"
    assert rows["due_at"]["source"] == "ngayHenTra"
    assert told.declaration["mapping"]["tables"]["status"]["DA_TRA"] == "handed_over"
    assert told.unmatched == ["lePhi"]
    assert "ngayHenTra: the contract does not say the form of this date" in told.undecided


def test_a_draft_guesses_nothing() -> None:
    contract = describe(openapi())
    told = draft(contract, "dsHoSo")
    assert told.declaration["mapping"]["tables"]["status"] == {"DA_TRA": "handed_over"}
    assert "trangThai: which state is 'LA_LAM'" in told.undecided
    assert "no field is known to be agency" in told.undecided
    push = draft(describe(SEVERAL), "nop", is_push=True)
    assert push.declaration["push"]["door"]["operations"][0]["records"] == "hoSo"
    with pytest.raises(KeyError):
        draft(contract, "khongCo")
    assert declared.decode(told.declaration).kind == "rest"
