"""The part of the page for whoever runs the hub: schedules, the sum of it all, proof, commands."""

import os
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from canonical import clock
from hub.demo.live import Live
from hub.demo.printing import heading
from hub.demo.proof import PATH
from hub.demo.publishing import CONNECTION
from hub.demo.standing import Standing
from hub.demo.table import NOTHING, number

_OTHER_STORE = ("HUB_DATABASE_URL", "HUB_DATABASE_URL_FILE")
_BREAKER_VI = {"closed": "đóng (đang thông)", "open": "đang ngắt", "half_open": "đang thử lại"}
_RUN_VI = {"done": "xong", "failed": "lỗi", "running": "đang chạy"}


def schedules(standings: Sequence[Standing]) -> list[str]:
    """When each connection is asked, by the hub's own schedule."""
    lines = heading("Lịch hỏi các hệ thống, giờ Việt Nam · Schedules")
    widths = (20, 16, 34, 14)
    titles = ("kết nối", "lịch", "lần hỏi gần nhất", "lần tới", "cầu dao")
    lines.append(_columns(titles, widths))
    for one in standings:
        if one.schedule is None:
            lines.append(f"{one.connection.ljust(widths[0])}(tự gửi tới)")
            continue
        told = (one.schedule, _run(one), _time(one.next_at), _BREAKER_VI[one.breaker])
        lines.append(_columns((one.connection, *told), widths))
    lines.append("(cầu dao: hệ thống lỗi liên tiếp thì trục ngừng hỏi một lúc rồi thử lại; các hệ")
    lines.append(" thống khác không bị ảnh hưởng)")
    return lines


def _columns(texts: Sequence[str], widths: Sequence[int]) -> str:
    *first, last = texts
    return "".join(text.ljust(width) for text, width in zip(first, widths, strict=True)) + last


def _run(one: Standing) -> str:
    if one.run is None:
        return NOTHING
    run = one.run
    return f"{_time(run.ended_at)} {_RUN_VI[run.state]}, {number(run.records)} bản ghi"


def _time(moment: datetime | None) -> str:
    return f"{clock.local(moment):%H:%M:%S}" if moment is not None else NOTHING


def summary(live: Live, *, is_equal: bool) -> list[str]:
    """What a leader reads: a line for each thing that was shown."""
    told, filed = live.told, live.filed
    twice, missing = sum(one.twice for one in told), sum(one.missing for one in told)
    wrong = live.wrong()
    return [
        *heading("Tóm tắt · In short"),
        f"Số liệu: {'mọi số in trong bài đều khớp' if is_equal else 'CÓ SỐ KHÁC NHAU'}.",
        f"Báo thay đổi: {sum(one.fare.delivered for one in told)} lần báo; thiếu {missing}, trùng"
        f" {twice}, sai thứ tự {sum(one.out_of_order for one in told)}.",
        f"Nộp hồ sơ: Sở GTVT nhận {len(filed.ledger)} lần; trạng thái"
        f" {'đã về tới quầy' if filed.is_right else 'CHƯA VỀ TỚI QUẦY'}.",
        f"Công bố: Cổng Chính phủ giữ {len(live.published.held)} bản; bản mới nhất và số trục tính:"
        f" {'bằng nhau' if live.published.is_right else 'KHÁC NHAU'}.",
        *([f"KHÔNG ĐÚNG: {', '.join(wrong)}"] if wrong else []),
    ]


def proof(report: Mapping[str, Any]) -> list[str]:
    """One line of `hub verify`, and what failed, where something did."""
    checks = report["checks"]
    failed = [one for one in checks if not one["ok"]]
    rows = {one["name"]: one["checked"] for one in checks}
    counts = [
        f"{number(rows.get(f'recomputed {name}', 0))} {text}"
        for name, text in (("record", "bản ghi"), ("dossier", "hồ sơ"), ("change", "thay đổi"))
    ]
    said = "không mất, không trùng" if report["ok"] else "CÓ ĐIỀU KHÔNG ĐÚNG"
    return [
        f"hub verify: {len(checks)} phép kiểm, {len(failed)} sai; tính lại từ nội dung gốc"
        f" {', '.join(counts)}: {said}",
        *(f"  {one['name']}: {one['detail']}" for one in failed),
    ]


def entering(folder: Path) -> list[str]:
    """What is typed first, so that the commands are about the demo's store and no other."""
    kept = shlex.quote(str(folder.absolute()))
    lines = [f"export HUB_DATA_DIR={kept} PATH={shlex.quote(str(PATH))}:$PATH"]
    if any(name in os.environ for name in _OTHER_STORE):
        lines.insert(0, f"unset {' '.join(_OTHER_STORE)}")
    return lines


def commands(folder: Path, live: Live) -> list[str]:
    """What somebody on call types, on the demo's store."""
    lines = heading("Lệnh cho người vận hành (cửa sổ dòng lệnh thứ hai, chép nguyên văn) · On call")
    told = {
        "connections list": "lịch, cầu dao của từng kết nối",
        "receivers list": "nơi nhận: đã báo, còn chờ, bỏ cuộc",
        "deliveries list": "các lần báo đang trên đường",
        "deliveries list --dead": "đã bỏ cuộc",
        "filings list": "hồ sơ nộp thay",
        f"filings show {live.filed.filing.id}": "một hồ sơ nộp thay",
        "publications list": "chỉ số đã gửi",
        f"publications show {live.published.revisions[-1].id}": "bản đính chính, khác gì",
        f"quarantine list --connection {CONNECTION}": "bản ghi cách ly, vì sao",
        f"quarantine show {live.mended.record.id}": "bản ghi đã sửa",
        "alarms list": "việc chờ người xử lý",
        "verify": "chứng minh lại (mã thoát 0)",
    }
    lines += entering(folder)
    width = max(len(words) for words in told)
    return lines + [f"hub {words.ljust(width)}  # {why}" for words, why in told.items()]
