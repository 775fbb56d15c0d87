"""What commands print: one JSON document with --json, else text for people; messages on stderr."""

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

DONE, FOUND_WRONG, CANNOT = 0, 1, 2
_MOMENT = re.compile(r"^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)\S*$")
# docs/glossary.md has the terms; names that people know as they are stay.
_LABELS = {
    "accepted": "tiếp nhận",
    "agencies": "cơ quan",
    "agency": "cơ quan",
    "applicant": "người nộp",
    "at": "lúc",
    "backlog": "chưa tới lượt",
    "breaker": "cầu dao",
    "code": "mã",
    "connection": "kết nối",
    "connections": "kết nối",
    "count": "số lần",
    "days_past_due": "số ngày quá hạn",
    "dead": "đã bỏ cuộc",
    "delivered": "đã nhận",
    "disposition": "kết quả",
    "dropped": "người bỏ",
    "due": "hẹn trả",
    "failures": "lỗi liên tiếp",
    "field": "trường",
    "first_seen": "lần đầu",
    "last_at": "nhận lần cuối",
    "last_seen": "lần cuối",
    "mark": "lưu ý",
    "name": "tên",
    "namespace": "không gian mã",
    "next_at": "lần hỏi tới",
    "note": "ghi chú",
    "officer": "cán bộ",
    "oldest_at": "chậm từ",
    "parked": "hồ sơ đang gác",
    "procedure": "thủ tục",
    "reason": "mã lý do",
    "receipt": "biên nhận",
    "role": "vai trò",
    "running": "đang chạy",
    "retry_at": "thử lại lúc",
    "schedule": "lịch",
    "scopes": "quyền",
    "skipped": "không thuộc nơi nhận",
    "state": "trạng thái",
    "status": "trạng thái",
    "system": "hệ thống",
    "text": "diễn giải",
    "unit": "đơn vị",
    "waiting": "đang chờ",
    "waits_for": "chờ xử lý",
    "why": "vì sao",
}


def say(text: str) -> None:
    """A message for people, on stderr."""
    sys.stderr.write(f"{text}\n")


def show(told: Any, *, as_json: bool, title: str = "") -> None:
    """Print a result: JSON, or a table for a list of objects, or lines of name and value."""
    plain = msgspec.to_builtins(told)
    if as_json:
        sys.stdout.write(json.dumps(plain, ensure_ascii=False) + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else 160)
    if isinstance(plain, list):
        console.print(_table(plain, title) if plain else f"{title or 'Danh sách'}: trống")
        return
    for name, value in plain.items():
        console.print(f"{_LABELS.get(name, name)}: {cell(value)}", highlight=False)


def _table(rows: Sequence[dict[str, Any]], title: str) -> Table:
    table = Table(title=title or None)
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        table.add_column(_LABELS.get(name, name), overflow="fold")
    for row in rows:
        # Square brackets are a value's own (an expression, a path), never an order to colour it.
        table.add_row(*(escape(cell(row.get(name))) for name in names))
    return table


def cell(value: Any) -> str:
    """A value as a person reads it: moments as dd/MM/yyyy HH:mm, yes and no in words."""
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        found = _MOMENT.match(value)
        if found is not None:
            year, month, day, time = found.groups()
            return f"{day}/{month}/{year} {time}"
    return "" if value is None else str(value)
