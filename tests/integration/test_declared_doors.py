"""Doors of declared systems on both stores: the department's own client calls the hub unchanged."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import zeep
from lxml import etree

from adapters import declared
from adapters.simulation import sample_rows
from adapters.wire import Wire
from canonical.ports import System
from sync.verify import verify
from tests.contract.declared.department import FILES, declaration
from tests.trial import Answer, Trial

NAME, DOOR = "so-mau", "/soap/v1/connections/so-mau"
BEHANDLESAK = (
    Path(__file__).parents[3] / "shared/real/contracts/navikt-behandlesak-v2-tjenestespesifikasjon"
)
KINDS = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}


def open_door(hub: Trial, system: System) -> None:
    """A connection of a declared system, and a client that may push to it."""
    known = {
        **{key: hub.context.systems[key] for key in ("canonical",)},
        system.manifest.id: system,
    }
    hub.context.systems = known
    hub.connect(NAME, system=system.manifest.id, settings=["mat_khau=x"] if system.connect else [])
    hub.introduce(NAME, connections=[NAME])


class Theirs:
    """A department's own client, made from nothing but what the door serves."""

    def __init__(self, wsdl: bytes, version: str = "1.1") -> None:
        class Served:
            def load(self, _: str) -> bytes:
                return wsdl

        self.client = zeep.Client("file:///served.wsdl", transport=Served())
        self.version = version

    def message(self, operation: str, **arguments: Any) -> bytes:
        for service in self.client.wsdl.services.values():
            for port in service.ports.values():
                if ("soap12" in type(port.binding).__name__.lower()) == (self.version == "1.2"):
                    bound = self.client.bind(service.name, port.name)
                    return etree.tostring(self.client.create_message(bound, operation, **arguments))
        raise AssertionError("no such port")

    def reply(self, operation: str, raw: bytes) -> Any:
        binding = next(iter(next(iter(self.client.wsdl.services.values())).ports.values())).binding
        return binding.get(operation).process_reply(etree.fromstring(raw))


async def theirs(hub: Trial, version: str = "1.1") -> Theirs:
    served = await hub.call("GET", f"{DOOR}?wsdl")
    assert served.status == 200
    assert b"http://hub.test/soap/v1/connections/so-mau" in served.raw
    assert b"127.0.0.1:9" not in served.raw, "an address that is not ours"
    return Theirs(served.raw, version)


async def call(hub: Trial, raw: bytes, version: str = "1.1") -> Answer:
    return await hub.call("POST", DOOR, content=raw, headers={"Content-Type": KINDS[version]})


def sample() -> System:
    return declared.build(declaration("soap.toml"), FILES, Wire())


def rows(count: int, **over: Any) -> list[dict[str, Any]]:
    told = [{k: v for k, v in row.items() if v is not None} for row in sample_rows.invented()]
    return [{**row, **over} for row in told[:count]]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_their_client_pushes_and_reads_our_answer(hub: Trial, version: str) -> None:
    open_door(hub, sample())
    client, known = await theirs(hub, version), hub.known[NAME]
    shown = {"taiKhoan": known.client_id, "matKhau": known.client_secret}
    said = await call(hub, client.message("guiHoSo", **shown, hoSo=rows(5)), version)
    assert (said.status, said.headers["content-type"]) == (200, KINDS[version])
    if version == "1.1":
        told = client.reply("guiHoSo", said.raw)
        assert (told.ketQua.maLoi, told.soNhan) == (0, 5)
    [dossier] = await hub.find(f"{NAME}:SM-2026-0001")
    read = await hub.read(dossier)
    assert (read["status"], read["agency"], read["applicant"]["phone"]) == (
        "in_progress",
        "H50.05",
        "0912000001",
    )
    again = await call(hub, client.message("guiHoSo", **shown, hoSo=rows(5)), version)
    assert etree.fromstring(again.raw).findtext(".//{*}maLoi") == "0", "told twice is no fault"
    assert len(await hub.feed()) == 5


async def test_a_refused_record_is_named_and_its_neighbours_are_taken(hub: Trial) -> None:
    open_door(hub, sample())
    client, known = await theirs(hub), hub.known[NAME]
    told = [*rows(2), {**rows(3)[2], "ngayTiepNhan": "hôm qua"}]
    said = await call(
        hub,
        client.message("guiHoSo", taiKhoan=known.client_id, matKhau=known.client_secret, hoSo=told),
    )
    answer = client.reply("guiHoSo", said.raw)
    assert (answer.ketQua.maLoi, answer.soNhan) == (5, 2)
    assert answer.ketQua.thongBao == "SM-2026-0003: DATE_INVALID, ngayTiepNhan"
    only = client.message(
        "guiHoSo", taiKhoan=known.client_id, matKhau=known.client_secret, hoSo=told[2:]
    )
    assert client.reply("guiHoSo", (await call(hub, only)).raw).ketQua.maLoi == 9


