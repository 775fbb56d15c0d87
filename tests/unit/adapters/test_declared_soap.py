"""What a declared SOAP department is asked with, and whom its door believes."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters import declared
from adapters.simulation.serving import running
from adapters.wire import Wire
from canonical.errors import HubError, NotAllowed, Refused
from canonical.ports import Ask, Fate, Settings
from canonical.reading.soap import SOAP_11, SOAP_12
from canonical.reasons import Reason
from tests.contract.declared.department import FILES, declaration
from tests.contract.reading import NOW

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
EMPTY = "<ketQua><maLoi>2</maLoi></ketQua>"


def answer(operation: str, inner: str, space: str = SOAP_11) -> bytes:
    return (
        f'<e:Envelope xmlns:e="{space}"><e:Body><{operation}Response xmlns="urn:so-mau:ho-so">'
        f"{inner}</{operation}Response></e:Body></e:Envelope>"
    ).encode()


class Service:
    """Remembers every call; answers the next of its answers, the last one for ever."""

    def __init__(self, *answers: bytes | int) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[Request, Any]] = []

    async def take(self, request: Request) -> Response:
        self.calls.append((request, etree.fromstring(await request.body())))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, int):
            return Response("", found)
        return Response(found, media_type="text/xml")


@asynccontextmanager
async def service(*answers: bytes | int) -> AsyncIterator[tuple[Service, str]]:
    found = Service(*answers)
    async with running(Starlette(routes=[Route("/ws", found.take, methods=["POST"])])) as base:
        yield found, f"{base}/ws"


def soap(**over: Any) -> dict[str, Any]:
    return {**copy.deepcopy(declaration("soap.toml")), **over}


async def run(endpoint: str, told: dict[str, Any]) -> HubError | int:
    """How many rows came, or why none did."""
    system = declared.build(told, FILES, Wire())
    assert system.connect is not None
    secrets = dict.fromkeys(system.manifest.secrets, "bi-mat")
    client = system.connect(Settings("thu", endpoint, {"taiKhoan": "an"}, secrets))
    ask = Ask(since=None, until=None, cursor=None, open_codes=(), now=NOW)
    try:
        return sum([page.count async for page in client.pages(ask)])
    except HubError as error:
        return error
    finally:
        await client.close()


@pytest.mark.parametrize(("version", "space"), [("1.1", SOAP_11), ("1.2", SOAP_12)])
async def test_the_contract_says_how_a_call_looks(version: str, space: str) -> None:
    told = soap(soap={"contract": "soap_sample.wsdl", "version": version})
    async with service(answer("layDanhSach", EMPTY, space)) as (there, endpoint):
        assert await run(endpoint, told) == 0
        [(request, sent)] = there.calls
    assert sent.tag == f"{{{space}}}Envelope"
    assert [(etree.QName(e).localname, e.text) for e in sent[-1][0]] == [
        ("taiKhoan", "an"),
        ("matKhau", "bi-mat"),
        ("soDong", "7"),
    ]
    action = "urn:so-mau:ho-so/layDanhSach"
    assert action in request.headers.get("soapaction", request.headers["content-type"])


@pytest.mark.parametrize("digest", [False, True])
async def test_a_username_token_is_shown_in_the_header(digest: bool) -> None:
    shown = {"wsse_user": "{option.taiKhoan}", "wsse_secret": "mat_khau", "wsse_digest": digest}
    told = soap(soap={"contract": "soap_sample.wsdl", **shown})
    async with service(answer("layDanhSach", EMPTY)) as (there, endpoint):
        assert await run(endpoint, told) == 0
        [(_, sent)] = there.calls
    token = next(sent.iter(f"{{{WSSE}}}UsernameToken"))
    assert token.findtext(f"{{{WSSE}}}Username") == "an"
    assert (token.findtext(f"{{{WSSE}}}Password") == "bi-mat") is not digest


async def test_http_credentials_and_headers_go_along() -> None:
    told = soap(auth={"kind": "bearer", "secret": "mat_khau"}, headers={"X-Nguon": "truc"})
    async with service(answer("layDanhSach", EMPTY)) as (there, endpoint):
        assert await run(endpoint, told) == 0
        [(request, _)] = there.calls
    assert request.headers["authorization"] == "Bearer bi-mat"
    assert request.headers["x-nguon"] == "truc"


def with_session() -> dict[str, Any]:
    """A log-in by an operation: the sample's xacNhan stands in, its message is the token."""
    told = soap()
    del told["push"], told["pull"]["acknowledge"]
    told["login"] = {
        "token": "ketQua/thongBao",
        "format": "xml",
        "expired_faults": ["PhienHetHan"],
        "request": {
            "operation": "xacNhan",
            "arguments": {"taiKhoan": "an", "matKhau": "{secret.mat_khau}", "maHoSo": "-"},
        },
    }
    told["pull"]["request"]["arguments"]["matKhau"] = "{session}"
    told["pull"]["paging"] = {"kind": "none"}
    return told


