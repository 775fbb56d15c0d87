"""The connections in real Chromium: pages are usable, a link is set up and mended by clicking."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.simulation import rest_sample
from hub.demo.serving import AppThread
from hub.settings import Settings
from hub.wiring import Systems
from tests.e2e.console.seeded import Seeded
from tests.e2e.console.visitor import NARROW, WIDE, Visitor
from tests.polled import Poll, row
from tests.trial import KEY

Visitors = Callable[..., Visitor]
LINK = "/console/connections/snv"
DECLARED = Path(__file__).parents[2] / "contract" / "declared" / "rest.toml"
PAGES = {
    "/console/connections": "Kết nối",
    "/console/connections/+new": "Thêm kết nối",
    "/console/connections/+new?system=rest": "Thêm kết nối: REST",
    **{
        f"{LINK}{page}": "Sở Nội vụ"
        for page in ("", "/settings", "/test", "/mapping", "/change", "/drift", "/versions")
    },
}


@pytest.fixture(scope="module")
def linked(hub: Seeded) -> Seeded:
    """The hub with a link that has a mapping, and what it brought."""
    rows = [row(1), row(2), row(3, dossierStatus="la")]
    body = json.dumps({"total": 3, "data": rows}).encode()
    poll = Poll(hub.trial, "snv", hub.trial.context.systems["one_stop"], "dossiers")
    with ThreadPoolExecutor(1) as threads:  # Playwright has this thread's loop
        threads.submit(lambda: asyncio.run(poll.run(body))).result()
    return hub


@pytest.fixture
def department() -> Iterator[str]:
    """A small department that speaks REST."""
    served = AppThread("rest-sample", rest_sample.build().app)
    yield served.base
    served.stop()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_usable(visitors: Visitors, linked: Seeded, path: str) -> None:
    who = visitors()
    who.page.goto(path)
    assert PAGES[path] in who.page.get_by_role("heading", level=1).inner_text()
    if path.endswith("/mapping"):
        who.page.locator("#preview table").wait_for()
    assert who.axe() == []
    who.page.set_viewport_size(NARROW)
    try:
        assert not who.is_wider_than_the_screen()
    finally:
        who.page.set_viewport_size(WIDE)
    assert who.faults == []


def test_a_declared_link_is_added_tested_and_enabled(
    visitors: Visitors, linked: Seeded, department: str
) -> None:
    linked.trial.context.probe = Systems(Settings(secret_key=KEY)).wire.probe()
    who = visitors()
    page = who.page
    page.goto("/console/connections/+new?system=rest")
    page.get_by_label("Mã kết nối").fill("so-mau")
    page.get_by_label("Địa chỉ (http, https) hoặc thư mục").fill(department)
    page.get_by_label("Khai báo (TOML hoặc JSON)").fill(DECLARED.read_text("utf-8"))
    page.get_by_role("button", name="Lưu bản nháp").click()
    page.wait_for_url("**/so-mau/settings")
    page.get_by_label("taiKhoan").fill(rest_sample.ACCOUNT)
    page.get_by_role("button", name="Lưu thiết lập").click()
    page.get_by_text("Đã lưu thành phiên bản mới").wait_for()
    page.get_by_label("Giá trị mới của mat_khau").fill(rest_sample.PASSWORD)
    page.get_by_role("button", name="Đặt", exact=True).click()
    page.get_by_text("Đã đặt mat_khau").wait_for()
    page.get_by_role("button", name="Thử kết nối").click()
    page.get_by_text("Đạt mọi chặng").wait_for()
    page.locator(".facts-line").get_by_text("đã thử").wait_for()
    page.get_by_role("button", name="Đưa vào hoạt động").click()
    page.get_by_text("Kết nối đã được đưa vào hoạt động").wait_for()
    assert who.faults == []


def test_a_mapping_is_edited_tried_promoted_and_rolled_back(
    visitors: Visitors, linked: Seeded
) -> None:
    who = visitors()
    page = who.page
    page.goto(f"{LINK}/mapping")
    page.get_by_role("button", name="Sửa status", exact=True).first.click()
    page.get_by_label("Nguồn", exact=True).fill("khongCo")
    page.get_by_text("Bản ghi này sẽ bị cách ly").wait_for()  # while one types
    page.get_by_role("button", name="Bỏ qua").click()
    page.locator("summary", has_text="status").click()
    page.locator(".table-box", has_text="status").get_by_role("button", name="Thêm mã").click()
    page.get_by_label("Mã của sở").fill("la")
    page.get_by_label("Thành, hoặc vì sao không").fill("stopped")
    page.get_by_role("button", name="Giữ mã này").click()
    page.get_by_text("có thay đổi chưa áp dụng").wait_for()
    page.get_by_role("button", name="Thử thay đổi trên dữ liệu đã lưu").click()
    page.wait_for_url("**/change")
    page.get_by_role("button", name="Áp dụng bản này").wait_for()
    assert "cách ly → áp dụng" in page.locator("main").inner_text()
    page.get_by_label("Lý do", exact=True).fill("sở báo mã mới")
    page.get_by_role("button", name="Áp dụng bản này").click()
    page.get_by_text("Đã áp dụng").first.wait_for()
    page.get_by_role("button", name="Xử lý lại").wait_for()
    page.goto(f"{LINK}/versions")
    page.locator("summary", has_text="Quay lại").first.click()
    page.get_by_label("Vì sao quay lại phiên bản 1").fill("chưa chắc")
    page.get_by_role("button", name="Quay lại 1").click()
    # What it would leave behind keeps a link that goes on from it, and is named.
    page.locator("#notices").get_by_text("“la”").wait_for()
    assert [one for one in who.faults if "409" not in one] == []
    page.get_by_role("button", name="Tạm dừng").click()
    page.get_by_text("Đã tạm dừng kết nối").wait_for()
    page.goto(f"{LINK}/versions")
    page.get_by_label("Vì sao quay lại phiên bản 1").locator("xpath=ancestor::details").click()
    page.get_by_label("Vì sao quay lại phiên bản 1").fill("chưa chắc")
    page.get_by_role("button", name="Quay lại 1").click()
    page.get_by_text("Đã quay lại cấu hình của phiên bản 1").wait_for()
