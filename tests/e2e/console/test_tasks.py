"""What people come to the console for, done by clicking; and by keyboard alone."""

from collections.abc import Callable

import pytest

from tests.e2e.console.seeded import PASSWORD, Seeded
from tests.e2e.console.visitor import NARROW, WIDE, Visitor

Visitors = Callable[..., Visitor]


def test_signing_in_by_keyboard_alone_and_out_again(browser: object, hub: Seeded) -> None:
    who = Visitor(browser, hub.base, WIDE)
    page = who.page
    page.goto("/console/dossiers?status=finished")
    page.keyboard.type("viewer")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/dossiers?status=finished")
    page.keyboard.press("Tab")
    focused = "document.activeElement.textContent.trim()"
    assert page.evaluate(focused) == "Chuyển tới nội dung chính"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("details.menu-drop > summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Đăng xuất").focus()
    page.keyboard.press("Escape")
    assert page.locator("details.menu-drop[open]").count() == 0
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Đăng xuất").click()
    page.wait_for_url("**/console/login")
    page.goto("/console")
    assert "/console/login" in page.url
    assert who.faults == []
    who.context.close()


def test_the_first_sign_in_asks_for_a_password_of_ones_own(
    visitors: Visitors, browser: object, hub: Seeded
) -> None:
    boss = visitors().page
    boss.goto("/console/staff")
    boss.get_by_label("Tên đăng nhập").fill("chị Lan")
    boss.get_by_label("Vai trò").select_option("viewer")
    boss.get_by_role("button", name="Thêm tài khoản").click()
    told = boss.locator("#one-time").inner_text()
    who = Visitor(browser, hub.base, NARROW)
    page = who.page
    page.goto("/console/login")
    page.get_by_label("Tên đăng nhập").fill("chị Lan")
    page.get_by_label("Mật khẩu").fill(told)
    page.get_by_role("button", name="Đăng nhập").click()
    page.get_by_label("Mật khẩu hiện tại").fill(told)
    page.get_by_label("Mật khẩu mới", exact=True).fill("câu dài của chị Lan")
    page.get_by_label("Nhập lại mật khẩu mới").fill("câu dài của chị Lan")
    page.get_by_role("button", name="Đổi mật khẩu").click()
    page.wait_for_url("**/console")
    assert "Đã đổi mật khẩu" in page.get_by_role("status").first.inner_text()
    page.get_by_role("button", name="Mở danh mục trang").click()
    page.get_by_role("link", name="Hồ sơ", exact=True).click()
    page.wait_for_url("**/console/dossiers")
    boss.goto("/console/staff")
    boss.get_by_role("button", name="Khóa chị Lan").click()
    assert "Đã khóa chị Lan" in boss.get_by_role("status").first.inner_text()
    page.goto("/console")
    assert "/console/login" in page.url
    who.context.close()


def test_a_dossier_is_found_and_the_record_behind_a_step_shown_when_asked(
    visitors: Visitors, hub: Seeded
) -> None:
    who = visitors("operator")
    page = who.page
    page.goto("/console")
    page.get_by_role("link", name="Hồ sơ", exact=True).click()
    page.get_by_label("Mã hồ sơ, số biên nhận").fill("land:L-1")
    page.get_by_role("button", name="Tìm", exact=True).click()
    page.get_by_role("link", name="H50.12-260302-0001").click()
    assert "T*** T*** M***" in page.locator("main").inner_text()
    assert "Trần Thị Mẫu" not in page.content()
    page.get_by_role("link", name="Bản ghi gốc").first.click()
    raw = page.locator("pre.raw").first
    raw.wait_for()
    assert '"status": "in_progress"' in raw.inner_text() or "***" in raw.inner_text()
    assert "Trần Thị Mẫu" not in page.content()
    page.locator("summary.disclose-ask").click()
    page.get_by_label("Lý do cần xem").fill("Công dân gọi hỏi")
    page.locator("main form").get_by_role("button", name="Hiện dữ liệu cá nhân").click()
    page.get_by_text("Dữ liệu cá nhân đang hiện").wait_for()
    assert "Trần Thị Mẫu" in page.locator("main").inner_text()
    page.get_by_role("link", name="Bản ghi gốc").first.click()
    page.locator("pre.raw").first.wait_for()
    assert "Trần Thị Mẫu" in page.locator("pre.raw").first.inner_text()
    assert who.faults == []
    boss = visitors().page
    boss.goto("/console/disclosures")
    assert "Công dân gọi hỏi" in boss.locator("tbody tr").first.inner_text()


