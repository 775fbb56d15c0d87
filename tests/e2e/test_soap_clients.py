"""SOAP clients of other makes push through the hub's doors, knowing nothing but the WSDL.

node-soap and PHP's SoapClient, each its own process, against a `hub serve` process. Where neither
is installed these tests are skipped with the reason; in CI (LIENTHONG_REQUIRE_SOAP_CLIENT=1, set by
.ci/run) that is a failure.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.commands import clients, connections
from store.clients import Credentials
from sync.context import Context
from tests.e2e.served import Served, serving
from tests.trial import dossier

SCRIPTS = Path(__file__).parent / "soap_clients"
DESK, DONG_HA = "/soap/v1", "/soap/v1/connections/dong-ha"
NUMBERS = count(1)


@cache
def why_missing(make: str) -> str:
    """Why a client of that make cannot be used here; "" where it can."""
    if shutil.which(make) is None:
        return f"{make} is not installed"
    if make == "php":
        asked = [make, "-r", "exit(class_exists('SoapClient') ? 0 : 1);"]
        lacks = subprocess.run(asked, check=False, timeout=30).returncode
        return "php has no SoapClient (package php-soap)" if lacks else ""
    folder = Path(os.environ.get("LIENTHONG_NODE_MODULES") or SCRIPTS / "node_modules")
    if (folder / "soap" / "package.json").is_file():
        return ""
    return f"node-soap is not installed (npm ci in {SCRIPTS.name}, or LIENTHONG_NODE_MODULES)"


def test_in_ci_at_least_one_client_is_here() -> None:
    missing = [reason for make in ("node", "php") if (reason := why_missing(make))]
    if len(missing) < 2:
        return
    if os.environ.get("LIENTHONG_REQUIRE_SOAP_CLIENT") == "1":
        pytest.fail(f"no SOAP client to try the doors with: {'; '.join(missing)}")
    pytest.skip("; ".join(missing))


@dataclass
class Door:
    """The hub, and who may push where."""

    hub: Served
    who: dict[str, Credentials]

    def read(self, code: str) -> dict[str, Any]:
        """The one dossier a code leads to, as the portal reads it."""
        reader = self.who["portal"]
        token = self.hub.token(reader.client_id, reader.client_secret)
        with self.hub.http() as http:
            http.headers["Authorization"] = f"Bearer {token}"
            found = http.get("/api/v1/dossiers", params={"code": code}).raise_for_status().json()
            [item] = found["items"]
            return dict(item)

    def post(self, path: str, raw: bytes, kind: str, who: str = "") -> httpx.Response:
        """Bytes as they are, as no client of good manners would send them."""
        pair = (self.who[who].client_id, self.who[who].client_secret) if who else None
        with self.hub.http() as http:
            return http.post(path, content=raw, headers={"Content-Type": kind}, auth=pair)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    who: dict[str, Credentials] = {}

    def prepare(context: Context) -> None:
        for name, system in (("desk", "canonical"), ("dong-ha", "city_one_stop")):
            connections.make(context, name, system, agency="H50.12", settings=[], tables=[])
            who[name] = clients.make(context, name, ["push"], [name], [])
        who["portal"] = clients.make(context, "portal", ["read"], [], [])

    with serving(tmp_path_factory.mktemp("hub"), prepare) as hub:
        yield Door(hub, who)


@dataclass(frozen=True)
class Make:
    """One client of another make, speaking one SOAP version."""

    name: str
    version: str

    @property
    def words(self) -> list[str]:
        if self.version == "1.1":
            return ["--port", "Dossiers11"] if self.name == "node" else []
        return ["--soap12", *(["--port", "Dossiers12"] if self.name == "node" else [])]


@dataclass
class Said:
    """What a client printed."""

    code: int
    told: dict[str, Any]

    @property
    def records(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = self.told["result"]["record"]
        return records

    @property
    def fates(self) -> list[str]:
        return [record["disposition"] for record in self.records]


Call = Callable[..., Said]


@pytest.fixture
def call(door: Door, tmp_path: Path) -> Call:
    def run(
        make: Make,
        kind: str,
        arguments: Any,
        *,
        who: str = "",
        password: str | None = None,
    ) -> Said:
        script, path = {"node": "push.js", "php": "push.php"}[make.name], DESK
        words = make.words
        if kind == "city":
            path, words = DONG_HA, []
        told = tmp_path / "arguments.json"
        told.write_text(json.dumps(arguments, ensure_ascii=False), "utf-8")
        login = door.who[who or {"canonical": "desk", "city": "dong-ha"}[kind]]
        done = subprocess.run(
            [
                make.name,
                str(SCRIPTS / script),
                f"{door.hub.base}{path}?wsdl",
                kind,
                login.client_id,
                password if password is not None else login.client_secret,
                str(told),
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, 3), done.stderr
        assert login.client_secret not in done.stdout + done.stderr
        return Said(done.returncode, json.loads(done.stdout))

    return run


@pytest.fixture(params=["node-1.1", "node-1.2", "php-1.1", "php-1.2"])
def make(request: pytest.FixtureRequest) -> Make:
    name, _, version = request.param.partition("-")
    return present(Make(name, version))


@pytest.fixture(params=["node", "php"])
def city(request: pytest.FixtureRequest) -> Make:
    """The one-stop app's contract knows SOAP 1.1 alone."""
    return present(Make(request.param, "1.1"))


