"""The door's WSDL and faults, read by zeep: strict, and from the door's own bytes alone."""

from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from zeep import Client, Settings
from zeep.exceptions import Fault
from zeep.transports import Transport

from canonical.reading import soap
from canonical.reasons import Reason, sentence
from gateway.soap import wsdl
from gateway.soap.envelope import DETAIL_NAMESPACE, MEDIA, envelope, fault

ADDRESS = "http://127.0.0.1:9/soap/v1?a=1&b=<2>"
PORTS = {"1.1": "Dossiers11", "1.2": "Dossiers12"}
versions = pytest.mark.parametrize("version", sorted(PORTS))


class NoWire(Transport):
    """zeep without a network: what is posted is kept, what comes back is given."""

    def __init__(self, answer: bytes = b"", version: str = "1.1") -> None:
        super().__init__()
        self.answer, self.version = answer, version
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Any:
        self.sent.append((address, message, headers))

        class Response:
            status_code = 200
            content = self.answer
            text = self.answer.decode()
            encoding = "utf-8"
            headers = {"Content-Type": MEDIA[self.version]}
            cookies: Any = None

        return Response()

    def load(self, url: str) -> bytes:
        return Path(url).read_bytes()


@pytest.fixture
def contract(tmp_path: Path) -> str:
    file = tmp_path / "canonical.wsdl"
    file.write_bytes(wsdl.build(ADDRESS))
    return str(file)


def client(contract: str, version: str, answer: bytes = b"") -> tuple[Any, NoWire]:
    wire = NoWire(answer, version)
    settings = Settings(strict=True, forbid_dtd=True, forbid_external=True)
    made = Client(contract, port_name=PORTS[version], transport=wire, settings=settings)
    return made.service, wire


RECORD = {
    "code": "A-1",
    "version": 1,
    "procedure": {"code": "1.001612", "name": "Đăng ký"},
    "history": [{"status": "accepted", "at": "2026-03-02T09:00:00"}],
    "fees": [{"amount": 5}, {"amount": 6}],
    "status": "accepted",
}


def answered(version: str) -> bytes:
    made = etree.fromstring(
        f'<d:PushDossiersResponse xmlns:d="{soap.NAMESPACE}"><receipt>r</receipt><counts>'
        "<applied>1</applied><superseded>0</superseded><duplicate>0</duplicate>"
        "<quarantined>0</quarantined><pending>0</pending></counts><record><position>0</position>"
        "<code>A-1</code><disposition>applied</disposition><dossier>id</dossier></record>"
        "</d:PushDossiersResponse>"
    )
    return envelope(version, made)


@versions
def test_the_contract_gives_zeep_what_the_door_reads(contract: str, version: str) -> None:
    service, wire = client(contract, version, answered(version))
    told = service.PushDossiers(dossier=[RECORD, {"code": "B"}])
    [(address, message, headers)] = wire.sent
    assert address == ADDRESS
    assert soap.version_of(etree.fromstring(message)) == version
    said = soap.dossiers(message)
    assert [r["code"] for r in said] == ["A-1", "B"]
    told_of_it = {name: value for name, value in said[0].items() if value is not None}
    assert told_of_it == RECORD
    assert "PushDossiers" in str(headers)
    assert told.receipt == "r"
    assert (told.record[0].position, told.record[0].disposition) == (0, "applied")
    assert told.counts.applied == 1


def test_both_ports_lead_to_the_same_address(contract: str) -> None:
    made = Client(contract, transport=NoWire(), settings=Settings(strict=True))
    [service] = made.wsdl.services.values()
    assert sorted(service.ports) == sorted(PORTS.values())
    assert {p.binding_options["address"] for p in service.ports.values()} == {ADDRESS}


@versions
@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("is_senders", [True, False])
def test_a_fault_says_why_in_its_detail(
    contract: str, version: str, language: str, is_senders: bool
) -> None:
    raw = fault(
        version,
        Reason.AGENCY_FORBIDDEN,
        is_senders=is_senders,
        correlation_id="c-1",
        language=language,
    )
    service, _ = client(contract, version, raw)
    with pytest.raises(Fault) as failure:
        service.PushDossiers(dossier=[RECORD])
    assert failure.value.message == sentence(Reason.AGENCY_FORBIDDEN, language)
    sides = {"1.1": ("Client", "Server"), "1.2": ("Sender", "Receiver")}[version]
    assert failure.value.code == f"soap:{sides[0 if is_senders else 1]}"
    problem = failure.value.detail.find(f"{{{DETAIL_NAMESPACE}}}problem")
    assert problem.findtext("reason") == "AGENCY_FORBIDDEN"
    assert problem.findtext("correlationId") == "c-1"
