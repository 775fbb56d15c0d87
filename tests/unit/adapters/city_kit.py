"""What the tests of city_one_stop share: its mapping, plain rows, real clients' requests."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

from adapters.city_one_stop import client as client_module
from adapters.city_one_stop import reader, simulator
from adapters.wire import Wire
from canonical import clock
from canonical.mapping.compile import Unmapped, compile_mapping
from canonical.ports import Ask, BadRow, Settings
from canonical.record import Rejected, to_record
from tests.patience import patience

FOLDER = Path(simulator.__file__).parent
NOW = datetime(2016, 7, 4, tzinfo=UTC)
MAPPING = compile_mapping(tomllib.loads((FOLDER / "mapping.toml").read_text("utf-8")))
NS = "http://hoso.provider.exch.sharedservice.dtt.vn/"

PUSHED = {
    "gioiTinh": 1,
    "hoTenNguoiNop": "Nguyễn Văn Mẫu",
    "maDonViTiepNhan": "DH",
    "maLoaiHoSo": "KD01",
    "maSoHoSo": "DH-2016-000117",
    "ngayNopHoSo": "01/03/2016 09:00:00",
}
STEP = {
    "maSoHoSo": "DH-2016-000117",
    "ngayGioLuanChuyen": "02/03/2016 08:15:00",
    "onlineId": 0,
    "trangThaiHienTai": 19,
    "trangThaiKeTiep": 15,
}
RESULT = {"maSoHoSo": "DH-2016-000117", "ngayHoanThanh": "07/03/2016 16:00:00"}


def call(operation, *rows):
    return simulator.request_xml(operation, rows, "mot_cua", "bi & mat")


def records(shape, raw):
    """What reading, mapping and checking give, in the form of the samples."""
    told = []
    for place, row in enumerate(reader.rows(shape, raw)):
        if isinstance(row, BadRow):
            told.append({"rejected": row.reason.value, "field": row.field})
            continue
        found = MAPPING.shapes[row.shape]
        assert set(row.values) <= found.known, row.shape
        said = found.apply(row.values)
        if not isinstance(said, Unmapped):
            said = to_record(said, place, now=NOW, version_by=found.version_by, part=found.part)
        if isinstance(said, (Unmapped, Rejected)):
            told.append({"rejected": said.reason.value, "field": said.field})
            continue
        told.append(
            {
                "code": said.code,
                "part": said.part,
                "facet": said.facet.value,
                "updated_at": said.updated_at and clock.to_iso(said.updated_at),
                "version": said.version,
                "says": said.says,
            }
        )
    return told


ROW = (
    "<gioiTinh>1</gioiTinh><hoTenNguoiNop>Nguyễn Văn Mẫu</hoTenNguoiNop>"
    "<maDonViTiepNhan>DH</maDonViTiepNhan><maLoaiHoSo>KD01</maLoaiHoSo>"
    "<maSoHoSo>DH-2016-000117</maSoHoSo><ngayNopHoSo>01/03/2016 09:00:00</ngayNopHoSo>"
)
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NODE_SOAP = (
    f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP}"  '
    f'xmlns:xsi="{XSI}" xmlns:tns="{NS}"><soap:Body><tns:pushDocument xmlns:tns="{NS}">'
    "<arg0><userName>mot_cua</userName><password>bi &amp; mat</password>"
    f"<ossDocumentSoapList>{ROW}</ossDocumentSoapList>"
    f"<ossDocumentSoapList>{ROW.replace('117', '118')}</ossDocumentSoapList>"
    "</arg0></tns:pushDocument></soap:Body></soap:Envelope>"
)
NODE_SOAP_2016 = NODE_SOAP.replace(f'tns:pushDocument xmlns:tns="{NS}"', "pushDocument").replace(
    "/tns:push", "/push"
)
NODE_SOAP_QUALIFIED = (
    NODE_SOAP.replace("<arg0>", "<tns:arg0>")
    .replace("</arg0>", "</tns:arg0>")
    .replace("<userName>", f'<userName xmlns="{NS}">')
    .replace("<ossDocumentSoapList>", f'<ossDocumentSoapList xmlns="{NS}">')
)
PHP = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}" xmlns:ns1="{NS}" xmlns:xsi="{XSI}">'
    "<SOAP-ENV:Body><ns1:pushDocument><arg0><password>bi &amp; mat</password>"
    "<userName>mot_cua</userName>"
    f'<ossDocumentSoapList>{ROW}<ngaySinh xsi:nil="true"/><soCmnd/></ossDocumentSoapList>'
    f"<ossDocumentSoapList>{ROW.replace('117', '118')}</ossDocumentSoapList>"
    "</arg0></ns1:pushDocument></SOAP-ENV:Body></SOAP-ENV:Envelope>\n"
)
CXF = (
    f'<S:Envelope xmlns:S="{SOAP}"><S:Header/><S:Body><ns2:pushDocument xmlns:ns2="{NS}">\n'
    "  <arg0>\n    <password>bi &amp; mat</password>\n    <userName>mot_cua</userName>\n"
    f"    <ossDocumentSoapList>{ROW}</ossDocumentSoapList>\n    <!-- and -->\n"
    f"    <ossDocumentSoapList>{ROW.replace('117', '118')}</ossDocumentSoapList>\n"
    "  </arg0>\n</ns2:pushDocument></S:Body></S:Envelope>"
)


def asked(simulation, base, **options):
    told = Settings(
        "dong-ha",
        base + simulation.endpoint,
        simulation.options | {"timeout_s": str(patience(simulation.mood))} | options,
        dict(simulation.secrets),
    )
    return client_module.connect(told, Wire())


EVERYTHING = Ask(since=None, until=None, cursor=None, open_codes=(), now=NOW)


async def run(client):
    """The pages of one run, each acknowledged before the next is asked for, as sync does."""
    found = []
    try:
        async for page in client.pages(EVERYTHING):
            found.append(page)
            await client.acknowledge(page)
    finally:
        await client.close()
    return found
