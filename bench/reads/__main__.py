"""`python -m bench.reads`: what a portal reads of a large store, over HTTP and with a token.

By id, by code, a page of 50 by agency and state, and a page behind 900,000 dossiers of a million.
Beside it the same reads through SQLModel objects (`bench.reads.peer`) on the same rows and server.
"""

import base64
import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg

from bench import load
from bench.cpu import Spent
from bench.laps import Contender, Lap, interleave
from bench.postgres import free_port
from bench.product import READY_S
from bench.reads import given
from bench.reads.given import Filled
from bench.reads.peer_token import token as peer_token
from bench.reads.portal import PORTAL, Portal

# A portal has many readers at once.
CONNECTIONS = 32
LIMIT = 50
DEPARTMENT, PROVINCE = "H50.05", "H50"
# Requests in a lap: of single dossiers, of pages; a twentieth of them warms up.
SINGLES, PAGES = 2_000, 400
ALL_STATES = ("handed_over", "in_progress", "stopped")


class Asked(msgspec.Struct, frozen=True):
    """One row of the table.

    Attributes:
        paths: What is asked of the hub.
        peer: The same in the peer's words.
        share: Of as many requests, how many the peer is asked: it is slower.
    """

    name: str
    paths: Sequence[str]
    peer: Sequence[str]
    share: float = 0.25


def _path(**told: Any) -> str:
    return "/api/v1/dossiers?" + urlencode({k: v for k, v in told.items() if v is not None})


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(str(place).encode()).rstrip(b"=").decode()


def rows(url: str, records: int) -> list[Asked]:
    """What is asked; drawn anew from the same store it is the same."""
    dice = random.Random(4)
    with psycopg.connect(url) as at:
        sql = "SELECT public_id, body::jsonb->>'national_code' FROM dossier WHERE id = ANY(%s)"
        first, last = at.execute("SELECT min(id), max(id) FROM dossier").fetchone() or (0, 0)
        ids = [dice.randint(first + 11, last) for _ in range(SINGLES)]
        found = at.execute(sql, (ids,)).fetchall()
    dice.shuffle(found)
    by_id = [f"/api/v1/dossiers/{public_id}" for public_id, _ in found]
    by_code = [_path(code=code) for _, code in found]
    return [
        Asked("reads-id", by_id, by_id),
        Asked("reads-code", by_code, by_code),
        _pages("reads-page", DEPARTMENT, [dice.randrange(last) for _ in range(PAGES)], dice),
        *_depth(records, first + 11),
    ]


def _pages(name: str, agency: str, places: Sequence[int], dice: random.Random) -> Asked:
    told = [(dice.choice(ALL_STATES), place) for place in places]
    same = {"agency": agency, "limit": LIMIT}
    return Asked(
        name,
        [_path(status=state, cursor=_cursor(place), **same) for state, place in told],
        [_path(status=state, after=place, **same) for state, place in told],
    )


def _depth(records: int, first: int) -> Iterator[Asked]:
    """Pages of the whole province in one state, at the beginning and behind nine tenths."""
    dice = random.Random(5)
    span = records // 25
    for name, begin in (("reads-first", first), ("reads-deep", first + records * 9 // 10)):
        places = [begin + dice.randrange(span) for _ in range(PAGES)]
        same = {"agency": PROVINCE, "status": "handed_over", "limit": LIMIT}
        yield Asked(
            name,
            [_path(cursor=_cursor(place), **same) for place in places],
            [_path(after=place, **same) for place in places],
        )


@contextlib.contextmanager
def peer_served(url: str) -> Iterator[tuple[int, int]]:
    """Port and process id of the peer."""
    port = free_port()
    env = os.environ | {
        "PEER_URL": url.replace("postgresql://", "postgresql+psycopg://"),
        "PEER_PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-m", "bench.reads.peer"], env=env)
    try:
        until = time.monotonic() + READY_S
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError):
                link = HTTPConnection("127.0.0.1", port, timeout=5)
                link.request("GET", "/openapi.json")
                link.getresponse().read()
                break
            time.sleep(0.05)  # noqa: TID251 - nothing here has a clock to be handed
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _lap(port: int, paths: Sequence[str], who: str, **pids: int) -> Callable[[int], Lap]:
    requests = [load.get(path, who) for path in paths]

    def lap(_number: int) -> Lap:
        load.run(port, requests[: len(requests) // 20 + CONNECTIONS], CONNECTIONS)
        spent = Spent(**pids)
        told = load.run(port, requests, CONNECTIONS)
        if told.bad:
            raise RuntimeError(f"{told.bad} answers were no 2xx: {told.first_bad!r}")
        more: dict[str, Any] = {"p50_ms": round(told.percentile(0.5) * 1e3, 2)}
        more["p99_ms"] = round(told.percentile(0.99) * 1e3, 2)
        return Lap(len(requests) / told.wall_s, more | spent.of(len(requests)))

    return lap


def same_answers(hub: tuple[int, str], peer: tuple[int, str], asked: Sequence[Asked]) -> None:
    """Both say the same of the same dossiers.

    Raises:
        RuntimeError: they do not; names the row.
    """
    for row in asked:
        told = [
            _dossiers(_get(port, path, who))
            for (port, who), path in ((hub, row.paths[0]), (peer, row.peer[0]))
        ]
        if told[0] != told[1] or not told[0]:
            raise RuntimeError(f"{row.name}: the peer does not answer as the hub does")


def _get(port: int, path: str, who: str) -> Any:
    link = HTTPConnection("127.0.0.1", port, timeout=120)
    link.request("GET", path, headers={"Authorization": who})
    return msgspec.json.decode(link.getresponse().read())


def _dossiers(told: dict[str, Any]) -> list[Any]:
    """Dossiers without what only the hub says in words, and without nulls the peer leaves in."""
    items = told.get("items", [told])
    return [{k: v for k, v in one.items() if k != "findings"} for one in items]


def measure(filled: Filled) -> None:
    """All rows on one store, hub and peer in turn."""
    portal = Portal(filled.url, filled.folder)
    asked = rows(filled.url, filled.records)
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(portal.serving(portal.database))
        who = served.token(PORTAL)
        pids = {"own": served.process.pid, "postgres": portal.postgres.pid}
        hub = {a.name: _lap(served.port, a.paths, who, **pids) for a in asked}
        peer = {}
        if not filled.alone:
            port, pid = stack.enter_context(peer_served(filled.url))
            peer_who = peer_token(portal.clients[PORTAL]["client_id"])
            same_answers((served.port, who), (port, peer_who), asked)
            for a in asked:
                some = a.peer[: int(len(a.peer) * a.share)]
                pids = {"own": pid, "postgres": portal.postgres.pid}
                peer[a.name] = _lap(port, some, peer_who, **pids)
        for a in asked[:3]:
            both = [Contender(filled.hub, hub[a.name])]
            if not filled.alone:
                both.append(Contender("sqlmodel", peer[a.name]))
            interleave(filled.results, a.name, "answers/s", both, filled.laps)
        first, deep = filled.hub, f"{filled.hub}, deep"
        both = [Contender(first, hub["reads-first"]), Contender(deep, hub["reads-deep"])]
        if not filled.alone:
            both.append(Contender("sqlmodel, deep", peer["reads-deep"]))
        interleave(filled.results, "reads-deep", "answers/s", both, filled.laps)


def main() -> None:
    """Measure on each store that is asked for."""
    for filled in given.stores(__doc__):
        measure(filled)


if __name__ == "__main__":
    main()
