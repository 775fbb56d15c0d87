"""The demo's page on stdout, in Vietnamese, readable without colours."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from hub.demo.figures import LINES, PROVINCE
from hub.demo.table import NOTHING, Block, Counts, key_of, number

_WIDTHS = (40, 12, 12, 14)
_NAMES_VI = {
    "early": "trước hẹn",
    "on_time": "đúng hẹn",
    "late": "trễ hẹn",
    "open_in_term": "trong hạn",
    "open_overdue": "quá hạn",
    "waiting": "chờ bổ sung, nghĩa vụ tài chính",
    "returned": "trả lại",
    "withdrawn": "rút",
    "undetermined": "không rõ ngày xong",
}


def heading(text: str) -> list[str]:
    """A title with a line under it."""
    return ["", text, "=" * len(text)]


def table(blocks: Sequence[Block]) -> list[str]:
    """The interview's figures, the hub's, the script's, and whether they agree."""
    lines = heading("Số liệu của bài phỏng vấn (Báo Quảng Trị, 7/2016) và số trục tính")
    lines.append(_row("", ("Phỏng vấn", "Trục tính", "Đếm độc lập"), "So sánh"))
    for block in blocks:
        lines += ["", block.title]
        for cell in block.cells:
            figures = (cell.printed, cell.computed, cell.counted or NOTHING)
            said = f"{cell.verdict}: {cell.why}" if cell.why else cell.verdict
            lines.append(_row(f"  {cell.name}", figures, said))
    return lines


def _row(name: str, figures: Iterable[str], said: str) -> str:
    first, *widths = _WIDTHS
    cells = [text.rjust(width) for text, width in zip(figures, widths, strict=True)]
    return f"{name.ljust(first)}{''.join(cells)}   {said}".rstrip()


def resolved(
    computed: Mapping[str, Counts], counted: Mapping[str, Counts] | None, this_year: Counts
) -> list[str]:
    """The government portal's indicator in its two readings."""
    lines = heading("Chỉ số “Tổng số hồ sơ được giải quyết qua mạng tại Quảng Trị”, hai cách hiểu")
    lines.append("A: hồ sơ đã giải quyết trong kỳ nhờ phần mềm một cửa (resolved)")
    lines.append("B: trong đó, hồ sơ nộp qua mạng (resolved_online)")
    lines.append(f"{'':52}{'A':>8}{'B':>8}{'A đếm riêng':>14}{'B đếm riêng':>14}")
    periods = [(line.unit, line.agency, line.start, line.end) for line in LINES]
    spans = dict.fromkeys((line.start, line.end) for line in LINES)
    periods += [("Toàn tỉnh", PROVINCE, start, end) for start, end in spans]
    for unit, agency, start, end in periods:
        key = key_of(agency, start, end)
        told, own = computed[key], None if counted is None else counted[key]
        lines.append(_resolved(f"{unit}, {_span(start, end)}", told, own))
    today = date.fromisoformat(this_year["as_of"])
    span = f"Toàn tỉnh, {today.year} đến hết {today:%d/%m/%Y}"
    lines.append(f"{_resolved(span, this_year, None)}   (*)")
    named = [
        f"{_NAMES_VI[name]} {number(count)}"
        for name, count in this_year["buckets"].items()
        if count
    ]
    lines.append(f"(*) {number(this_year['total'])} hồ sơ nhận trong năm: {', '.join(named)}.")
    lines.append("    Phần này ghép nhiều hệ thống; bộ đếm độc lập không đếm.")
    return lines


def _span(start: date, end: date) -> str:
    return f"{start:%d/%m/%Y}-{end:%d/%m/%Y}"


def _resolved(name: str, told: Counts, own: Counts | None) -> str:
    names = ("resolved", "resolved_online")
    shown = "".join(number(told[n]).rjust(8) for n in names)
    counted = "".join((number(own[n]) if own else "-").rjust(14) for n in names)
    return f"{name.ljust(52)}{shown}{counted}"


def dispositions(
    records: Mapping[str, Mapping[str, int]],
    rows: Mapping[str, int] | None,
    quarantined: Mapping[str, Sequence[tuple[str, int]]],
) -> list[str]:
    """What every system gave, and what became of it."""
    lines = heading("Bản ghi nhận từ từng hệ thống, và kết cục của từng bản ghi")
    names = ("applied", "superseded", "duplicate", "quarantined")
    titles = ("dòng ở nguồn", "bản ghi", "áp dụng", "cũ hơn", "trùng", "cách ly")
    lines.append("".ljust(20) + "".join(title.rjust(13) for title in titles))
    for connection, counts in sorted(records.items()):
        source = rows.get(connection) if rows is not None else None
        figures = [sum(counts[n] for n in names), *(counts[n] for n in names)]
        told = [NOTHING if source is None else number(source), *map(number, figures)]
        lines.append(connection.ljust(20) + "".join(text.rjust(13) for text in told))
    lines.append("(một dòng có thể là nhiều bản ghi: bước xử lý, nối hồ sơ trực tuyến, lệ phí;")
    lines.append(" lần hỏi sau chồng lên lần trước nên có bản ghi trùng)")
    for connection, reasons in sorted(quarantined.items()):
        named = ", ".join(f"{reason} {count}" for reason, count in reasons)
        lines.append(f"  cách ly ở {connection}: {named}")
    return lines


