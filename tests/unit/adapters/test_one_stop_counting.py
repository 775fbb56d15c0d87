"""The app's own count: read strictly, and marked as the simulator marks it."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from adapters.one_stop import client, counting, invented, simulator
from adapters.simulation import running
from adapters.wire import Wire
from canonical.errors import Garbled
from canonical.ports import Ask, Counts, Settings, Tally

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
GOOD = {"serviceCode": "A", "receiveDay": "2026-03-02", "total": 2, "digest": "00000000000000ff"}


def test_a_count_is_read() -> None:
    raw = json.dumps({"data": [GOOD, GOOD | {"receiveDay": None}]}).encode()
    assert counting.tallies(raw) == [
        Tally("A", date(2026, 3, 2), 2, 255),
        Tally("A", None, 2, 255),
    ]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"data": {}},
        {"data": [7]},
        {"data": [GOOD | {"total": 0}]},
        {"data": [GOOD | {"total": True}]},
        {"data": [GOOD | {"total": "2"}]},
        {"data": [GOOD | {"digest": "ff"}]},
        {"data": [GOOD | {"digest": "zz00000000000000"}]},
        {"data": [GOOD | {"receiveDay": "02/03/2026"}]},
        {"data": [GOOD | {"receiveDay": 7}]},
        {"data": [{name: value for name, value in GOOD.items() if name != "serviceCode"}]},
    ],
)
def test_what_is_no_count_is_outside_the_contract(told: Any) -> None:
    with pytest.raises(Garbled):
        counting.tallies(json.dumps(told).encode())


async def test_counts_add_up_to_the_list_and_each_lists_its_own() -> None:
    simulation = simulator.build()
    wire = Wire()
    async with running(simulation) as base:
        settings = Settings("mot-cua", base, simulation.options, simulation.secrets)
        department = client.connect(settings, wire)
        assert isinstance(department, Counts)
        tallies = await department.census()
        now = {row["referenceUid"]: row for row in sorted(invented.rows(), key=_modified)}
        assert sum(tally.count for tally in tallies) == len(now)
        for tally in tallies:
            ask = Ask(None, None, None, (), NOW)
            pages = [page async for page in department.listing(tally, ask)]
            rows = {r["referenceUid"]: r for p in pages for r in json.loads(p.raw)["data"]}
            assert tally.digest == sum(_mark(department, row) for row in rows.values()) % 2**64
        await department.close()


def _modified(row: dict[str, Any]) -> int:
    return int(row["modifiedDate"])


def _mark(department: client.Client, row: dict[str, Any]) -> int:
    words = [row.get("dossierStatus"), row.get("dossierSubStatus")]
    at = datetime.fromtimestamp(row["modifiedDate"] / 1000, UTC)
    says = {"raw_status": "/".join(word for word in words if word)}
    return department.mark(row["referenceUid"], says, at)
