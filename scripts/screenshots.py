"""Pictures of the console's main pages into docs/img: the demo's hub, in the system's Chromium.

    make screenshots

Starts `hub demo` with a folder of its own, signs in with the account it prints, and ends it.
"""

import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HOUSE = Path(__file__).parents[1]
sys.path.insert(0, str(HOUSE))

from playwright.sync_api import Page, sync_playwright  # noqa: E402 - the house is found first

from tests.e2e.console.chromium import FLAGS, chromium  # noqa: E402 - the same

IMAGES = HOUSE / "docs" / "img"
LARGEST_BYTES = 300_000
TOLD = re.compile(r"(http://\S+)/console \(tài khoản (\S+), mật khẩu dùng một lần (\S+)\)")
OWN = "một câu đủ dài cho ảnh chụp"
HUB = "from hub.main import main; main()"


def main() -> int:
    """Take the pictures; 2 where they cannot be taken here."""
    found = chromium()
    if found is None:
        print("no Chromium here: no pictures", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="lienthong-pictures-") as folder:
        # The demo stays while somebody is watching: it looks for a terminal.
        ours, theirs = pty.openpty()
        env = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", HUB, "demo"],
            env=env | {"HUB_DATA_DIR": folder},
            stdout=theirs,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            base, name, password = _wait(process, ours)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
                page = browser.new_page(
                    viewport={"width": 1280, "height": 860}, locale="vi-VN", base_url=base
                )
                _sign_in(page, name, password)
                _take_all(page)
                browser.close()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    return 0


def _wait(process: subprocess.Popen[str], terminal: int) -> tuple[str, str, str]:
    """What the demo says of its console, once it is serving."""
    os.set_blocking(terminal, False)
    told: tuple[str, str, str] | None = None
    for line in process.stderr or ():
        print(line.rstrip(), file=sys.stderr)
        try:
            while os.read(terminal, 65_536):  # a terminal that nobody reads would hold it up
                pass
        except BlockingIOError:
            pass
        if (match := TOLD.search(line)) is not None:
            told = (match[1], match[2], match[3])
        if told is not None and "Ctrl-C" in line:
            return told
    raise SystemExit("the demo ended before it served")


def _sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/console/login")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / "dang-nhap.png")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button[type=submit]")
    page.fill("#before", password)
    page.fill("#after", OWN)
    page.fill("#again", OWN)
    page.click("main button[type=submit]")
    page.wait_for_url("**/console")


def _take_all(page: Page) -> None:
    _take(page, "/console", "tong-quan")
    _take(page, "/console/connections", "ket-noi")
    page.locator("main table a[href^='/console/connections/']").first.click()
    _shoot(page, "mot-ket-noi")
    _take(page, "/console/dossiers?status=handed_over", "tim-ho-so")
    page.locator("main tbody a").first.click()
    _shoot(page, "ho-so")
    _take(page, "/console/receipts", "bien-nhan")
    _take(page, "/console/quarantine", "khu-cach-ly")
    link = page.locator("main tbody td:last-child a").first
    if link.count():
        link.click()
        _shoot(page, "ban-ghi-cach-ly")
    _take(page, "/console/deliveries", "gui-di")
    _take(page, "/console/reconciliation", "doi-chieu")
    _take(page, "/console/calendar?year=2026", "lich-lam-viec")
    _take(page, "/console/codes?connection=transport", "bang-ma")


def _take(page: Page, path: str, name: str) -> None:
    page.goto(path)
    _shoot(page, name)


def _shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    if path.stat().st_size > LARGEST_BYTES:
        raise SystemExit(f"{path.name} is larger than {LARGEST_BYTES} bytes")
    print(path.relative_to(HOUSE))


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    sys.exit(main())
