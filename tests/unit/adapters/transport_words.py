"""Answers of the Department of Transport in its own words, and what becomes of them."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from adapters.transport import client as client_module
from adapters.transport import reader, simulator, transforms
from adapters.wire import Wire
from canonical.mapping.compile import Unmapped, compile_mapping
from canonical.ports import Ask, BadRow, Row, Settings
from canonical.record import Record, Rejected, to_record

FOLDER = Path(simulator.__file__).parent
NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
MAPPING = compile_mapping(
    tomllib.loads((FOLDER / "mapping.toml").read_text("utf-8")), transforms.TRANSFORMS
)
BUILT_IN = json.loads((FOLDER / "simulator.json").read_text("utf-8"))
HOSO = BUILT_IN["hoso"][0]
LISTED = BUILT_IN["danhsach"][0]
CODES = [h["MaDK1"] for h in BUILT_IN["hoso"]]
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"


def envelope(inner, namespace=SOAP_11):
    return f'<e:Envelope xmlns:e="{namespace}"><e:Body>{inner}</e:Body></e:Envelope>'.encode()


def answer(operation, result, namespace=SOAP_11):
    inner = f'<{operation}Response xmlns="http://tempuri.org/">{result}</{operation}Response>'
    return envelope(inner, namespace)


def list_of(*elements, namespace=SOAP_11):
    told = "".join(
        "<HoSoMotCua>" + "".join(f"<{n}>{v}</{n}>" for n, v in e.items()) + "</HoSoMotCua>"
        for e in elements
    )
    result = f"<getHoSoMotCuaResult>{told}</getHoSoMotCuaResult>"
    return answer("getHoSoMotCua", result, namespace)


def state_of(result):
    told = f"<GetTrangThaiHoSoResult>{result}</GetTrangThaiHoSoResult>"
    return answer("GetTrangThaiHoSo", told)


def listing(*items, total=None):
    told = {"total": len(items) if total is None else total, "data": list(items)}
    return json.dumps(told, ensure_ascii=False).encode()


def mapped(row):
    """Record, or (reason, field)."""
    if isinstance(row, BadRow):
        return row.reason, row.field
    shape = MAPPING.shapes[row.shape]
    told = shape.apply(row.values)
    if isinstance(told, Unmapped):
        return told.reason, told.field
    record = to_record(told, 0, now=NOW, version_by=shape.version_by, part=shape.part)
    return (record.reason, record.field) if isinstance(record, Rejected) else record


def records(page):
    return [mapped(row) for row in reader.rows(page.shape, page.raw)]


def refused(found):
    return [item for item in found if not isinstance(item, Record)]


def drift(page):
    rows = [row for row in reader.rows(page.shape, page.raw) if isinstance(row, Row)]
    return {name for row in rows for name in row.values.keys() - MAPPING.shapes[row.shape].known}


def asked(since=None, until=None, codes=(), now=NOW):
    return Ask(since=since, until=until, cursor=None, open_codes=codes, now=now)


async def pages_of(client, ask=None):
    return [page async for page in client.pages(ask or asked())]


def connected(base, **options):
    secrets = {"api_key": options.pop("api_key", "khoa-thu-nghiem")}
    settings = Settings("gtvt", base, {"ma_don_vi": "H50.19", "timeout_s": "5"} | options, secrets)
    return client_module.connect(settings, Wire())
