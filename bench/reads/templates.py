"""Real dossiers as moulds: pushed through the hub once, then read back as rows with gaps.

A gap is what differs from dossier to dossier: its codes, agency, procedure and days.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store import connections
from store.tables import POSITION_BITS
from sync.context import Context
from sync.intake import prepare, take_in
from sync.taken import Taken

FIRST_DAY = date(2001, 1, 1)
AGENCY, PROCEDURE, PIN = "H50.99.99", "1.099999", "48213907"
# The day on which all are taken in.
RECEIVED = 30
_SPAN_DAYS = 40
_BY_LEG = {
    "leg": "id",
    "claim": "leg_id",
    "member": "leg_id",
    "dossier": "id",
    "judgement": "dossier_id",
    "judgement_span": "dossier_id",
    "timeline": "leg_id",
    "record": "leg_id",
    "change": "dossier_id",
}
TABLES = tuple(_BY_LEG)
_DAY = re.compile(r"2001-0[12]-[0-3][0-9]")


def _at(day: int, time: str = "09:15:00") -> str:
    return f"{(FIRST_DAY + timedelta(days=day)).isoformat()}T{time}+07:00"


def _told(status: str, day: int) -> dict[str, Any]:
    return {
        "status": status,
        "at": _at(day),
        "officer": "Trần Thị Mẫu",
        "unit": "Bộ phận Tiếp nhận và Trả kết quả",
    }


def _case(place: int, status: str, last: int, **over: Any) -> dict[str, Any]:
    history = [_told("submitted", 3), _told("accepted", 4), *over.pop("more", [])]
    return {
        "code": code_of(place),
        "version": 3,
        "updated_at": _at(last, "16:00:00"),
        "national_code": f"{AGENCY}-010104-9{place:08d}",
        "receipt_number": receipt_of(place),
        "pin": PIN,
        "procedure": {
            "code": PROCEDURE,
            "name": "Đăng ký thành lập hộ kinh doanh",
            "domain": "Thành lập và hoạt động của hộ kinh doanh",
        },
        "agency": AGENCY,
        "received_at_agency": AGENCY,
        "applicant": {
            "kind": "person",
            "name": "Nguyễn Văn Mẫu",
            "id_number": "045090001234",
            "phone": "0912345678",
            "email": None,
            "address": "Khu phố 1, phường 1, thành phố Đông Hà, tỉnh Quảng Trị",
        },
        "channel": "direct",
        "service_level": 3,
        "submitted_at": _at(3),
        "accepted_at": _at(4),
        "due_at": _at(11, "17:00:00"),
        "status": status,
        "raw_status": "TT_04",
        "step": "Thẩm định hồ sơ",
        "history": history,
        "fees": [{"name": "Lệ phí đăng ký", "amount": 100000, "paid_at": _at(4)}],
        "attachments": [{"id": "a1", "name": "don-dang-ky.pdf", "digest": "sha256:" + "0" * 64}],
        **over,
    }


def code_of(place: int) -> str:
    """The mould's own local code."""
    return f"DH-2001-9{place:08d}"


def receipt_of(place: int) -> str:
    """The mould's own receipt number."""
    return f"BN/2001/9{place:08d}"


def _done(place: int, day: int, **over: Any) -> dict[str, Any]:
    more = [_told("in_progress", 5), *over.pop("more", []), _told("finished", day)]
    ends = {"finished_at": _at(day), "handed_over_at": _at(day + 1)}
    return _case(place, "handed_over", day + 1, more=more, **ends, **over)


def _waited(day: int) -> dict[str, Any]:
    return {
        "more": [_told("supplement", 6), _told("in_progress", day)],
        "supplements": [{"asked_at": _at(6), "received_at": _at(day), "reason": "Thiếu bản sao"}],
    }


def _cases() -> list[tuple[int, bool, dict[str, Any]]]:
    longer = [{"old_due_at": _at(11), "new_due_at": _at(18), "at": _at(10), "reason": "Xác minh"}]
    under_way = [_told("in_progress", 5)]
    returned = {"stopped_at": _at(7), "more": [_told("in_progress", 5)]}
    return [
        (34, False, _done(1, 9)),
        (14, False, _done(2, 8, channel="online", online_scope="full")),
        (20, False, _done(3, 11)),
        (5, False, _done(4, 13)),
        (8, False, _done(5, 10, **_waited(8))),
        (4, False, _done(6, 15, extensions=longer)),
        (4, False, _case(7, "stopped", 7, **returned)),
        (2, False, _case(8, "withdrawn", 6, withdrawn_at=_at(6), channel="post")),
        (5, True, _case(9, "in_progress", 5, more=under_way)),
        (2, True, _case(10, "supplement", 6, more=[*under_way, _told("supplement", 6)])),
        (2, False, _case(11, "in_progress", 5, more=under_way, channel="online")),
    ]