def present(make: Make) -> Make:
    reason = why_missing(make.name)
    if reason:
        pytest.skip(reason)
    return make


def mine(**over: Any) -> dict[str, Any]:
    """A dossier that nobody pushed before."""
    return dossier(next(NUMBERS), **over)


# ---------------------------------------------------------------------- the canonical door


def test_several_dossiers_in_one_call_each_get_their_fate(
    door: Door, call: Call, make: Make
) -> None:
    first, second = mine(), mine(status="no-such-state")
    third = mine(applicant={"kind": "person", "name": "Lê Thị Đủ Dấu & <Ơ Ư>"})
    said = call(make, "canonical", {"dossier": [first, second, third]})
    assert said.code == 0
    assert said.fates == ["applied", "quarantined", "applied"]
    assert [r["code"] for r in said.records] == [x["code"] for x in (first, second, third)]
    assert [r["position"] for r in said.records] == [0, 1, 2]
    assert (said.records[1]["reason"], said.records[1]["field"]) == ("STATUS_UNKNOWN", "status")
    counts = said.told["result"]["counts"]
    assert counts == {
        "applied": 2, "superseded": 0, "duplicate": 0, "quarantined": 1, "pending": 0,
    }  # fmt: skip
    found = door.read(f"desk:{third['code']}")
    assert found["id"] == said.records[2]["dossier"]
    assert found["applicant"]["name"] == "Lê Thị Đủ Dấu & <Ơ Ư>"
    again = call(make, "canonical", {"dossier": [first, third]})
    assert again.fates == ["duplicate", "duplicate"]
    assert again.told["result"]["receipt"] != said.told["result"]["receipt"]


def test_every_part_of_a_dossier_arrives_as_it_was_said(door: Door, call: Call, make: Make) -> None:
    record = mine(
        receipt_number=f"BN-{next(NUMBERS)}",
        pin="00482139",
        procedure={"code": "1.001612", "name": "Đăng ký thành lập hộ kinh doanh"},
        service_level=3,
        history=[
            {
                "status": "accepted",
                "at": "2026-03-02T09:00:00+07:00",
                "officer": "Trần Thị Thử",
                "unit": "Bộ phận TN&TKQ",
                "note": None,
            },
            {"status": "in_progress", "at": "2026-03-02T10:00:00+07:00", "unit": "Phòng KT"},
        ],
        fees=[
            {"amount": 100000, "name": "Lệ phí"},
            {"amount": 0, "paid_at": "2026-03-02T10:00:00"},
        ],
        links=[{"namespace": "one_stop", "code": "MC 881/ĐH"}],
    )
    assert call(make, "canonical", {"dossier": [record]}).fates == ["applied"]
    found = door.read(record["receipt_number"])
    assert found["procedure"]["name"] == "Đăng ký thành lập hộ kinh doanh"
    assert found["service_level"] == 3
    assert found["fees"] == [
        {"amount": 100000, "name": "Lệ phí", "paid_at": None},
        {"amount": 0, "name": None, "paid_at": "2026-03-02T10:00:00+07:00"},
    ]
    assert "pin" not in found
    with door.hub.http() as http:
        asked = {"code": record["national_code"], "pin": "00482139"}
        looked_up = http.post("/api/v1/lookup", json=asked).raise_for_status().json()
    texts = [line["text"] for line in looked_up["timeline"]]
    assert any("Bộ phận TN&TKQ" in text for text in texts), texts


def test_nil_says_none_and_a_child_left_out_says_nothing(
    door: Door, call: Call, make: Make
) -> None:
    record = mine(fees=[{"amount": 5}], submitted_at="2026-03-01T09:00:00+07:00")
    assert call(make, "canonical", {"dossier": [record]}).fates == ["applied"]
    newer = {
        "code": record["code"],
        "version": 2,
        "updated_at": "2026-03-03T09:00:00+07:00",
        "procedure": {"code": "1.001612", "name": None},
        "agency": "H50.12",
        "due_at": None,
        "fees": None,
        "status": "in_progress",
        "national_code": None,
    }
    assert call(make, "canonical", {"dossier": [newer]}).fates == ["applied"]
    found = door.read(f"desk:{record['code']}")
    gone = (found["due_at"], found["fees"], found["national_code"], found["procedure"]["name"])
    assert gone == (None, [], None, None)
    assert found["submitted_at"] == "2026-03-01T09:00:00+07:00"
    assert found["applicant"]["name"] == record["applicant"]["name"]


