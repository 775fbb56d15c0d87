"""A man in the middle of hub and PostgreSQL, who cuts the line at a decided point.

He reads what the hub says well enough to know what each transaction did and when it says COMMIT.

    with cutting(server_uri) as line:
        line.decide = lambda told: Cut.AFTER if did(told, 'INSERT INTO "receipt"') else None
        … a hub whose HUB_DATABASE_URL is line.uri …
        line.cuts                # what was cut so far, and where

`Cut.BEFORE`: COMMIT never reaches the server, which undoes everything. `Cut.AFTER`: the server has
committed and the hub never hears it. Both look the same to the hub.
"""

import contextlib
import enum
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_PLAIN = b"N"
_ENDS = ("BEGIN", "COMMIT", "ROLLBACK")


class Cut(enum.Enum):
    """When the line is cut."""

    BEFORE = "before"
    AFTER = "after"


Decide = Callable[[Sequence[str]], Cut | None]


def did(told: Sequence[str], what: str) -> bool:
    """Whether a transaction said something."""
    return any(what in statement for statement in told)


@dataclass
class Line:
    """The line between them.

    Attributes:
        uri: Where the hub finds its server.
        decide: Asked at every COMMIT with the statements of its transaction; None lets it pass.
        cuts: Every cut, with the first statement of its transaction that wrote.
        commits: How many passed or were cut.
    """

    uri: str
    server: str
    decide: Decide = lambda _: None
    cuts: list[tuple[Cut, str]] = field(default_factory=list)
    commits: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at_commit(self, told: Sequence[str]) -> Cut | None:
        with self.lock:
            self.commits += 1
            cut = self.decide(told)
            if cut is not None:
                wrote = (t for t in told if t[:6] in ("INSERT", "UPDATE", "DELETE"))
                self.cuts.append((cut, next(wrote, "")[:60]))
            return cut


def once(cut: Cut, what: str) -> Decide:
    """Cuts the first transaction that says something, and no other."""
    left = [cut]
    return lambda told: left.pop() if left and did(told, what) else None


@contextlib.contextmanager
def cutting(server_uri: str) -> Iterator[Line]:
    """A line to a server that listens on a Unix socket, as PostgreSQL's tests do."""
    parts = urlsplit(server_uri)
    folder = parse_qs(parts.query)["host"][0]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        line = Line(
            uri=f"postgresql://postgres@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable",
            server=f"{folder}/.s.PGSQL.5432",
        )
        threading.Thread(target=_accept, args=(listener, line), daemon=True).start()
        yield line


def _accept(listener: socket.socket, line: Line) -> None:
    while True:
        try:
            hub, _ = listener.accept()
        except OSError:
            return  # closed: the test is over
        threading.Thread(target=_talk, args=(hub, line), daemon=True).start()


class _Back:
    """What the server says, passed on until it is muted."""

    def __init__(self, server: socket.socket, hub: socket.socket) -> None:
        self._server, self._hub = server, hub
        self.is_muted = False
        self.heard = threading.Event()  # the server has spoken since it was muted

    def pump(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._server.recv(1 << 16):
                if self.is_muted:
                    self.heard.set()
                else:
                    self._hub.sendall(data)
            self._hub.shutdown(socket.SHUT_RDWR)
        self.heard.set()


def _talk(hub: socket.socket, line: Line) -> None:
    with hub, socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(line.server)
        except OSError:
            return  # the server is down, and so is the line
        back = _Back(server, hub)
        with contextlib.suppress(OSError, EOFError):
            _greet(hub, server)
            threading.Thread(target=back.pump, daemon=True).start()
            _listen(hub, server, line, back)
        for one in (hub, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _greet(hub: socket.socket, server: socket.socket) -> None:
    """The first message has no kind; one that asks for encryption is told no."""
    while True:
        head = _exactly(hub, 4)
        rest = _exactly(hub, struct.unpack("!I", head)[0] - 4)
        if struct.unpack("!I", rest[:4])[0] not in (_SSL_REQUEST, _GSS_REQUEST):
            server.sendall(head + rest)
            return
        hub.sendall(_PLAIN)


def _listen(hub: socket.socket, server: socket.socket, line: Line, back: _Back) -> None:
    """Passes every message of the hub on, and cuts where it is decided."""
    prepared: dict[str, str] = {}
    told: list[str] = []
    while True:
        kind, length = struct.unpack("!cI", head := _exactly(hub, 5))
        body = _exactly(hub, length - 4)
        said = _said(kind, body, prepared)
        if said == "COMMIT" and (cut := line.at_commit(told)) is not None:
            if cut is Cut.AFTER:
                back.is_muted = True
                server.sendall(head + body)
                assert back.heard.wait(30)  # it has committed, or refused to
            return
        if said is not None:
            told = [] if said.startswith(_ENDS) else [*told, said]
        server.sendall(head + body)


def _said(kind: bytes, body: bytes, prepared: dict[str, str]) -> str | None:
    """The statement that a message runs; None where it runs none."""
    if kind == b"Q":
        return body[:-1].decode("utf-8", "replace")
    if kind == b"P":
        name, _, rest = body.partition(b"\0")
        prepared[name.decode()] = rest.partition(b"\0")[0].decode("utf-8", "replace")
    if kind == b"B":
        return prepared.get(body.split(b"\0", 2)[1].decode())
    return None


def _exactly(of: socket.socket, size: int) -> bytes:
    held = b""
    while len(held) < size:
        data = of.recv(size - len(held))
        if not data:
            raise EOFError
        held += data
    return held
