"""Every page of the console in real Chromium: it renders, stays here, is usable by everybody."""

from collections.abc import Callable

import pytest

from tests.e2e.console.seeded import Seeded
from tests.e2e.console.visitor import NARROW, WIDE, Visitor

# Address and what its heading says; {…} is filled in from the seeded hub.
PAGES = {
    "/console": "Tổng quan",
    "/console/dossiers": "Hồ sơ",
    "/console/dossiers/{first}": "Hồ sơ H50.12",
    "/console/receipts": "Biên nhận",
    "/console/receipts/{receipt}": "Biên nhận lúc",
    "/console/receipts/{receipt}/records/1": "Bản ghi gốc",
    "/console/quarantine": "Khu cách ly",
    "/console/quarantine/cause?connection=desk&reason=STATUS_UNKNOWN&field=status": "Trạng thái",
    "/console/quarantine/{refused}": "Trạng thái",
    "/console/deliveries": "Gửi đi",
    "/console/reconciliation": "Đối chiếu",
    "/console/reconciliation/1": "Đối chiếu desk",
    "/console/calendar?year=2026": "Lịch làm việc năm 2026",
    "/console/agencies": "Danh mục cơ quan",
    "/console/procedures": "Danh mục thủ tục",
    "/console/codes": "Bảng mã",
    "/console/staff": "Tài khoản",
    "/console/disclosures": "Nhật ký xem dữ liệu",
    "/console/filings": "Hồ sơ nộp thay chờ quyết định",
    "/console/nowhere": "Không thực hiện được",
}
Visitors = Callable[..., Visitor]


def address(path: str, hub: Seeded) -> str:
    return path.format(first=hub.first, receipt=hub.receipt, refused=hub.refused)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_renders_here_and_is_usable(visitors: Visitors, hub: Seeded, path: str) -> None:
    """It says what it is, asks nobody else, complains of nothing, passes axe, fits a telephone."""
    who = visitors()
    said = who.page.goto(address(path, hub))
    is_nowhere = path == "/console/nowhere"
    assert said.status == (404 if is_nowhere else 200)
    assert PAGES[path] in who.page.get_by_role("heading", level=1).inner_text()
    assert who.axe() == []
    who.page.set_viewport_size(NARROW)
    try:
        assert who.page.get_by_role("heading", level=1).is_visible()
        assert not who.is_wider_than_the_screen()
    finally:
        who.page.set_viewport_size(WIDE)
    assert [one for one in who.faults if not (is_nowhere and "404" in one)] == []


def test_the_sign_in_is_usable(browser: object, hub: Seeded) -> None:
    who = Visitor(browser, hub.base, NARROW)
    who.page.goto("/console/login")
    assert who.axe() == []
    assert who.faults == []
    assert not who.is_wider_than_the_screen()
    who.context.close()


@pytest.mark.parametrize("path", ["/console", "/console/dossiers/{first}", "/console/quarantine"])
def test_the_same_page_in_english(visitors: Visitors, hub: Seeded, path: str) -> None:
    who = visitors("viewer")
    who.page.goto(address(path, hub))
    who.page.get_by_role("button", name="English").click()
    assert who.page.url.endswith(address(path, hub))
    assert who.page.locator("html").get_attribute("lang") == "en"
    assert who.axe() == []
    who.page.get_by_role("button", name="Tiếng Việt").click()
    assert who.page.locator("html").get_attribute("lang") == "vi"
    assert who.faults == []
