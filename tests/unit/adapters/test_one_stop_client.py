"""Calls to Sở Nội vụ's one-stop app: how its pages are walked, its tokens, its simulator's data."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route

from adapters.one_stop import client, invented, simulator
from adapters.one_stop.paging import Place
from adapters.simulation import Simulation, running
from adapters.wire import Wire
from canonical.errors import Garbled, HubError, NotAllowed, Refused, TryAgain
from canonical.ports import Ask, Page, Settings
from canonical.reasons import Reason

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ROW: dict[str, Any] = next(row for row in invented.rows() if row["dossierStatus"] == "processing")


def stamped(*stamps: Any) -> list[Any]:
    return [{"modifiedDate": stamp} for stamp in stamps]


@pytest.mark.parametrize(
    ("place", "rows", "total", "after"),
    [
        (Place(None), stamped(5, 6, 7), 9, Place(7, 1)),
        (Place(None), stamped(5, 7, 7), 9, Place(7, 2)),
        (Place(7, 2), stamped(7, 8), 9, Place(8, 1)),
        (Place(7, 1), stamped(7, 7), 9, Place(7, 3)),  # one moment fills the page
        (Place(None), stamped(6, 5, 7), 9, Place(None, 3)),  # no order kept
        (Place(7), stamped(6, 8), 9, Place(7, 2)),
        (Place(None), stamped(5, "2016-01-01"), 9, Place(None, 2)),
        (Place(None), [None, {"modifiedDate": 5}], 9, Place(None, 2)),
        (Place(None), stamped(5, True), 9, Place(None, 2)),
        (Place(3, 1), stamped(4, 5), 3, None),
        (Place(3), [], 9, None),
    ],
)
def test_where_a_run_goes_on(
    place: Place, rows: list[Any], total: int, after: Place | None
) -> None:
    assert place.after(rows, total) == after


def test_a_cursor_stands_for_its_place() -> None:
    for place in (Place(None), Place(None, 500), Place(-5, 2), Place(1_457_057_700_000, 1)):
        assert Place.from_cursor(place.to_cursor(), system="x") == place
    for cursor in ("", "7", "a:1", "1:b", "1:-2", "1:2:3", ":"):
        with pytest.raises(Refused) as refused:
            Place.from_cursor(cursor, system="x")
        assert refused.value.reason is Reason.CURSOR_LOST


def settings_of(simulation: Simulation, base: str, **options: str) -> Settings:
    return Settings("one-stop", base, simulation.options | options, simulation.secrets)


def ask(**told: Any) -> Ask:
    return Ask(**({"since": None, "until": None, "cursor": None, "open_codes": ()} | told), now=NOW)


def ids_of(*pages: Page) -> list[int]:
    return [row["dossierId"] for page in pages for row in json.loads(page.raw)["data"]]


async def run(department: client.Client, wanted: Ask) -> list[Page]:
    return [page async for page in department.pages(wanted)]


async def test_a_dossier_modified_while_one_pages_hides_no_other() -> None:
    rows = invented.rows()
    simulation = simulator.build()
    wire = Wire()
    async with running(simulation) as base:
        department = client.connect(settings_of(simulation, base, page_size="5"), wire)
        seen: list[int] = []
        async for page in department.pages(ask()):
            seen += ids_of(page)
            if len(seen) == 5:  # three that were read go to the end; all others move up
                later = max(row["modifiedDate"] for row in rows) + 1000
                moved = [row | {"modifiedDate": later} for row in rows[:3]]
                simulation._on_data(moved + rows[3:])  # type: ignore[misc]
        await wire.close()
    assert set(seen) == {row["dossierId"] for row in rows}
    assert seen[-3:] == [row["dossierId"] for row in rows[:3]], "their news come at the end"


async def test_a_run_asks_for_its_window_and_logs_in_once() -> None:
    rows = sorted(invented.rows(), key=lambda row: row["modifiedDate"])
    since = datetime.fromtimestamp(rows[4]["modifiedDate"] / 1000, UTC)
    until = datetime.fromtimestamp(rows[20]["modifiedDate"] / 1000, UTC)
    simulation = simulator.build()
    wire = Wire()
    async with running(simulation) as base:
        department = client.connect(settings_of(simulation, base, page_size="6"), wire)
        pages = await run(department, ask(since=since, until=until))
        again = await run(department, ask(since=since + timedelta(milliseconds=1), until=until))
        await wire.close()
    assert ids_of(*pages) == [row["dossierId"] for row in rows[4:20]]
    assert {page.total for page in pages} == {16}
    assert pages[-1].cursor is None
    assert ids_of(*again) == ids_of(*pages)[1:]
    assert [entry["operation"] for entry in simulation.log].count("login") == 1


async def test_a_token_refused_in_mid_run_is_renewed_once_and_the_run_goes_on() -> None:
    simulation = simulator.build(options={"token_lists": "2"})
    wire = Wire()
    async with running(simulation) as base:
        department = client.connect(settings_of(simulation, base, page_size="10"), wire)
        pages = await run(department, ask())
        await wire.close()
    assert [entry["operation"] for entry in simulation.log] == [
        *("login", "dossiers", "dossiers", "dossiers"),
        *("login", "dossiers"),
    ]
    assert len(ids_of(*pages)) == len(set(ids_of(*pages))) == 26


async def test_a_token_that_ran_out_by_the_clock_is_not_sent() -> None:
    simulation = simulator.build(options={"expires_in": "0"})
    wire = Wire()
    async with running(simulation) as base:
        department = client.connect(settings_of(simulation, base, page_size="20"), wire)
        await run(department, ask())
        await wire.close()
    assert [entry["operation"] for entry in simulation.log] == ["login", "dossiers"] * 2


@pytest.mark.parametrize(
    ("login", "status", "said", "kind", "reason"),
    [
        ({"access_token": "a", "expires_in": 9}, 401, "invalid token", NotAllowed, "AUTH_DENIED"),
        ({"access_token": "a", "expires_in": 9}, 401, "token expired", NotAllowed, "AUTH_DENIED"),
        ({"access_token": "a", "expires_in": 9}, 403, "", NotAllowed, "AUTH_DENIED"),
        ({"access_token": "a", "expires_in": 9}, 400, "", Refused, "HTTP_4XX"),
        ({"access_token": "a", "expires_in": 9}, 500, "", TryAgain, "HTTP_5XX"),
        ({"access_token": "", "expires_in": 9}, 200, "", Garbled, "BODY_MALFORMED"),
        ({"access_token": "a\r\nb", "expires_in": 9}, 200, "", Garbled, "BODY_MALFORMED"),
        ({"access_token": "a", "expires_in": "9"}, 200, "", Garbled, "BODY_MALFORMED"),
        ({"description": "?"}, 200, "", Garbled, "BODY_MALFORMED"),
    ],
)
async def test_a_refusal_is_sorted_by_what_sync_must_do(
    login: dict[str, Any], status: int, said: str, kind: type[HubError], reason: str
) -> None:
    async def token(_: Any) -> JSONResponse:
        return JSONResponse(login)

    async def listed(_: Any) -> JSONResponse:
        return JSONResponse({"description": said}, status_code=status)

    app = Simulation(
        [
            Route("/o/rest/v2/login", token, methods=["POST"]),
            Route("/o/rest/v2/dossiers", listed),
        ]
    )
    wire = Wire()
    async with running(app) as base:
        with pytest.raises(kind) as failure:
            await run(client.connect(Settings("one-stop", base, {}, {}), wire), ask())
        await wire.close()
    assert failure.value.reason == reason
    assert failure.value.system == "one-stop" or isinstance(failure.value, Garbled)


# Simulator


async def test_the_simulator_serves_a_file_of_the_apps_own_rows(tmp_path: Path) -> None:
    rows = [ROW | {"dossierId": i, "modifiedDate": 1_457_057_700_000 + i} for i in range(1200)]
    data = tmp_path / "rows.json"
    data.write_text(json.dumps(rows[::-1]), "utf-8")
    simulation = simulator.build(data)
    wire = Wire()
    async with running(simulation) as base:
        department = client.connect(settings_of(simulation, base), wire)
        pages = await run(department, ask())
        await wire.close()
    assert [page.count for page in pages] == [500, 500, 200]
    assert ids_of(*pages) == list(range(1200))
