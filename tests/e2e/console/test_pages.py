"""Every page of the console in real Chromium: it renders, stays here, is usable by everybody."""

from collections.abc import Callable

import pytest

from tests.e2e.console.seeded import Seeded
from tests.e2e.console.visitor import NARROW, Visitor

# Address and what its heading says; {…} is filled in from the seeded hub.
PAGES = {
    "/console": "Tổng quan",
    "/console/dossiers": "Hồ sơ",
    "/console/dossiers/{first}": "Hồ sơ H50.12",
    "/console/receipts": "Biên nhận",
    "/console/receipts/{receipt}": "Biên nhận lúc",
    "/console/receipts/{receipt}/records/2": "Bản ghi gốc",
    "/console/quarantine": "Khu cách ly",
    "/console/disclosures": "Nhật ký xem dữ liệu",
    "/console/filings": "Hồ sơ nộp thay chờ quyết định",
    "/console/nowhere": "Không thực hiện được",
}
Visitors = Callable[..., Visitor]


def address(path: str, hub: Seeded) -> str:
    return path.format(first=hub.first, receipt=hub.receipt)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_renders_and_has_nothing_serious(visitors: Visitors, hub: Seeded, path: str) -> None:
    who = visitors()
    said = who.page.goto(address(path, hub), wait_until="networkidle")
    assert said.status == (404 if path == "/console/nowhere" else 200)
    assert PAGES[path] in who.page.get_by_role("heading", level=1).inner_text()
    faults = [one for one in who.faults if path != "/console/nowhere" or "404" not in one]
    assert faults == []
    assert who.axe() == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_on_a_telephone(visitors: Visitors, hub: Seeded, path: str) -> None:
    who = visitors("viewer" if path not in ONLY_ADMINISTRATORS else "administrator", NARROW)
    who.page.goto(address(path, hub))
    assert who.page.get_by_role("heading", level=1).is_visible()
    assert not who.is_wider_than_the_screen()


ONLY_ADMINISTRATORS = {"/console/disclosures", "/console/filings"}


@pytest.mark.parametrize("path", ["/console/login"])
def test_the_sign_in_renders_for_everybody(browser: object, hub: Seeded, path: str) -> None:
    who = Visitor(browser, hub.base, NARROW)
    who.page.goto(path)
    assert who.axe() == []
    assert who.faults == []
    assert not who.is_wider_than_the_screen()
    who.context.close()