async def test_a_wrong_password_is_said_in_the_contracts_words(hub: Trial) -> None:
    open_door(hub, sample())
    client = await theirs(hub)
    raw = client.message("guiHoSo", taiKhoan="ai-do", matKhau="khong-dung", hoSo=rows(1))
    told = client.reply("guiHoSo", (await call(hub, raw)).raw)
    assert told.ketQua.maLoi == 9
    assert told.ketQua.thongBao.startswith("UNAUTHENTICATED")
    assert await hub.feed() == []


@pytest.mark.parametrize(
    "raw",
    [
        b"<a/>",
        b"",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x/></e:Body>'
        b"</e:Envelope>",
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        b'<guiHoSo xmlns="urn:somebody-else"/></e:Body></e:Envelope>',
    ],
)
async def test_what_is_no_call_of_this_door_is_a_fault(hub: Trial, raw: bytes) -> None:
    open_door(hub, sample())
    said = await call(hub, raw)
    assert said.status == 500
    assert etree.fromstring(said.raw).findtext(".//detail/reason") in (
        "BODY_MALFORMED",
        "XML_FORBIDDEN",
    )


async def test_records_in_the_departments_words_are_posted_as_json(hub: Trial) -> None:
    open_door(hub, sample())
    said = await hub.call(
        "POST",
        f"/api/v1/connections/{NAME}/records",
        who=NAME,
        content=json.dumps([*rows(3), {**rows(4)[3], "trangThai": "LA"}]).encode(),
    )
    assert [fate[:2] for fate in said.fates] == [("applied", None)] * 3 + [
        ("quarantined", "STATUS_UNKNOWN")
    ]
    one = await hub.call(
        "POST", f"/api/v1/connections/{NAME}/records", who=NAME, content=json.dumps(rows(1)[0])
    )
    assert (one.status, one.fate) == (200, "duplicate")
    report = verify(hub.context)
    assert report.ok, [check for check in report.checks if not check.ok]


BEHANDLESAK_DECLARATION = """
kind = "soap"
id = "behandlesak"
title = "Hệ thống quản lý vụ việc"

[push.door]
contract = "behandlesak/v2/wsdl/BehandleSakV2.wsdl"

[[push.door.operations]]
name = "opprettSak"
records = "opprettSakRequest/sak"
success = { response = { sakId = "{code}" } }

[mapping.shapes.record]
version_by = "observed"

[[mapping.shapes.record.rows]]
target = "code"
source = "fagsystemSakId"
required = true

[[mapping.shapes.record.rows]]
target = "status"
const = "accepted"

[[mapping.shapes.record.rows]]
target = "agency"
source = "fagsystem"
table = "agency"
required = true

[[mapping.shapes.record.rows]]
target = "procedure.code"
source = "saktype"
required = true

[[mapping.shapes.record.rows]]
target = "applicant.kind"
source = "gjelderBrukerListe.aktorType || gjelderBrukerListe[0].aktorType"
table = "kind"

[mapping.tables]
agency = { FS22 = "H50.05" }
kind = { PERSON = "person", ORGANISASJON = "organisation" }
"""


async def test_a_published_contract_becomes_a_door_without_code(hub: Trial) -> None:
    if not BEHANDLESAK.is_dir():
        pytest.skip(f"{BEHANDLESAK} is not there: the published contract lies beside the checkout")
    files = declared.pin(BEHANDLESAK)
    open_door(hub, declared.build(tomllib.loads(BEHANDLESAK_DECLARATION), files, Wire()))
    client, known = await theirs(hub), hub.known[NAME]
    case = {
        "saktype": "GEN",
        "fagomrade": "FOR",
        "fagsystem": "FS22",
        "fagsystemSakId": "2026-000123",
        "gjelderBrukerListe": [{"aktorType": "PERSON", "ident": "01010199999"}],
    }
    raw = client.message("opprettSak", opprettSakRequest={"sak": case})
    headers = {"Content-Type": KINDS["1.1"], "Authorization": _basic(known)}
    said = await hub.call("POST", DOOR, content=raw, headers=headers)
    assert said.status == 200, said.raw
    assert client.reply("opprettSak", said.raw) == "2026-000123"
    [dossier] = await hub.find(f"{NAME}:2026-000123")
    assert (await hub.read(dossier))["applicant"]["kind"] == "person"
    odd = client.message("opprettSak", opprettSakRequest={"sak": {**case, "fagsystem": "XX"}})
    said = await hub.call("POST", DOOR, content=odd, headers=headers)
    assert said.status == 500, "the contract has no field to refuse with: a fault says so"
    assert etree.fromstring(said.raw).findtext(".//detail/reason") == "REF_UNKNOWN"


def _basic(known: Any) -> str:
    import base64

    pair = f"{known.client_id}:{known.client_secret}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
