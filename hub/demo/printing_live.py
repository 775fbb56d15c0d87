"""The part of the page on what went on by itself: receivers told, a filing, a restatement."""

from collections.abc import Iterator

from canonical.reasons import Reason, sentence
from canonical.states import TEXT_VI, Status
from hub.demo.filing import FilingStory
from hub.demo.live import Live
from hub.demo.printing import heading
from hub.demo.publishing import CONNECTION, ENTRY, Mended, Published
from hub.demo.setup import COUNTER
from hub.demo.table import NOTHING, number
from hub.demo.telling import NATIONAL, PORTAL
from store.publications import PublicationRow

_KIND_VI = {"created": "mới", "changed": "đổi", "joined": "nhập", "corrected": "đính chính"}


def deliveries(live: Live) -> list[str]:
    """Who was told what, held against the receivers' own books."""
    lines = heading("Báo thay đổi tới các nơi nhận · Deliveries")
    lines.append(f"Nơi nhận được thêm sau khi nạp, ở thay đổi số {live.since}: dữ liệu cũ không")
    lines.append("báo cho ai. Sai thứ tự, trùng, thiếu: so với sổ của chính nơi nhận.")
    titles = ("đã báo", "không cần", "thử lại", "bỏ cuộc", "sai thứ tự", "trùng", "thiếu")
    lines.append("".ljust(20) + "".join(title.rjust(12) for title in titles))
    for one in live.told:
        fare = one.fare
        counts = (
            *(fare.delivered, fare.skipped - live.since, fare.parked, fare.dead),
            *(one.out_of_order, one.twice, one.missing),
        )
        lines.append(fare.receiver.ljust(20) + "".join(number(n).rjust(12) for n in counts))
    lines.append(
        "(không cần: Cổng quốc gia chỉ nhận hồ sơ đã có mã quốc gia, thủ tục và trạng thái)"
    )
    return lines + _refused(live)


def _refused(live: Live) -> list[str]:
    dead, is_right = live.refusal.dead, live.refusal.is_right
    why = sentence(Reason(dead.reason)) if dead.reason is not None else ""
    return [
        f"Cổng tỉnh từ chối một sự kiện, thay đổi số {dead.seq}: {dead.reason}",
        f"  {dead.detail}: {why}",
        "  → bỏ cuộc ngay và có cảnh báo (hub deliveries list --dead); Cổng sửa xong thì báo lại",
        "    (hub deliveries replay --dead):"
        f" {'đã nhận, hết cảnh báo' if is_right else 'CHƯA NHẬN'}",
    ]


def way(live: Live) -> list[str]:
    """The filed dossier from its departments through the hub to the portals, event by event."""
    dossier, row = live.filed.dossier, live.filed.filing
    lines = heading("Đường đi của một hồ sơ: sở → trục → cổng · One dossier's way")
    lines.append(f"hồ sơ {dossier['id']}, mã quốc gia {dossier['national_code']}")
    spoken = {entry["known_seq"]: entry["namespace"] for entry in reversed(live.filed.history)}
    for event in live.books.events:
        if event["dossier"] != dossier["id"]:
            continue
        is_desk = spoken.get(event["seq"]) == COUNTER
        source = f"{COUNTER}:{row.code}" if is_desk else f"transport:{row.filed_code}"
        kind = _KIND_VI.get(event["kind"], event["kind"])
        lines += [
            f"  {source} → trục, thay đổi số {event['seq']} ({kind}, {event['status']})",
            f"    → {PORTAL}, sự kiện {event['id']}",
        ]
    held = live.books.dossiers.get(dossier["national_code"])
    told = " → ".join(held["states"]) if held is not None else NOTHING
    lines.append(f"  {NATIONAL} giữ hồ sơ này, TrangThaiHoSo lần lượt: {told}")
    return lines


def filing(told: FilingStory) -> list[str]:
    """The licence that the hub filed with the Department of Transport."""
    row, dossier = told.filing, told.dossier
    times = sum(bool(entry["MaDK"]) for entry in told.ledger)
    status = Status(dossier["status"])
    return [
        *heading("Trục nộp hồ sơ thay cho quầy · A filing"),
        f"Quầy {COUNTER} nhận hồ sơ cấp giấy phép lái xe {row.code}.",
        f"Trục nộp sang Sở GTVT (TaoMoiHoSo, số {row.number}): Sở cấp MaDK {row.filed_code};",
        f"  ảnh và giấy tờ đã gửi {row.papers_sent}/{row.papers}; sổ của Sở có {times} hồ sơ mang"
        " số này.",
        "Sở bắt đầu làm; lượt hỏi sau (GetTrangThaiHoSo) mang trạng thái về: hồ sơ của quầy từ",
        f"  [{told.before}] thành [{dossier['status']}] {TEXT_VI[status]}, do"
        f" {dossier['spoke'].get('status')} nói.",
    ]


def publication(told: Published) -> list[str]:
    """What the Government's portal was told of last month, revision by revision."""
    lines = heading("Chỉ số gửi Cổng thông tin điện tử Chính phủ · Publications")
    first = told.revisions[0]
    lines.append(f"Toàn tỉnh, {first.period_from:%d/%m/%Y}-{first.period_to:%d/%m/%Y}:")
    for row in told.revisions:
        lines += _revision(row)
    agree = "bằng" if told.is_right else "KHÁC"
    lines.append(f"  sổ của Cổng: {len(told.held)} bản; bản mới nhất so với trục tính: {agree}")
    return lines


def _revision(row: PublicationRow) -> Iterator[str]:
    figures = row.figures
    name = "công bố" if row.revision == 1 else "đính chính"
    yield (
        f"  lần {row.revision} ({name}): tiếp nhận {number(figures['total'])}, đã giải quyết"
        f" {number(figures['resolved'])}, trong đó qua mạng {number(figures['resolved_online'])}"
    )
    if row.why:
        yield f"    lý do: {row.why}"


def quarantined(told: Mended) -> list[str]:
    """The refused record that was mended, in two lines."""
    record, dossier = told.record, told.dossier
    return [
        *heading("Một bản ghi cách ly được sửa · A quarantined record mended"),
        f"{record.reason} ở trường {record.field}; thêm một dòng mã: hub connections change"
        f' {CONNECTION} --table "{ENTRY}"',
        f"hub quarantine replay {record.id}: áp dụng {told.summary.applied}, còn lỗi"
        f" {sum(told.summary.still.values())}; hồ sơ {dossier['national_code']}"
        f" [{dossier['status']}]; chỉ số tháng trước được đính chính (trên)",
    ]
