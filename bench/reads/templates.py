"""Real dossiers as moulds: pushed through the hub once, then read back as rows with gaps.

A gap is what differs from dossier to dossier: its codes, agency, procedure and days.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import text

from canonical import clock
from store import connections
from store.tables import POSITION_BITS
from sync.context import Context
from sync.intake import Taken, prepare, take_in

FIRST_DAY = date(2001, 1, 1)
AGENCY, PROCEDURE = "H50.99.99", "1.099999"
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


class Mould(Struct, frozen=True):
    """One kind of dossier.

    Attributes:
        share: Of a hundred dossiers how many are like it.
        is_recent: Whether it is still under way, and so begun in the last weeks.
        rows: Table -> its rows, each value plain or a list of texts and gaps.
    """

    share: int
    is_recent: bool
    columns: dict[str, list[str]]
    rows: dict[str, list[list[Any]]]


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
        "pin": "48213907",
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


def moulds(context: Context, connection_id: str) -> list[Mould]:
    """Push one dossier of each kind and read back all its rows. The store is not empty then."""
    cases = _cases()
    with context.store.read() as tx:
        connection = connections.load_connection(tx, connection_id)
    if connection is None:
        raise KeyError(connection_id)
    taken = Taken(
        connection=connection,
        shape="json",
        raw=msgspec.json.encode([case for _, _, case in cases]),
        received_at=clock.from_iso(_at(30)),
        client_id=None,
        run_id=None,
        keeps_duplicates=True,
    )
    take_in(context, taken, *prepare(context, taken))
    return [
        _mould(context, place, share, is_recent=is_recent)
        for place, (share, is_recent, _) in enumerate(cases, start=1)
    ]


def _mould(context: Context, place: int, share: int, *, is_recent: bool) -> Mould:
    columns: dict[str, list[str]] = {}
    rows: dict[str, list[list[Any]]] = {}
    with context.store.read() as tx:
        leg_id, public_id = tx.execute(
            text(
                "SELECT dossier.id, public_id FROM dossier JOIN leg ON leg.id = dossier.id"
                " WHERE code = :code"
            ),
            {"code": code_of(place)},
        ).one()
        gaps = {
            public_id: "public",
            code_of(place): "code",
            f"{AGENCY}-010104-9{place:08d}": "national",
            receipt_of(place): "receipt",
            AGENCY: "agency",
            PROCEDURE: "procedure",
        }
        for name, key in _BY_LEG.items():
            found = tx.execute(text(f"SELECT * FROM {name} WHERE {key} = :id"), {"id": leg_id})
            columns[name] = list(found.keys())
            rows[name] = [
                [_gapped(c, v, gaps) for c, v in zip(columns[name], row, strict=True)]
                for row in found
            ]
    return Mould(share, is_recent, columns, rows)


_IDS = frozenset({"seq", "created_seq", "changed_seq", "known_seq", "receipt_id", "record_id"})


def _gapped(column: str, value: Any, gaps: Mapping[str, str]) -> Any:
    """A value; or for what differs a list of texts, with the name of a gap at each odd place."""
    if column in ("leg_id", "dossier_id") or (column == "id" and isinstance(value, int)):
        return ["", "record" if value is not None and value >> POSITION_BITS else "leg", ""]
    if column == "last_receipt_id":
        return ["", "receipt_id", ""]
    if column in _IDS and value is not None:
        return ["", "seq" if column.endswith("seq") else column, ""]
    if isinstance(value, datetime):
        value = clock.to_iso(value)
    elif isinstance(value, date):
        value = value.isoformat()
    if not isinstance(value, str):
        return value
    pattern = "|".join([*(re.escape(g) for g in sorted(gaps, key=len, reverse=True)), _DAY.pattern])
    parts: list[str] = []
    end = 0
    for match in re.finditer(pattern, value):
        told = match.group()
        name = gaps.get(told) or f"day{(date.fromisoformat(told) - FIRST_DAY).days}"
        parts += [value[end : match.start()], name]
        end = match.end()
    return [*parts, value[end:]] if parts else value


DAYS = range(_SPAN_DAYS)
