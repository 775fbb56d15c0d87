"""The invented dossiers as two departments list them: the one-stop app's JSON, licences by SOAP.

Written by templates and kept as bytes, so that the source costs less than whoever asks it.
"""

from bisect import bisect_left
from datetime import date, datetime, timedelta

from bench.invented import EPOCH, FAMILY, GIVEN, HCM, _moment, person

PAGE = 500
MOVED_OF = 100  # one row in so many is told anew in the second list
WINDOW_DAYS = 30
_KEPT = 200_000  # rows held ready; more would be a source that needs gigabytes
_LISTED_FROM_MS = (datetime(2026, 1, 5, 8, 0, tzinfo=HCM) - EPOCH) // timedelta(milliseconds=1)
_WORDS = ("processing", "waiting", "releasing", "done", "new")
_SERVICES = ("SNV.HOI.TL", "SNV.TDKT.XT", "HUYEN.HKD.DK", "HUYEN.DAT.BD")
_OFFICES = (("SNV", "H50.06"), ("HHL", "H50.15"), ("HTP", "H50.16"), ("HGL", "H50.17"))

_ROW = """{"dossierId":%d,"referenceUid":"uid-%09d","dossierNo":"%s-%s-%09d","password":"%08d",\
"serviceCode":"%s","serviceName":"Đăng ký thành lập hộ kinh doanh cá thể trên địa bàn huyện",\
"domainName":"Thành lập và hoạt động của hộ kinh doanh","govAgencyCode":"%s","serviceLevel":4,\
"online":%s,"viaPostal":0,"applicantName":"%s","applicantIdType":"citizen",\
"applicantIdNo":"045%09d","contactTelNo":"09%08d","contactEmail":"nguoi.dan.%d@example.org",\
"address":"%d đường Lê Thử, khu phố %d, thị trấn Ái Tử, huyện Triệu Phong, tỉnh Quảng Trị",\
"submitDate":%d,"receiveDate":%d,"dueDate":%d,"releaseDate":%s,"finishDate":%s,\
"cancellingDate":null,"modifiedDate":%d,"dossierStatus":"%s","dossierStatusText":"Trạng thái",\
"dossierSubStatus":"","dossierSubStatusText":"Thẩm định hồ sơ và trình lãnh đạo phòng ký duyệt",\
"dossierActions":[{"statusCode":"new","createDate":%d,"actionUser":"CB %03d",\
"unit":"Bộ phận tiếp nhận và trả kết quả","actionNote":"Tiếp nhận"},{"statusCode":"processing",\
"createDate":%d,"actionUser":"CB %03d","unit":"Phòng chuyên môn","actionNote":"Thẩm định"},\
{"statusCode":"%s","createDate":%d,"actionUser":"CB %03d",\
"unit":"Bộ phận tiếp nhận và trả kết quả","actionNote":"Chuyển hồ sơ sang phòng chuyên môn"}]}"""


def json_row(number: int, stamp: int, turn: int = 0) -> bytes:
    """One dossier as the one-stop app gives it, last modified at `stamp`."""
    office, agency = _OFFICES[number % 4]
    begun = (_moment(number) - EPOCH) // timedelta(milliseconds=1)
    day = 86_400_000
    word = _WORDS[(number + turn) % 5]
    ended = f"{begun + 6 * day}" if word in ("releasing", "done") else "null"
    return (
        _ROW
        % (
            880_000_000 + number,
            number,
            agency,
            f"{_moment(number):%y%m%d}",
            number,
            number % 10**8,
            _SERVICES[number % 4],
            office,
            "true" if number % 3 else "false",
            person(number),
            number,
            number % 10**8,
            number,
            number % 300,
            number % 9,
            begun - day // 10,
            begun,
            begun + 11 * day,
            ended,
            ended if word == "done" else "null",
            stamp,
            word,
            begun,
            number % 300,
            begun + day,
            (number + 1) % 300,
            word,
            begun + (5 + turn) * day,
            (number + 2) % 300,
        )
    ).encode()


