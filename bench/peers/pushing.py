"""Peers of the pushed rows: Node-RED as its users draw it, and given the hub's rows to store."""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

from bench import load, push
from bench.cpu import Spent
from bench.laps import Contender, Lap
from bench.peers import installed
from bench.postgres import free_port
from bench.product import PREPARED, Product

WRITTEN, SET, EQUAL = "node-red", "node-red-set-based", "node-red-same-rows"
READY_S = 120.0
OCTETS = "application/octet-stream"  # so that the flow is handed the raw bytes, which it must keep


@contextlib.contextmanager
def node_red(url: str, client: str) -> Iterator[tuple[int, int]]:
    """A Node-RED that is ready; its port and its process."""
    port = free_port()
    node = installed.OWN / "node"
    env = installed.environment(
        PEER_PORT=str(port),
        PEER_URL=url,
        PEER_CLIENT=client,
        PEER_FLOWS=str(node / "flows.json"),
        PEER_MODULES=str(installed.NODE / "node_modules"),
        PEER_CODE=str(node),
        PEER_SQL=str(installed.OWN),
    )
    with tempfile.TemporaryDirectory(prefix="lienthong-node-red-") as folder:
        # It writes beside its flows: it gets copies.
        for name in ("settings.js", "flows.json"):
            (Path(folder) / name).write_text((node / name).read_text("utf-8"), "utf-8")
        env["PEER_FLOWS"] = "flows.json"
        red = str(installed.NODE / "node_modules" / "node-red" / "red.js")
        log = Path(folder) / "log"
        with log.open("wb") as out:
            command = ["node", red, "-u", folder]
            process = subprocess.Popen(command, env=env, cwd=folder, stdout=out, stderr=out)
        try:
            _wait(port, process, log)
            yield port, process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        wire = HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError):
            wire.request("POST", "/written", b"[]", {"Content-Type": "application/json"})
            if wire.getresponse().status == 200:
                return
        wire.close()
        time.sleep(0.1)  # noqa: TID251 - nothing here has a clock to be handed
    raise RuntimeError(f"Node-RED is not ready:\n{log.read_text('utf-8')[-2000:]}")


def _lap(product: Product, row: str, told: list[bytes], who: str) -> Callable[[int], Lap]:
    path, kind = {
        WRITTEN: ("/written", push.JSON),
        SET: ("/set", push.JSON),
        EQUAL: ("/equal", OCTETS),
    }[who]

    def lap(number: int) -> Lap:
        postgres = product.postgres
        if who == EQUAL:
            product.fresh("peer_lap")
        else:
            postgres.fresh("peer_lap")
            with postgres.open("peer_lap") as at:
                at.execute((installed.OWN / "typical.sql").read_bytes())
        client = product.clients["desk"]["client_id"]
        with node_red(postgres.url("peer_lap"), client) as (port, pid):
            spent = Spent(own=pid, postgres=postgres.pid)
            found = push.measure(port, row, [load.post(path, body, kind) for body in told])
            found.more |= spent.of(len(told) * push.PER_BODY[row])
        stored = postgres.one("peer_lap", "SELECT count(*) FROM dossier")
        if stored != len(told) * push.PER_BODY[row]:
            raise RuntimeError(f"{stored} of {len(told) * push.PER_BODY[row]} dossiers are there")
        empty = PREPARED if who == EQUAL else "template1"
        found.more |= postgres.grown("peer_lap", empty, stored)
        return found

    return lap


def contenders(product: Product, row: str, told: list[bytes]) -> list[Contender]:
    """Everybody the hub is compared with in a row of pushed JSON."""
    why = installed.missing("node")
    names = (WRITTEN, EQUAL) if row == push.SINGLE else (WRITTEN, SET, EQUAL)
    return [Contender(name, None if why else _lap(product, row, told, name), why) for name in names]