LOGIN = answer("xacNhan", "<ketQua><maLoi>0</maLoi><thongBao>phien-1</thongBao></ketQua>")
ENDED = (
    f'<e:Envelope xmlns:e="{SOAP_11}"><e:Body><e:Fault><faultcode>e:Client.PhienHetHan</faultcode>'
    "<faultstring>x</faultstring></e:Fault></e:Body></e:Envelope>"
).encode()


@pytest.mark.parametrize("ended", [ENDED, 401])
async def test_a_session_that_ended_is_renewed_once(ended: bytes | int) -> None:
    async with service(LOGIN, answer("layDanhSach", EMPTY)) as (there, endpoint):
        assert await run(endpoint, with_session()) == 0
        assert there.calls[1][1].findtext(".//{*}matKhau") == "phien-1"
    async with service(LOGIN, ended) as (there, endpoint):
        found = await run(endpoint, with_session())
        assert isinstance(found, NotAllowed)
        assert found.reason is Reason.AUTH_DENIED
        assert len(there.calls) == 2, "a session that is new and not taken is not asked for again"


async def test_a_fault_is_a_refusal() -> None:
    async with service(ENDED) as (_, endpoint):
        found = await run(endpoint, soap())
    assert isinstance(found, Refused)
    assert found.reason is Reason.SOAP_FAULT


# --- the door ---------------------------------------------------------------------------------


def call(header: str = "", space: str = SOAP_11, inner: str = "<hoSo/>") -> bytes:
    return (
        f'<e:Envelope xmlns:e="{space}" xmlns:w="{WSSE}">{header}<e:Body>'
        f'<guiHoSo xmlns="urn:so-mau:ho-so"><taiKhoan>an</taiKhoan><matKhau>x</matKhau>{inner}'
        "</guiHoSo></e:Body></e:Envelope>"
    ).encode()


def token(kind: str = "") -> str:
    return (
        "<e:Header><w:Security><w:UsernameToken><w:Username>so</w:Username>"
        f"<w:Password{kind}>mat-khau</w:Password></w:UsernameToken></w:Security></e:Header>"
    )


@pytest.mark.parametrize(
    ("credentials", "header", "shown"),
    [
        ("basic", "", (None, None)),
        ("body", "", ("an", "x")),
        ("wsse", "", (None, None)),
        ("wsse", token(), ("so", "mat-khau")),
        ("wsse", token(' Type="x#PasswordDigest"'), ("so", None)),
    ],
)
def test_a_door_takes_credentials_where_it_is_declared(
    credentials: str, header: str, shown: tuple[str | None, str | None]
) -> None:
    told = soap()
    told["push"]["door"]["credentials"] = credentials
    door = declared.build(told, FILES, Wire()).door
    assert door is not None
    for space in (SOAP_11, SOAP_12):
        found = door.call(call(header, space), "text/xml", "")
        assert (found.operation, found.user, found.password) == ("guiHoSo", *shown)


def test_an_answer_is_of_the_calls_own_version() -> None:
    door = declared.build(soap(), FILES, Wire()).door
    assert door is not None
    fates = [Fate(0, "A", "applied"), Fate(1, "B\x00", "quarantined", Reason.DATE_INVALID, "ngay")]
    for space, kind in ((SOAP_11, "text/xml"), (SOAP_12, "application/soap+xml")):
        found = door.call(call(space=space), "", "")
        for said in (
            door.answer(found, fates),
            door.refusal(found, Reason.FORBIDDEN, ""),
            door.refusal(None, Reason.BODY_MALFORMED, "") if space == SOAP_11 else None,
        ):
            if said is not None:
                assert said.content_type == f"{kind}; charset=utf-8"
                assert etree.fromstring(said.body).tag == f"{{{space}}}Envelope"
    told = etree.fromstring(door.answer(door.call(call(), "", ""), fates).body)
    assert [(etree.QName(e).localname, e.text) for e in told.iter() if not len(e)] == [
        ("maLoi", "5"),
        ("thongBao", "B: DATE_INVALID, ngay"),
        ("soNhan", "1"),
    ]
    assert told.find(".//{urn:so-mau:ho-so}maLoi") is not None