def test_a_receipt_is_found_by_a_business_key(visitors: Visitors, hub: Seeded) -> None:
    who = visitors("viewer")
    page = who.page
    page.goto("/console/receipts")
    for key in ("A-00002", "H50.12-260302-0002", "desk:A-00002"):
        page.get_by_label("Mã hồ sơ, số biên nhận, mã quốc gia").fill(key)
        page.get_by_role("button", name="Tìm", exact=True).click()
        assert "A-00002" in page.locator("tbody").inner_text()
    page.get_by_role("link", name="Bản ghi gốc").click()
    assert '"code": "A-00002"' in page.locator("pre.raw").inner_text()
    assert "Lê Văn" not in page.content()
    assert page.get_by_role("button", name="Hiện dữ liệu cá nhân").count() == 0
    assert who.faults == []


def test_what_was_refused_is_replayed_after_it_was_mended(visitors: Visitors, hub: Seeded) -> None:
    who = visitors("operator")
    page = who.page
    page.goto("/console/quarantine")
    page.get_by_role("link", name="Trạng thái không có trong bảng").click()
    assert page.locator("tbody tr").count() == 2
    page.get_by_role("link", name="Xem").first.click()
    assert "no such state" in page.locator("pre.raw .marked").inner_text()
    page.goto("/console/quarantine")
    page.get_by_label("Đã sửa gì").fill("thử lại toàn bộ")
    page.get_by_role("button", name="Xử lý lại").click()
    page.get_by_text("Xử lý lại khu cách ly: đã xong").wait_for()
    assert "vẫn chưa nhận được" in page.locator("main").inner_text()
    assert who.faults == []


def test_what_was_given_up_is_tried_again_and_dropped(visitors: Visitors, hub: Seeded) -> None:
    who = visitors("operator")
    page = who.page
    page.goto("/console/deliveries")
    assert page.locator("#retry tbody tr").count() == 2
    page.get_by_label("Chọn 1", exact=True).check()
    page.get_by_label("Vì sao gửi lại (được lưu lại)").first.fill("cổng đã sửa")
    page.get_by_role("button", name="Thử lại").click()
    assert "Đã xếp hàng thử lại 1 gói" in page.get_by_role("status").first.inner_text()
    assert page.locator("#retry tbody tr").count() == 1
    page.get_by_label("Vì sao bỏ").fill("cổng không cần")
    page.get_by_role("button", name="Bỏ hẳn").click()
    assert "Đã bỏ gói cong/2" in page.get_by_role("status").first.inner_text()
    page.get_by_label("Từ thay đổi số").fill("1")
    page.get_by_label("Đến thay đổi số").fill("5")
    page.get_by_label("Vì sao gửi lại (được lưu lại)").last.fill("cổng mất dữ liệu")
    page.get_by_role("button", name="Báo lại").click()
    page.get_by_role("button", name="Tạm dừng").click()
    assert "Đã tạm dừng đợt báo lại số 1" in page.get_by_role("status").first.inner_text()
    assert who.faults == []


def test_the_chart_shows_what_its_table_says(visitors: Visitors) -> None:
    who = visitors("viewer")
    page = who.page
    page.goto("/console")
    page.locator(".chart canvas").wait_for()
    page.get_by_text("Xem bảng số liệu").click()
    told = page.locator("#flow-table td[data-value]").evaluate_all(
        "cells => cells.map(cell => Number(cell.dataset.value)).reduce((a, b) => a + b, 0)"
    )
    drawn = page.evaluate(
        "() => echarts.getInstanceByDom(document.querySelector('.chart')).getOption().series"
        ".flatMap(one => one.data).reduce((a, b) => a + b, 0)"
    )
    assert told == drawn > 50
    assert who.faults == []


def test_a_viewer_is_offered_nothing_they_may_not(visitors: Visitors, hub: Seeded) -> None:
    who = visitors("viewer")
    for path in ("/console/quarantine", "/console/deliveries", "/console/reconciliation"):
        who.page.goto(path)
        assert who.page.locator("main form[method=post]").count() == 0
    assert who.page.get_by_role("link", name="Tài khoản").count() == 0


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_calendar_turns_its_years(visitors: Visitors, year: int) -> None:
    page = visitors("viewer").page
    page.goto(f"/console/calendar?year={year}")
    page.get_by_role("link", name=str(year + 1)).click()
    assert f"năm {year + 1}" in page.get_by_role("heading", level=1).inner_text()
