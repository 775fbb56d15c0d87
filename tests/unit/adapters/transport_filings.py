"""A licence dossier as the hub shows it, and what the Department may answer when it is filed."""

from typing import Any
from xml.etree.ElementTree import fromstring

from adapters.transport.filer import Filer, connect
from adapters.wire import Wire
from canonical.ports import Settings
from tests.filed import FORM
from tests.unit.adapters.transport_words import answer, envelope

BODY: dict[str, Any] = {
    "national_code": "H50.12-260302-0001",
    "receipt_number": None,
    "procedure": {"code": "1.002835", "name": None},
    "received_at_agency": "H50.12",
    "applicant": {
        "name": "Nguyễn Văn Thử",
        "id_number": "045000000001",
        "address": "Phường 1, Đông Hà",
    },
    "accepted_at": "2026-03-02T23:30:00+07:00",
    "due_at": "2026-03-10T17:00:00+07:00",
    "form": FORM,
}
NUMBER = "LTABCDEFGH234567ZZ"


def filer(endpoint: str = "http://127.0.0.1:9", wire: Wire | None = None, **options: str) -> Filer:
    settings = Settings("gtvt", endpoint, {"timeout_s": "60", **options}, {})
    made = connect(settings, wire or Wire())
    assert isinstance(made, Filer)
    return made


def told(rendered: bytes) -> dict[str, str]:
    """The elements of a rendered filing."""
    root = fromstring(rendered)
    found = next(e for e in root.iter() if e.tag.endswith("dongBoQuyTrinh"))
    return {e.tag.partition("}")[2]: e.text or "" for e in found}


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/xml", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers]).encode() + b"\r\n\r\n" + body


def taken(code: str) -> bytes:
    return answer("TaoMoiHoSo", f"<TaoMoiHoSoResult>{code}</TaoMoiHoSoResult>")


def fault(code: str) -> bytes:
    ns = "http://schemas.xmlsoap.org/soap/envelope/"
    return envelope(f'<s:Fault xmlns:s="{ns}"><faultcode>{code}</faultcode></s:Fault>')
