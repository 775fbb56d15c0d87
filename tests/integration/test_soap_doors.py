"""The SOAP doors in process, on both stores: who may, what comes back, what is refused whole."""

import base64
from typing import Any

import msgspec
import pytest
from lxml import etree

from adapters.city_one_stop import simulator
from canonical.errors import StoreUnavailable
from canonical.reading.soap import NAMESPACE, SOAP_11, SOAP_12
from canonical.reasons import Reason
from tests.trial import Answer, Trial, dossier

DOOR, CITY = "/soap/v1", "/soap/v1/connections/dong-ha"
ENVELOPES = {"1.1": SOAP_11, "1.2": SOAP_12}
MEDIA = {"1.1": "text/xml", "1.2": "application/soap+xml"}
versions = pytest.mark.parametrize("version", sorted(ENVELOPES))


def push(*records: dict[str, Any], version: str = "1.1") -> bytes:
    namespace = ENVELOPES[version]
    root = etree.Element(f"{{{namespace}}}Envelope", nsmap={"e": namespace})
    body = etree.SubElement(root, f"{{{namespace}}}Body")
    call = etree.SubElement(body, f"{{{NAMESPACE}}}PushDossiers")
    for record in records:
        _fill(etree.SubElement(call, "dossier"), record)
    return etree.tostring(root)


def _fill(parent: Any, told: dict[str, Any]) -> None:
    for name, value in told.items():
        for one in value if isinstance(value, list) else [value]:
            child = etree.SubElement(parent, name)
            if isinstance(one, dict):
                _fill(child, one)
            elif one is None:
                child.set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true")
            else:
                child.text = str(one)


async def post(
    hub: Trial, path: str, raw: bytes, *, who: str = "", kind: str = "text/xml", **headers: str
) -> Answer:
    if who:
        pair = f"{hub.known[who].client_id}:{hub.known[who].client_secret}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return await hub.call("POST", path, content=raw, headers={"Content-Type": kind, **headers})


def reason_of(answer: Answer) -> str | None:
    root = etree.fromstring(answer.raw)
    assert etree.QName(root[0][0]).localname == "Fault", answer.raw
    return str(root.findtext(".//{*}reason"))


@versions
async def test_a_push_is_answered_in_its_own_version(hub: Trial, version: str) -> None:
    hub.introduce("desk")
    raw = push(dossier(1), dossier(2, status="?"), version=version)
    said = await post(hub, DOOR, raw, who="desk", kind=MEDIA[version])
    assert said.status == 200
    assert said.headers["content-type"] == f"{MEDIA[version]}; charset=utf-8"
    root = etree.fromstring(said.raw)
    assert root.tag == f"{{{ENVELOPES[version]}}}Envelope"
    answer = root[0][0]
    assert answer.tag == f"{{{NAMESPACE}}}PushDossiersResponse"
    fates = [r.findtext("disposition") for r in answer.findall("record")]
    assert fates == ["applied", "quarantined"]
    assert answer.findtext("record/dossier") == (await hub.find("desk:A-00001"))[0]
    receipt = answer.findtext("receipt")
    kept = await hub.get(f"/api/v1/receipts/{receipt}", who="desk")
    assert kept["size_bytes"] == len(raw)
    assert [r["disposition"] for r in kept["records"]] == fates


async def test_a_bearer_token_opens_the_door_as_well(hub: Trial) -> None:
    said = await hub.call(
        "POST", DOOR, who="desk", content=push(dossier(1)), headers={"Content-Type": "text/xml"}
    )
    assert said.status == 200


async def test_the_same_words_by_soap_and_by_json_are_one_statement(hub: Trial) -> None:
    hub.introduce("desk")
    record = dossier(1, fees=[{"amount": 5, "name": "Lệ phí"}], due_at=None)
    assert (await post(hub, DOOR, push(record), who="desk")).status == 200
    assert (await hub.push(record)).fate == "duplicate"


@versions
@pytest.mark.parametrize(
    ("pair", "status"),
    [("", 401), ("Basic ?", 401), ("Basic bm9jb2xvbg==", 401), ("Bearer x.y.z", 401)],
)
async def test_without_good_credentials_there_is_a_fault_and_no_record(
    hub: Trial, version: str, pair: str, status: int
) -> None:
    hub.introduce("desk")
    raw = push(dossier(1), version=version)
    said = await post(hub, DOOR, raw, kind=MEDIA[version], Authorization=pair)
    assert said.status == status
    assert said.headers["www-authenticate"].startswith("Basic ")
    assert reason_of(said) == "UNAUTHENTICATED"
    assert await hub.find("desk:A-00001") == []


