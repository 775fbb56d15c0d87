"""Pictures of the console's main pages into docs/img, in the system's Chromium.

    make screenshots

A hub with the demo's departments, simulated and alive; it has asked each of them once.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

HOUSE = Path(__file__).parents[1]
sys.path.insert(0, str(HOUSE))

from playwright.sync_api import Page, sync_playwright  # noqa: E402 - the house is found first

from canonical import clock  # noqa: E402
from hub import logs, wiring  # noqa: E402
from hub.commands import clients, connections, publications, receivers  # noqa: E402
from hub.commands.catalogue_csv import merged_into  # noqa: E402
from hub.demo import flow  # noqa: E402
from hub.demo.generate import write_all  # noqa: E402
from hub.demo.serving import AppThread, HubThread, SimulatorThread, stop_all  # noqa: E402
from hub.demo.setup import CITIES, Commands, connect, load_catalogue  # noqa: E402
from hub.settings import Settings  # noqa: E402
from sync import staff  # noqa: E402
from sync.context import Context  # noqa: E402
from sync.reconcile import reconcile  # noqa: E402
from tests.e2e.console.chromium import FLAGS, chromium  # noqa: E402

IMAGES = HOUSE / "docs" / "img"
LARGEST_BYTES = 300_000
OWN = "một câu đủ dài cho ảnh chụp"
SYSTEMS = ("one_stop", "transport", "business_registry", "police_plates", "tax", *CITIES)
_APPS = {"dong-ha": "DH", "vinh-linh": "VL"}


def main() -> int:
    """Take the pictures; 2 where they cannot be taken here."""
    found = chromium()
    if found is None:
        print("no Chromium here: no pictures", file=sys.stderr)
        return 2
    logs.install("ERROR")
    with tempfile.TemporaryDirectory(prefix="lienthong-pictures-") as folder, ExitStack() as stack:
        base, account = stack.enter_context(_hub(Path(folder)))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        page = browser.new_page(
            viewport={"width": 1280, "height": 860}, locale="vi-VN", base_url=base
        )
        page.set_default_timeout(60_000)
        _sign_in(page, account.name, account.password)
        _take_all(page)
        browser.close()
    return 0


@contextlib.contextmanager
def _hub(folder: Path) -> Iterator[tuple[str, staff.Made]]:
    """The hub, serving: its address and the account to sign in with."""
    settings = Settings(data_dir=folder / "data", database_url="", tick_s=0.2, port=0)
    with ExitStack() as stack:
        context = wiring.open_hub(settings)
        stack.callback(context.store.dispose)
        threads: list[AppThread] = []
        stack.callback(stop_all, threads)
        _connected(context, folder, threads)
        account = staff.add_first(context)
        if account is None:
            raise AssertionError("a new hub has nobody")
        hub = stack.enter_context(HubThread(context, settings))
        asyncio.run(_asked(context))
        yield hub.base, account


def _connected(context: Context, folder: Path, threads: list[AppThread]) -> None:
    commands = Commands(
        merge_catalogue=merged_into,
        add_connection=connections.make,
        change_connection=connections.alter,
        add_client=clients.make,
        add_receiver=receivers.make,
        count_again=publications.count_again,
    )
    made = write_all(folder / "simulators", clock.day_of(context.now()))
    for name, data in made.files.items():
        system, options = name, {}
        if name in _APPS:
            system, options = "city_one_stop", {"maDonViTiepNhan": _APPS[name]}
        elif name == "police_plates":
            options = {"folder": str(folder / "police_plates")}
        threads.append(SimulatorThread(name, system, data, options))
    load_catalogue(context, commands)
    connect(context, commands, [one.department for one in threads])  # type: ignore[attr-defined]
    portal = SimulatorThread("cong-tinh", "public_portal")
    threads.append(portal)
    receivers.make(
        context,
        "cong-tinh",
        "public_portal",
        endpoint=portal.department.endpoint,
        settings=[f"{name}={value}" for name, value in portal.department.options.items()],
    )


async def _asked(context: Context) -> None:
    for name in SYSTEMS:
        await flow.ask(context, name, lambda told: print(told, file=sys.stderr))
    await reconcile(context, "transport")


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
    _take(page, "/console/dossiers?connection=transport&status=handed_over", "tim-ho-so")
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
