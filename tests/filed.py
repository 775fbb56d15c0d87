"""A licence desk, the simulated Department of Transport on a real socket, and the hub between."""

import contextlib
import functools
import hashlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.transport import simulator
from canonical.ports import Files, Settings, System
from store import alarms, filings
from store.filings import FilingRow
from sync import filing
from sync.jobs import Job, Stopping
from tests.patience import patience
from tests.trial import Trial, dossier

CONNECTION = "gtvt"
LICENCE = "1.002835"
FORM: dict[str, Any] = {
    "ngay_sinh": "1985-03-04",
    "gioi_tinh": "M",
    "quoc_tich": "VNM",
    "ngay_cap_giay_to": "2021-06-01",
    "hang_gplx": "B2",
    "giay_kham_suc_khoe": True,
    "muc_dich": "Cấp mới",
    "noi_thuong_tru": "Phường 1, Đông Hà",
}


class Papers:
    """Where a desk keeps the papers of its dossiers.

    Attributes:
        files: Path -> bytes.
        asked: Paths that were asked for, in order.
        status: What it answers instead, where not 200.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.status = 200
        self.base = ""
        self.app = Starlette(routes=[Route("/giay-to/{name:path}", self._give)])

    async def _give(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.asked.append(name)
        if self.status != 200:
            return Response("", self.status)
        data = self.files.get(name)
        return Response("", 404) if data is None else Response(data)

    def add(self, path: str, name: str, data: bytes, **over: Any) -> dict[str, Any]:
        """Keep a paper; the attachment a dossier names it by."""
        self.files[path] = data
        told = {
            "name": name,
            "url": f"{self.base}/{path}",
            "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
        }
        return {**told, **over}


class Counter:
    """The department, the desk and the hub.

    Attributes:
        department: The simulator; its `mood` is free to set.
        endpoint: Its address.
    """

    def __init__(self, hub: Trial, endpoint: str, papers: Papers, department: Any) -> None:
        self.hub = hub
        self.endpoint = endpoint
        self.papers = papers
        self.department = department

    def wait_as_long_as_it_is_worth(self) -> None:
        """From now on a call's limit is that of the department's mood."""
        self._build(lambda build, settings: build(self._patient(settings)))

    def _patient(self, settings: Settings) -> Settings:
        seconds = patience(self.department.mood)
        told = {**settings.options, "timeout_s": str(seconds)}
        return msgspec.structs.replace(settings, options=told)

    def _build(self, instead: Callable[[Callable[[Settings], Files], Settings], Files]) -> None:
        """Have what files built by `instead` of the system's own way, which it is given."""
        systems = self.hub.context.systems
        system: System = systems["transport"]
        build = system.file
        assert build is not None
        changed = msgspec.structs.replace(system, file=functools.partial(instead, build))
        self.hub.context.systems = {**dict(systems), "transport": changed}

    def connect(self, **options: str) -> None:
        """Have the hub file licences."""
        told = {"files_procedures": LICENCE, **options}
        self.hub.connect(
            CONNECTION,
            system="transport",
            endpoint=self.endpoint,
            settings=[f"{name}={value}" for name, value in told.items()],
        )

    def licence(self, number: int = 1, *, form: dict[str, Any] | None = FORM, **over: Any) -> Any:
        """A licence dossier as the desk says it, its papers kept at the desk."""
        attachments = []
        if form is not None:
            raw = json.dumps(form, ensure_ascii=False).encode()
            attachments.append(self.papers.add(f"{number}/form", "to-khai-gplx.json", raw))
        portrait = self.papers.add(f"{number}/portrait", "anh-chan-dung.jpg", b"JPEG %d" % number)
        scan = self.papers.add(f"{number}/scan", "cmnd.pdf", b"PDF %d" % number)
        told = {
            "procedure": {"code": LICENCE, "name": "Cấp giấy phép lái xe"},
            "applicant": {
                "kind": "person",
                "name": "Nguyễn Văn Thử",
                "id_number": f"0450{number:08d}",
                "address": "Phường 1, Đông Hà",
            },
            "status": "accepted",
            "attachments": [*attachments, portrait, scan],
        }
        return dossier(number, **{**told, **over})

    async def take(self, number: int = 1, **over: Any) -> str:
        """The desk takes a licence dossier in; the hub's id of it."""
        return await self.hub.take(self.licence(number, **over))

    async def work(self) -> None:
        """What a node does at a tick: look for what is due, and do it."""
        for job in filing.due(self.hub.context, self.hub.clock()):
            await filing.perform(self.hub.context, job, Stopping())

    async def perform(self) -> None:
        """One performer, whether anything is due or not."""
        await filing.perform(self.hub.context, Job("file", CONNECTION), Stopping())

    async def settle(self, **forward: float) -> None:
        """Let time pass, then work."""
        self.hub.clock.forward(**(forward or {"seconds": 3601}))
        await self.work()

    async def quiet(self) -> None:
        """Let hours pass, until nothing more happens by itself."""
        for _ in range(12):
            await self.settle()
            if all(row.due_at is None and row.state != "sending" for row in self.rows()):
                return

    def rows(self) -> list[FilingRow]:
        """All filings, oldest first."""
        with self.hub.store.read() as tx:
            return filings.list_filings(tx)[::-1]

    @property
    def row(self) -> FilingRow:
        """The one filing."""
        [row] = self.rows()
        return row

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """What the department took."""
        return [entry for entry in self.department.filings.ledger if entry["MaDK"]]

    @property
    def sent(self) -> int:
        """How often a filing arrived there, taken or not."""
        return len(self.department.filings.ledger)

    def alarms(self) -> list[tuple[str, str]]:
        with self.hub.store.read() as tx:
            return [(one.kind, one.key) for one in alarms.list_alarms(tx)]

    def watch(self, files: "Watched") -> None:
        """Put a wrapper around what files, so that a test may interfere."""

        def wrapped(build: Callable[[Settings], Files], settings: Settings) -> Files:
            files.inner = build(settings)
            return files

        self._build(wrapped)


