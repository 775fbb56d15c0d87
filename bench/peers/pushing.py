"""Peers of the pushed rows: Node-RED as its users draw it and with the hub's rows; spyne."""

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
from bench.push import Row

WRITTEN, SET, EQUAL, SPYNE = "node-red", "node-red-set-based", "node-red-same-rows", "spyne"
READY_S = 120.0
OCTETS = "application/octet-stream"  # so that the flow is handed the raw bytes, which it must keep
_DOORS = {
    WRITTEN: ("/written", push.JSON),
    SET: ("/set", push.JSON),
    EQUAL: ("/equal", OCTETS),
    SPYNE: ("/", push.XML),
}


@contextlib.contextmanager
def _serving(
    command: list[str], env: dict[str, str], folder: str, port: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """A peer that listens; ended afterwards."""
    log = Path(folder) / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=out, stderr=out)
    try:
        _wait(port, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until it answers anything but that its doors are not there yet."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        wire = HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError):
            wire.request("POST", "/written", b"[]", {"Content-Type": push.JSON})
            if wire.getresponse().status != 404:
                return
        wire.close()
        time.sleep(0.1)  # noqa: TID251 - nothing here has a clock to be handed
    raise RuntimeError(f"it is not ready:\n{log.read_text('utf-8')[-2000:]}")


def _node_red(url: str, client: str, folder: str, port: int) -> tuple[list[str], dict[str, str]]:
    node = installed.OWN / "node"
    for name in ("settings.js", "flows.json"):  # it writes beside its flows: it gets copies
        (Path(folder) / name).write_text((node / name).read_text("utf-8"), "utf-8")
    env = installed.environment(
        PEER_PORT=str(port),
        PEER_URL=url,
        PEER_CLIENT=client,
        PEER_FLOWS="flows.json",
        PEER_MODULES=str(installed.NODE / "node_modules"),
        PEER_CODE=str(node),
        PEER_SQL=str(installed.OWN),
    )
    red = str(installed.NODE / "node_modules" / "node-red" / "red.js")
    return ["node", red, "-u", folder], env


def _spyne(url: str, port: int) -> tuple[list[str], dict[str, str]]:
    script, merge = installed.OWN / "spyne_app.py", installed.OWN / "typical_merge.sql"
    python = installed.binary("spyne", "python")
    return [python, str(script), str(port), url, str(merge)], installed.environment()


def _lap(product: Product, row: Row, told: list[bytes], who: str) -> Callable[[int], Lap]:
    path, kind = _DOORS[who]
    count = len(told) * row.size

    def lap(number: int) -> Lap:
        postgres, port = product.postgres, free_port()
        empty = PREPARED if who == EQUAL else "template1"
        url = postgres.fresh("peer_lap", empty)
        if who != EQUAL:
            with postgres.open("peer_lap") as at:
                at.execute((installed.OWN / "typical.sql").read_bytes())
        with tempfile.TemporaryDirectory(prefix="lienthong-peer-") as folder:
            client = product.clients["desk"]["client_id"]
            command, env = (
                _spyne(url, port) if who == SPYNE else _node_red(url, client, folder, port)
            )
            with _serving(command, env, folder, port) as process:
                spent = Spent(own=process.pid, postgres=postgres.pid)
                requests = [load.post(path, body, kind) for body in told]
                found = push.measure(port, row, requests)
                found.more |= spent.of(count)
        push.expect(product, "peer_lap", count)
        found.more |= postgres.grown("peer_lap", empty, count)
        return found

    return lap


def contenders(product: Product, row: Row, told: list[bytes]) -> list[Contender]:
    """Everybody the hub is compared with in a row of pushes."""
    if row.kind == push.XML:
        names: tuple[str, ...] = (SPYNE,)
    else:
        names = (WRITTEN, EQUAL) if row.size == 1 else (WRITTEN, SET, EQUAL)
    why = installed.missing("spyne" if names == (SPYNE,) else "node")
    return [Contender(name, None if why else _lap(product, row, told, name), why) for name in names]