class Listed:
    """The app's list, oldest change first: as it is, and as it is when one row in 100 has moved."""

    def __init__(self, records: int, *, moved: bool) -> None:
        late = range(0, records, MOVED_OF) if moved else range(0)
        kept = [n for n in range(records) if not moved or n % MOVED_OF]
        self._turn = [0] * len(kept) + [1] * len(late)
        self._numbers = [*kept, *late]
        self._stamps = [_LISTED_FROM_MS + n * 1_000 for n in kept]
        self._stamps += [_LISTED_FROM_MS + (records + n) * 1_000 for n in range(len(late))]
        self._ready = [self._row(at) for at in range(records)] if records <= _KEPT else []

    def __len__(self) -> int:
        return len(self._numbers)

    def _row(self, at: int) -> bytes:
        return json_row(self._numbers[at], self._stamps[at], self._turn[at])

    def behind(self, stamp: int | None) -> int:
        """How many rows stand before the first modified at `stamp` or later."""
        return 0 if stamp is None else bisect_left(self._stamps, stamp)

    def rows(self, first: int, end: int) -> bytes:
        """Rows of the list, joined."""
        end = min(end, len(self))
        if self._ready:
            return b",".join(self._ready[first:end])
        return b",".join([self._row(at) for at in range(first, end)])


_LICENCE = """<HoSoMotCua><MaDK1>45001-%s-%09d</MaDK1><MALOAIHOSO1>%d</MALOAIHOSO1>\
<MANGUOITIEPNHAN1>GPLX%02d</MANGUOITIEPNHAN1><TENNGUOITIEPNHAN1>Phạm Thị Thử</TENNGUOITIEPNHAN1>\
<HOTENNGUOINOP1>%s VĂN %s</HOTENNGUOINOP1><SOCMND1>%09d</SOCMND1>\
<NGAYSINH1>%02d/%02d/1980</NGAYSINH1>\
<GIOITINH1>M</GIOITINH1><MATINHTHUONGTRU1>45</MATINHTHUONGTRU1>\
<MOTADIACHITHUONGTRU1>%d đường Lê Thử, khu phố %d, thành phố Đông Hà</MOTADIACHITHUONGTRU1>\
<NGAYNOPHOSO1>%s</NGAYNOPHOSO1><NGAYHENTRA1>%s</NGAYHENTRA1>\
<TRANGTHAIXULY1>%s</TRANGTHAIXULY1></HoSoMotCua>"""


def licence(number: int, day: date) -> bytes:
    """One application as the Department of Transport gives it, handed in on a day."""
    return (
        _LICENCE
        % (
            f"{day:%Y%m%d}",
            number,
            1 + number % 2,
            number % 20,
            FAMILY[number % 8].upper(),
            GIVEN[number % 10].upper(),
            number % 10**9,
            1 + number % 28,
            1 + number % 12,
            number % 300,
            number % 9,
            f"{day:%d/%m/%Y} 08:{number % 60:02d}:{number // 60 % 60:02d}",
            f"{day + timedelta(days=7):%d/%m/%Y}",
            ("01", "02", "09", "10", "16")[number % 5],
        )
    ).encode()


def licences_from(records: int) -> date:
    """From which day on the licences are listed, a page a window, so that the last is today's."""
    pages = -(-records // PAGE)
    return datetime.now(HCM).date() - timedelta(days=WINDOW_DAYS * pages - 1)


class Licences:
    """What was handed in, a page in every window of thirty days."""

    def __init__(self, records: int) -> None:
        self._records, self._from = records, licences_from(records)
        self._ready: dict[int, bytes] = {}

    def rows(self, first_day: date) -> bytes:
        """Everything handed in in the window that begins on that day."""
        place = (first_day - self._from).days // WINDOW_DAYS
        if place not in self._ready:
            numbers = range(place * PAGE, min((place + 1) * PAGE, self._records))
            day = self._from + timedelta(days=WINDOW_DAYS * place)
            told = [licence(n, day + timedelta(days=n % WINDOW_DAYS)) for n in numbers]
            self._ready[place] = b"".join(told)
        return self._ready[place]

    def prepare(self) -> None:
        """Write all of them."""
        for place in range(-(-self._records // PAGE)):
            self.rows(self._from + timedelta(days=WINDOW_DAYS * place))