class Watched:
    """What files, with something happening before or after a call."""

    inner: Any

    async def before_submit(self) -> None:
        return None

    async def after_submit(self) -> None:
        return None

    @property
    def form(self) -> str:
        return str(self.inner.form)

    @property
    def portrait(self) -> str:
        return str(self.inner.portrait)

    def render(self, number: str, body: dict[str, Any]) -> bytes:
        rendered: bytes = self.inner.render(number, body)
        return rendered

    async def submit(self, rendered: bytes) -> Any:
        await self.before_submit()
        try:
            return await self.inner.submit(rendered)
        finally:
            await self.after_submit()

    async def find_receipt(self, rendered: bytes, others: Any) -> Any:
        return await self.inner.find_receipt(rendered, others)

    async def fetch(self, address: str) -> bytes:
        fetched: bytes = await self.inner.fetch(address)
        return fetched

    async def send_paper(self, code: str, paper: Any) -> None:
        await self.inner.send_paper(code, paper)

    async def close(self) -> None:
        await self.inner.close()


class Stage:
    """One server on a thread of its own, for all tests of a process: whoever stands on it answers.

    Starting and ending one takes most of a second, which is more than most tests last.
    """

    def __init__(self) -> None:
        self.department: ASGIApp | None = None
        self.papers: ASGIApp | None = None
        listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(self, interface="asgi3", log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        threading.Thread(target=server.run, args=([listener],), daemon=True).start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_paper = scope["path"].startswith("/giay-to/")
        app = self.papers if is_paper else self.department
        assert app is not None
        await app(scope, receive, send)


@functools.cache
def stage() -> Stage:
    """The stage of this process."""
    return Stage()


@contextlib.asynccontextmanager
async def counter(hub: Trial) -> AsyncIterator[Counter]:
    """The department and the desk's papers on a socket; nothing is configured yet."""
    department = simulator.build()
    department.take({})  # type: ignore[attr-defined]
    papers = Papers()
    here = stage()
    here.department, here.papers = department.app, papers.app
    papers.base = f"{here.base}/giay-to"
    made = Counter(hub, here.base, papers, department)
    made.wait_as_long_as_it_is_worth()
    yield made
