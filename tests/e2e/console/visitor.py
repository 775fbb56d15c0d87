"""Somebody who looks at the console in a browser, and what the browser complains of."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.console.seeded import PASSWORD

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
AXE = Path(__file__).parents[2] / "axe" / "axe-4.14.1.min.js"


class Visitor:
    """Somebody at a page.

    Attributes:
        faults: What the page complained of, and what it asked of another host.
    """

    def __init__(self, browser: Any, base: str, size: dict[str, int]) -> None:
        self.base = base
        self.context = browser.new_context(viewport=size, locale="vi-VN", base_url=base)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.faults: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text}")

    def _asked(self, request: Any) -> None:
        if urlsplit(request.url).netloc != urlsplit(
            self.base
        ).netloc and not request.url.startswith("data:"):
            self.faults.append(f"asked elsewhere: {request.url}")

    def sign_in(self, name: str) -> None:
        self.page.goto("/console/login")
        self.page.get_by_label("Tên đăng nhập").fill(name)
        self.page.get_by_label("Mật khẩu").fill(PASSWORD)
        self.page.get_by_role("button", name="Đăng nhập").click()
        self.page.wait_for_url("**/console")

    def axe(self) -> list[str]:
        """What axe finds serious or critical: rule and where."""
        self.page.evaluate(AXE.read_text("utf-8"))  # outside the page's own policy
        found = self.page.evaluate(
            "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
        )
        return [
            f"{one['id']}: {node['target']} {node.get('failureSummary', '')[:200]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:3]
        ]

    def is_wider_than_the_screen(self) -> bool:
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )
