"""Peers of the pulled rows: dlt, the Singer pair, and node with the hub's rows to store."""

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import pull, source
from bench.cpu import Spent
from bench.laps import Contender, Lap
from bench.peers import installed
from bench.polled import licences_from
from bench.product import PREPARED, Product
from bench.verify.measured import measure

LONGEST_S = 3_600
DLT, SINGER, NODE = "dlt-pyarrow", "singer-pair", "node-fetch-same-rows"
NODE_SOAP, DLT_ZEEP, NODE_SOAP_EQUAL = "node-soap", "dlt-zeep", "node-soap-same-rows"
_WAYS = {NODE: "rest-equal", NODE_SOAP: "soap-written", NODE_SOAP_EQUAL: "soap-equal"}
_NEEDS = {
    DLT: ("dlt",),
    DLT_ZEEP: ("dlt",),
    SINGER: ("singer-tap", "singer-target"),
    NODE: ("node",),
    NODE_SOAP: ("node",),
    NODE_SOAP_EQUAL: ("node",),
}
_STORED = {DLT: "peer.dossier", DLT_ZEEP: "peer.dossier", SINGER: "peer.dossier"}


def _node(product: Product, who: str, records: int, url: str) -> tuple[list[str], dict[str, str]]:
    env = installed.environment(
        PEER_WAY=_WAYS[who],
        PEER_URL=url,
        PEER_SOURCE=str(product.source),
        PEER_RECORDS=str(records),
        PEER_FROM=licences_from(records).isoformat(),
        PEER_MODULES=str(installed.NODE / "node_modules"),
        PEER_CODE=str(installed.OWN / "node"),
        PEER_SQL=str(installed.OWN),
    )
    return ["node", str(installed.OWN / "node" / "pull.js")], env


def _dlt(
    product: Product, who: str, records: int, url: str, folder: str
) -> tuple[list[str], dict[str, str]]:
    way = "rest" if who == DLT else "soap"
    words = [url, str(product.source), str(records), licences_from(records).isoformat(), folder]
    python = installed.binary("dlt", "python")
    script = str(installed.OWN / "dlt_pull.py")
    return [python, script, way, *words], installed.environment(HOME=folder)


def _singer(
    product: Product, records: int, url: str, folder: str
) -> tuple[list[str], dict[str, str]]:
    """The pair that Meltano starts, joined by a pipe."""
    tap: dict[str, Any] = {
        "api_url": f"http://127.0.0.1:{product.source}",
        "pagination_request_style": "simple_offset_paginator",
        "pagination_response_style": "offset",
        "pagination_page_size": 500,
        "offset_records_jsonpath": "$.items",
        "streams": [
            {
                "name": "dossier",
                "path": "/rest",
                "records_path": "$.items[*]",
                "primary_keys": ["referenceUid"],
                "num_inference_records": 50,
                "params": {"limit": 500},
            }
        ],
    }
    target = {
        "sqlalchemy_url": url.replace("postgresql://", "postgresql+psycopg://"),
        "default_target_schema": "peer",
        "add_record_metadata": False,
        "activate_version": False,
        "batch_size_rows": 10_000,
    }
    for name, told in (("tap.json", tap), ("target.json", target)):
        (Path(folder) / name).write_text(json.dumps(told), "utf-8")
    line = (
        f"{installed.binary('singer-tap', 'tap-rest-api-msdk')} --config tap.json 2>tap.log"
        f" | {installed.binary('singer-target', 'target-postgres')} --config target.json"
        " >state 2>target.log"
    )
    return ["bash", "-c", f"cd {folder} && set -o pipefail && {line}"], installed.environment()


def _lap(product: Product, who: str, records: int) -> Callable[[int], Lap]:
    def lap(number: int) -> Lap:
        postgres = product.postgres
        source.tell(product.source, "first")
        is_equal = who in (NODE, NODE_SOAP_EQUAL)
        postgres.fresh("peer_lap", PREPARED if is_equal else "template1")
        if who == NODE_SOAP:
            with postgres.open("peer_lap") as at:
                at.execute((installed.OWN / "typical.sql").read_bytes())
        url = postgres.url("peer_lap")
        with tempfile.TemporaryDirectory(prefix="lienthong-peer-") as folder:
            if who in _WAYS:
                command, env = _node(product, who, records, url)
            elif who == SINGER:
                command, env = _singer(product, records, url, folder)
            else:
                command, env = _dlt(product, who, records, url, folder)
            spent = Spent(postgres=postgres.pid)
            found = measure(["timeout", str(LONGEST_S), *command], env)
            more = spent.of(records)
            if found.code:
                raise RuntimeError(f"exit {found.code}: {_last_words(folder)}")
        stored = postgres.one("peer_lap", f"SELECT count(*) FROM {_STORED.get(who, 'dossier')}")
        if stored != records:
            raise RuntimeError(f"{stored} of {records} dossiers are there")
        more |= {"wall_s": round(found.wall_s, 2), "rss_mib": round(found.rss_mib)}
        more["own_us"] = round(found.cpu_s * 1e6 / records, 1)
        return Lap(records / found.wall_s, more)

    return lap


def _last_words(folder: str) -> str:
    told = []
    for path in sorted(Path(folder).glob("*.log")):
        with contextlib.suppress(OSError):
            told.append(path.read_text("utf-8")[-500:])
    return " ".join(told) or "see above"


def contenders(product: Product, row: str, records: int) -> list[Contender]:
    """Everybody the hub is compared with in a row of pulls."""
    found = []
    for who in (DLT, SINGER, NODE) if row == pull.REST else (NODE_SOAP, DLT_ZEEP, NODE_SOAP_EQUAL):
        why = installed.missing(*_NEEDS[who])
        found.append(Contender(who, None if why else _lap(product, who, records), why))
    return found