def stories(told: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Cases that live in two systems, one line or two each."""
    lines = heading("Hồ sơ nằm ở hai hệ thống")
    for name, text in (
        ("licence", "giấy phép lái xe: nhận ở một cửa, xử lý ở Sở GTVT"),
        ("land", "đất đai: chờ nghĩa vụ tài chính ở cơ quan thuế"),
        ("land_paid", "đất đai: đã nộp thuế, lời của một cửa lại có hiệu lực"),
        ("late", "mối nối đến muộn: hai hồ sơ riêng, rồi nhập làm một"),
        ("doubtful", "mối nối đáng ngờ: không nhập"),
    ):
        dossier = told[name]
        legs = " + ".join(f"{leg['namespace']}:{leg['code']}" for leg in dossier["legs"])
        lines += [f"- {text}", f"    {dossier['id']}  [{dossier['status']}]", f"    {legs}"]
        if dossier.get("note"):
            lines.append(f"    {dossier['note']}")
    return lines


def commands(
    base: str, account: tuple[str, str], slip: tuple[str, str], dossier: str, today: date
) -> list[str]:
    """Three commands that can be copied as they stand."""
    curl = "curl -s --noproxy '*'"
    lines = heading("Ba lệnh để thử (chép nguyên văn)")
    lines += [
        "# 1. Công dân tra cứu bằng mã hồ sơ và PIN trên phiếu hẹn",
        f"{curl} {base}/api/v1/lookup -H 'Content-Type: application/json' \\",
        f'  -d \'{{"code": "{slip[0]}", "pin": "{slip[1]}"}}\'',
        "",
        "# Mã truy cập cho hai lệnh sau (một giờ)",
        f"TOKEN=$({curl} {base}/oauth/token -d grant_type=client_credentials \\",
        f"  -d client_id={account[0]} -d client_secret={account[1]} \\",
        """  | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')""",
        "# 2. Hồ sơ đang xử lý đã quá hạn",
        f'{curl} -H "Authorization: Bearer $TOKEN" \\',
        f"  '{base}/api/v1/dossiers?status=in_progress&due_before={today.isoformat()}'",
        "# 3. Dòng thời gian của một hồ sơ nằm ở hai hệ thống",
        f'{curl} -H "Authorization: Bearer $TOKEN" {base}/api/v1/dossiers/{dossier}/history',
    ]
    return lines


def trial(base: str, connection: str) -> list[str]:
    """How to push a dossier of one's own."""
    record = (
        '{"code": "THU-1", "version": 1, "status": "accepted", "agency": "H50.12",'
        ' "procedure": {"code": "1.001612"}, "accepted_at": "2016-03-01T09:00:00+07:00",'
        ' "due_at": "2016-03-08T17:00:00+07:00", "receipt_number": "THU/1", "pin": "48213907"}'
    )
    return [
        f"# Gửi một hồ sơ theo dạng của trục, qua kết nối {connection}",
        f"curl -s --noproxy '*' -H \"Authorization: Bearer $TOKEN\" {base}/api/v1/dossiers \\",
        f"  -H 'Content-Type: application/json' -d '{record}'",
    ]


def addresses(base: str, simulators: Mapping[str, str], folder: Path) -> list[str]:
    """Where everything answers, all of it on this machine."""
    lines = heading("Địa chỉ (đều trên máy này)")
    own = {
        "API của cổng": f"{base}/api/v1/",
        "trang tra cứu": f"{base}/tra-cuu",
        "SOAP, WSDL": f"{base}/soap/v1?wsdl",
        "OpenAPI": f"{base}/openapi.json",
        **{f"giả lập {name}": place for name, place in simulators.items()},
        "dữ liệu": str(folder),
    }
    return lines + [f"{name.ljust(28)}{place}" for name, place in own.items()]


def again(base: str, folder: Path) -> list[str]:
    """How to open the same store once the demo has ended."""
    port = base.rpartition(":")[2]
    return [
        "",
        "Demo dừng ở đây (không có cửa sổ dòng lệnh, hoặc có --once). Mở lại trục với dữ liệu này:",
        f"HUB_DATA_DIR={folder} HUB_PORT={port} .venv/bin/hub serve",
    ]