@pytest.mark.parametrize(
    ("who", "password", "reason", "status"),
    [
        ("desk", "not-the-secret", "UNAUTHENTICATED", 401),
        ("portal", None, "FORBIDDEN", None),  # may read, and may not push
        ("dong-ha", None, "FORBIDDEN", None),  # its connection speaks another contract
    ],
)
def test_whoever_may_not_push_gets_a_fault_that_says_why(
    call: Call, make: Make, who: str, password: str | None, reason: str, status: int | None
) -> None:
    record = mine()
    said = call(make, "canonical", {"dossier": [record]}, who=who, password=password)
    assert said.code == 3
    fault = said.told["fault"]
    assert fault["detail"]["problem"]["reason"] == reason
    assert fault["detail"]["problem"]["correlationId"]
    assert fault["code"].endswith({"1.1": "Client", "1.2": "Sender"}[make.version])
    assert said.told["status"] == (status or {"1.1": 500, "1.2": 400}[make.version])
    assert record["applicant"]["name"] not in json.dumps(said.told, ensure_ascii=False)


# ---------------------------------------------------------------------- the city's own contract


def counter(**over: Any) -> dict[str, Any]:
    """A dossier as the one-stop app tells it; an invented person."""
    return {
        "gioiTinh": 1,
        "hoTenNguoiNop": "Nguyễn Văn Mẫu",
        "maDonViTiepNhan": "DH",
        "maLoaiHoSo": "KD01",
        "maSoHoSo": f"DH-2016-{next(NUMBERS):06d}",
        "moTaDiaChiThuongTru": "12 Lê Lợi, Phường 5, Đông Hà",
        "ngayHenTra": "08/03/2016 17:00:00",
        "ngayNopHoSo": "01/03/2016 09:00:00",
        **over,
    }


def arg0(*rows: Any) -> dict[str, Any]:
    return {"arg0": {"password": None, "userName": None, "ossDocumentSoapList": list(rows)}}


def test_the_city_app_pushes_in_its_own_words(door: Door, call: Call, city: Make) -> None:
    first = counter(soCmnd=None)
    second = counter(hoTenNguoiNop="Lê Thị Thí & Dụ", ngayHenTra=None)
    said = call(city, "city", arg0(first, second))
    assert said.code == 0
    # Absent errCode is success (contract).
    assert not said.told["result"]["return"]
    found = door.read(f"dong-ha:{first['maSoHoSo']}")
    assert found["applicant"]["name"] == "Nguyễn Văn Mẫu"
    assert found["applicant"]["address"] == "12 Lê Lợi, Phường 5, Đông Hà"
    assert found["accepted_at"] == "2016-03-01T09:00:00+07:00"
    assert found["due_at"] == "2016-03-08T17:00:00+07:00"
    assert found["status"] == "accepted"
    other = door.read(f"dong-ha:{second['maSoHoSo']}")
    assert other["applicant"]["name"] == "Lê Thị Thí & Dụ"
    assert other["due_at"] is None
    # A call repeated is success again, and the dossier is there once.
    assert not call(city, "city", arg0(first, second)).told["result"]["return"]
    assert door.read(f"dong-ha:{first['maSoHoSo']}")["id"] == found["id"]


def test_one_bad_row_of_the_city_costs_no_other(door: Door, call: Call, city: Make) -> None:
    good, bad = counter(), counter(ngayNopHoSo="31/02/2016 09:00:00")
    answer = call(city, "city", arg0(bad, good)).told["result"]["return"]
    assert answer["errCode"] == "99"
    assert answer["errMsg"].startswith("ERR_5: Ngày nộp")
    assert bad["maSoHoSo"] in answer["errMsg"]
    assert good["maSoHoSo"] not in answer["errMsg"]
    assert door.read(f"dong-ha:{good['maSoHoSo']}")["status"] == "accepted"


def test_wrong_credentials_in_the_body_are_err_code_3(call: Call, city: Make) -> None:
    answer = call(city, "city", arg0(counter()), password="not-it").told["result"]["return"]
    assert answer["errCode"] == "3"
    assert "UNAUTHENTICATED" in answer["errMsg"]
    other = call(city, "city", arg0(counter()), who="desk").told["result"]["return"]
    assert other["errCode"] == "3", "a client of another connection pushed through this door"


def test_an_empty_list_is_err_code_2(call: Call, city: Make) -> None:
    assert call(city, "city", arg0()).told["result"]["return"]["errCode"] == "2"


# ---------------------------------------------------------------------- no client at all


@pytest.mark.parametrize("kind", ["text/xml", "application/soap+xml"])
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "BODY_MALFORMED"),
        (b"chao ban", "BODY_MALFORMED"),
        (b"<html><body>502</body></html>", "CTYPE_UNEXPECTED"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "XML_FORBIDDEN"),
        (b"<a><b></a>", "BODY_MALFORMED"),
        (b"<Envelope><Body><PushDossiers/></Body></Envelope>", "BODY_MALFORMED"),
    ],
)
def test_garbage_at_either_door_is_a_fault(door: Door, kind: str, raw: bytes, reason: str) -> None:
    for path, who in ((DESK, "desk"), (DONG_HA, "dong-ha")):
        answer = door.post(path, raw, kind, who)
        assert answer.status_code in (400, 500)
        assert "Fault" in answer.text
        assert f"<reason>{reason}</reason>" in answer.text, (path, answer.text)