@versions
async def test_the_language_of_a_fault_is_the_callers(hub: Trial, version: str) -> None:
    raw = push(version=version)
    said = await post(hub, DOOR, raw, kind=MEDIA[version], **{"Accept-Language": "en"})
    assert b"xml:lang" not in said.raw or b'xml:lang="en"' in said.raw
    viet = await post(hub, DOOR, raw, kind=MEDIA[version])
    assert "Chưa xác thực" in viet.raw.decode()
    assert "Chưa xác thực" not in said.raw.decode()


@versions
async def test_a_body_too_large_is_a_fault_at_both_doors(hub: Trial, version: str) -> None:
    hub.introduce("desk")
    hub.connect("dong-ha", system="city_one_stop")
    hub.context.limits = msgspec.structs.replace(hub.context.limits, body_bytes=200)
    raw = push(dossier(1), version=version)
    for path in (DOOR, CITY):
        said = await post(hub, path, raw, who="desk", kind=MEDIA[version])
        assert said.status in (400, 500)
        assert reason_of(said) == "BODY_TOO_LARGE"


@versions
async def test_a_store_that_fails_is_the_hubs_fault_and_not_the_senders(
    hub: Trial, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.introduce("desk")

    def fail(*_: Any) -> None:
        raise StoreUnavailable(Reason.STORE_UNAVAILABLE)

    monkeypatch.setattr(hub.context.store, "in_write", fail)
    raw = push(dossier(1), version=version)
    said = await post(hub, DOOR, raw, who="desk", kind=MEDIA[version])
    assert said.status == 500
    assert reason_of(said) == "STORE_UNAVAILABLE"
    assert {"1.1": b"soap:Server", "1.2": b"soap:Receiver"}[version] in said.raw


async def test_a_number_that_is_none_is_refused_and_not_a_crash(hub: Trial) -> None:
    hub.introduce("desk")
    said = await post(hub, DOOR, push(dossier(1, version="--1")), who="desk")
    assert said.status == 200
    root = etree.fromstring(said.raw)
    assert root.findtext(".//record/reason") == "FIELD_TYPE"
    assert root.findtext(".//record/field") == "version"


async def test_the_wsdl_of_each_door_names_its_own_address(hub: Trial) -> None:
    hub.connect("dong-ha", system="city_one_stop")
    hub.connect("desk")
    for path in (DOOR, CITY):
        said = await hub.call("GET", f"{path}?wsdl")
        assert said.status == 200
        places = {e.get("location") for e in etree.fromstring(said.raw).iter("{*}address")}
        assert places == {f"http://hub.test{path}"}
    for nobody in ("desk", "no-such"):
        assert (await hub.call("GET", f"/soap/v1/connections/{nobody}?wsdl")).status == 404


ROW = {
    "maSoHoSo": "DH-2016-000117",
    "maLoaiHoSo": "KD01",
    "maDonViTiepNhan": "DH",
    "gioiTinh": 1,
    "hoTenNguoiNop": "Nguyễn Văn Mẫu",
    "ngayNopHoSo": "01/03/2016 09:00:00",
}


def city(who: tuple[str, str], **over: Any) -> bytes:
    return simulator.request_xml("pushDocument", [ROW | over], *who)


def said_by(answer: Answer) -> tuple[str | None, str | None]:
    root = etree.fromstring(answer.raw)
    return root.findtext(".//errCode"), root.findtext(".//errMsg")


async def test_the_citys_credentials_stand_in_its_body(hub: Trial) -> None:
    hub.connect("dong-ha", system="city_one_stop")
    made = hub.introduce("dong-ha")
    pair = (made.client_id, made.client_secret)
    assert said_by(await post(hub, CITY, city(pair))) == (None, None)
    assert len(await hub.find("dong-ha:DH-2016-000117")) == 1
    code, told = said_by(await post(hub, CITY, city((made.client_id, "wrong"))))
    assert code == "3"
    assert told is not None
    assert told.startswith("UNAUTHENTICATED: Chưa xác thực")
    other = hub.introduce("desk")
    code, told = said_by(await post(hub, CITY, city((other.client_id, other.client_secret))))
    assert code == "3"
    assert told is not None
    assert told.startswith("FORBIDDEN: ")


async def test_an_agency_of_somebody_else_is_refused_in_the_citys_words(hub: Trial) -> None:
    hub.connect("dong-ha", system="city_one_stop")
    made = hub.introduce("dong-ha", agencies=["H50.14"])
    code, told = said_by(await post(hub, CITY, city((made.client_id, made.client_secret))))
    assert code == "99"
    assert told is not None
    assert told.startswith("ERR_4: ")
    assert await hub.find("dong-ha:DH-2016-000117") == []


async def test_a_paused_connection_has_no_door(hub: Trial) -> None:
    from store import connections

    hub.connect("dong-ha", system="city_one_stop")
    made = hub.introduce("dong-ha")
    hub.store.in_write(lambda tx: connections.set_state(tx, "dong-ha", "paused"))
    said = await post(hub, CITY, city((made.client_id, made.client_secret)))
    assert said.status == 404