class Line(Struct, frozen=True):
    """One row with gaps.

    Attributes:
        values: Its plain values; None where something is put in.
        ids: Place -> the gap whose number stands there.
        texts: Place -> a text with `%s` for each gap, and those gaps.
    """

    values: list[Any]
    ids: list[tuple[int, str]]
    texts: list[tuple[int, str, tuple[str, ...]]]

    def filled(self, gaps: Mapping[str, Any]) -> list[Any]:
        """The row of one dossier."""
        row = self.values.copy()
        for place, name in self.ids:
            row[place] = gaps[name]
        for place, told, names in self.texts:
            row[place] = told % tuple([gaps[name] for name in names])
        return row


class Mould(Struct, frozen=True):
    """One kind of dossier.

    Attributes:
        share: Of a hundred dossiers how many are like it.
        is_recent: Whether it is still under way, and so begun in the last weeks.
        case: What was pushed, as JSON with gaps, in one line.
        rows: Table -> its rows.
    """

    share: int
    is_recent: bool
    case: Line
    columns: dict[str, list[str]]
    rows: dict[str, list[Line]]


def moulds(context: Context, connection_id: str) -> list[Mould]:
    """Push one dossier of each kind and read back all its rows. The store is not empty then."""
    cases = _cases()
    with context.store.read() as tx:
        connection = connections.load_connection(tx, connection_id)
    if connection is None:
        raise KeyError(connection_id)
    raw = [msgspec.json.encode(case) for _, _, case in cases]
    push(context, connection, raw, _at(RECEIVED))
    return [
        _mould(context, connection.namespace, place, share, is_recent=is_recent, raw=own.decode())
        for place, ((share, is_recent, _), own) in enumerate(zip(cases, raw, strict=True), start=1)
    ]


def push(
    context: Context, connection: connections.ConnectionRow, raw: Sequence[bytes], at: str
) -> None:
    """Take dossiers in as a department's push would be, at a moment."""
    taken = Taken(
        connection=connection,
        shape="json",
        raw=b"[" + b",".join(raw) + b"]",
        received_at=clock.from_iso(at),
        client_id=None,
        run_id=None,
        keeps_duplicates=True,
    )
    take_in(context, taken, *prepare(context, taken))


def rows_of_leg(tx: Tx, name: str, leg_id: int) -> tuple[list[str], list[list[Any]]]:
    """The columns and rows of a table that belong to a leg or to the dossier it began."""
    found = tx.execute(text(f"SELECT * FROM {name} WHERE {_BY_LEG[name]} = :id"), {"id": leg_id})
    return list(found.keys()), sorted(([_plain(v) for v in row] for row in found), key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.to_iso(value)
    return value.isoformat() if isinstance(value, date) else value


def _mould(
    context: Context, namespace: str, place: int, share: int, *, is_recent: bool, raw: str
) -> Mould:
    columns: dict[str, list[str]] = {}
    rows: dict[str, list[Line]] = {}
    code = code_of(place)
    with context.store.read() as tx:
        leg_id, public_id, record_id = tx.execute(
            text(
                "SELECT dossier.id, public_id, record.id FROM dossier"
                " JOIN leg ON leg.id = dossier.id JOIN record ON record.leg_id = leg.id"
                " WHERE leg.code = :code"
            ),
            {"code": code},
        ).one()
        gaps = {
            public_id: "public",
            code: "code",
            f"{AGENCY}-010104-9{place:08d}": "national",
            receipt_of(place): "receipt",
            AGENCY: "agency",
            PROCEDURE: "procedure",
            f"={context.vault.pin_mac(f'{namespace}:{code}', PIN)}": "pin",
            f",{record_id}]": "record_rank",
        }
        for name in TABLES:
            columns[name], found = rows_of_leg(tx, name, leg_id)
            rows[name] = [_line(columns[name], row, gaps) for row in found]
    return Mould(share, is_recent, _line([""], [raw], gaps), columns, rows)


_IDS = {
    "leg_id": "leg",
    "dossier_id": "leg",
    "record_id": "record",
    "receipt_id": "receipt_id",
    "last_receipt_id": "receipt_id",
    "seq": "seq",
    "created_seq": "seq",
    "changed_seq": "seq",
    "known_seq": "seq",
}


def _line(columns: Sequence[str], row: Sequence[Any], gaps: Mapping[str, str]) -> Line:
    line = Line(list(row), [], [])
    for place, (column, value) in enumerate(zip(columns, row, strict=True)):
        if isinstance(value, int) and (column in _IDS or column == "id"):
            own = "record" if value >> POSITION_BITS else "leg"
            line.ids.append((place, _IDS.get(column, own)))
        elif isinstance(value, str):
            told, names = _gapped(value, gaps)
            if names:
                line.texts.append((place, told, names))
    return line


def _gapped(value: str, gaps: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """A text with `%s` for every gap, and the gaps' names."""
    pattern = "|".join([*(re.escape(g) for g in sorted(gaps, key=len, reverse=True)), _DAY.pattern])
    told, end, names = "", 0, []
    for match in re.finditer(pattern, value):
        said = match.group()
        names.append(gaps.get(said) or f"day{(date.fromisoformat(said) - FIRST_DAY).days}")
        told += value[end : match.start()].replace("%", "%%") + "%s"
        end = match.end()
    return told + value[end:].replace("%", "%%"), tuple(names)


DAYS = range(_SPAN_DAYS)
