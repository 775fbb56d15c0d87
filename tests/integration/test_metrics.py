"""What the hub says of itself: alive, ready, and its figures, on both stores."""

import asyncio
import re
import threading
from typing import Any

import pytest
from sqlalchemy import text

from gateway import metrics
from store import figures
from sync.jobs import Stopping
from tests.everything import fill, under_way
from tests.trial import Trial, dossier

Told = dict[tuple[str, frozenset[str]], float]
SAMPLE = re.compile(r"^(hub_\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


async def told(hub: Trial) -> Told:
    """Every sample: (name, its labels as `name="value"`) -> value."""
    said = await hub.call("GET", "/metrics")
    assert said.status == 200
    assert said.headers["content-type"].startswith("text/plain")
    found = SAMPLE.findall(said.raw.decode())
    return {
        (name, frozenset(re.findall(r'\w+="[^"]*"', labels))): float(value)
        for name, labels, value in found
    }


def of(name: str, **labels: str) -> tuple[str, frozenset[str]]:
    return name, frozenset(f'{label}="{value}"' for label, value in labels.items())


@pytest.mark.unproved  # the rows of the work under way are made up
async def test_the_figures_say_how_everything_stands(hub: Trial) -> None:
    await fill(hub)
    under_way(hub)
    hub.clock.set("2026-03-02T10:00:00")
    figure = await told(hub)
    newest = await hub.seq()
    expected = {
        of("hub_records_total", connection="desk", disposition="applied"): 7,
        of("hub_records_total", connection="desk", disposition="duplicate"): 1,
        of("hub_quarantined", connection="desk", reason="STATUS_UNKNOWN"): 1,
        of("hub_dossiers"): 7,
        of("hub_change_seq"): newest,
        of("hub_pending_receipts"): 0,
        of("hub_pending_oldest_seconds"): 0,
        of("hub_connection_enabled", connection="desk"): 1,
        of("hub_connection_breaker", connection="desk", state="open"): 1,
        of("hub_connection_breaker", connection="land", state="closed"): 1,
        of("hub_connection_failures", connection="desk"): 2,
        of("hub_connection_waits_for", connection="desk", reason="AUTH_DENIED"): 1,
        of("hub_connection_suspect_seconds", connection="desk"): 3_599.75,
        of("hub_runs_total", connection="desk", state="failed", reason="HTTP_5XX"): 1,
        of("hub_alarms", kind="breaker"): 1,
        of("hub_verify_findings"): 2,
        of("hub_receiver_enabled", receiver="cong"): 1,
        of("hub_receiver_breaker", receiver="cong", state="closed"): 1,
        of("hub_receiver_behind", receiver="cong", lane="live"): newest - 1,
        of("hub_receiver_behind", receiver="cong", lane="backlog"): 0,
        of("hub_receiver_behind", receiver="cong", lane="replay"): 1,
        of("hub_deliveries", receiver="cong", lane="live", state="waiting"): 1,
        of("hub_receiver_parked", receiver="cong"): 0,
        of("hub_delivered_total", receiver="cong", outcome="skipped"): 0,
        of("hub_publications", receiver="cong", state="waiting"): 1,
        of("hub_filings", connection="desk", state="due"): 1,
        of("hub_filed_total"): 0,
        of("hub_filing_oldest_seconds"): 3_599.75,
        of("hub_discrepancies", connection="desk", kind="stale"): 2,
    }
    assert {one: figure.get(one) for one in expected} == expected
    # The oldest change the receiver does not have was made when the clock stood at nine.
    assert figure[of("hub_receiver_oldest_seconds", receiver="cong")] == 3_600


async def test_records_are_added_up_decision_by_decision(hub: Trial) -> None:
    counting = figures.Records()
    for number in range(1, 4):
        await hub.take(dossier(number))
        await hub.push(dossier(number))
        with hub.store.read() as tx:
            assert counting.count(tx) == figures.Records().count(tx)
            found = counting.count(tx)["desk"]
        assert (found["applied"], found["duplicate"]) == (number, number)
    counting._upto += 1_000  # as if the store had been put back to an earlier moment
    with hub.store.read() as tx:
        assert counting.count(tx)["desk"]["applied"] == 3


async def test_a_connection_is_overdue_from_the_first_due_time_nobody_answered(hub: Trial) -> None:
    hub.clock.set("2026-03-02T09:01:00")
    secrets = ["client_id=a", "client_secret=mo-phong"]
    more: dict[str, Any] = {"endpoint": "http://127.0.0.1:9", "settings": secrets}
    hub.connect("mot-cua", system="one_stop", **more)
    hub.connect("silent", system="canonical")
    with hub.store.write() as tx:
        tx.execute(
            text(
                "INSERT INTO plan (connection_id, schedule, failures, breaker, updated_at)"
                " VALUES ('mot-cua', '*/15 * * * *', 0, 'closed', '2026-03-02T09:01:00+07:00')"
            )
        )
    overdue = of("hub_connection_overdue_seconds", connection="mot-cua")
    assert (await told(hub))[overdue] == 0
    hub.clock.set("2026-03-02T09:25:00")
    figure = await told(hub)
    assert figure[overdue] == 600
    assert of("hub_connection_overdue_seconds", connection="silent") not in figure
    with hub.store.write() as tx:
        tx.execute(text("UPDATE connection SET state = 'paused'"))
    figure = await told(hub)
    assert overdue not in figure
    assert figure[of("hub_connection_enabled", connection="mot-cua")] == 0


async def test_no_figure_reads_a_large_table_row_by_row(hub: Trial) -> None:
    if not hub.store.is_sqlite:
        pytest.skip("an empty PostgreSQL table is always read whole")
    large = "record|receipt|change|dossier|leg|timeline|blob|judgement|run|delivery"
    reads_all = re.compile(rf"^SCAN ({large})\b(?!.* USING)")
    with hub.store.read() as tx:
        for figure in metrics.ASKED:
            plan = tx.execute(text(f"EXPLAIN QUERY PLAN {figure.query}"))
            assert [row[3] for row in plan if reads_all.match(row[3])] == [], figure.name


async def test_figures_and_readiness_do_not_wait_for_a_writer(hub: Trial) -> None:
    await hub.take(dossier(1))
    begun, done = threading.Event(), threading.Event()

    def write() -> None:
        with hub.store.write() as tx:
            tx.execute(text("UPDATE feed SET seq = seq"))
            begun.set()
            done.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert begun.wait(10)
        for path in ("/metrics", "/readyz"):
            said = await asyncio.wait_for(hub.call("GET", path), 10)
            assert said.status == 200
    finally:
        done.set()
        thread.join(10)


async def test_head_answers_as_get_without_a_body(hub: Trial) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        said = await hub.call("HEAD", path)
        assert (said.status, said.raw) == (200, b"")


async def test_a_hub_that_is_ending_is_alive_and_not_ready(hub: Trial) -> None:
    stopping = Stopping()
    hub.app.state.stopping = stopping
    assert (await hub.call("GET", "/readyz")).status == 200
    stopping.now()
    for method in ("GET", "HEAD"):
        assert (await hub.call(method, "/readyz")).status == 503
    assert (await hub.call("GET", "/livez")).status == 200


async def test_a_store_that_does_not_answer_in_time_is_not_ready(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.api import health

    go_on = threading.Event()
    asked: list[int] = []

    def never(_: Any) -> int:
        asked.append(1)
        go_on.wait(30)
        return 1

    monkeypatch.setattr(health, "LOOK_S", 0.05)
    monkeypatch.setattr(health.reads, "newest_seq", never)
    assert [(await hub.call("GET", "/readyz")).status for _ in range(3)] == [503] * 3
    assert asked == [1]  # a look that hangs is not joined by another at every probe
    go_on.set()
    monkeypatch.setattr(health, "LOOK_S", 10)
    assert (await hub.call("GET", "/readyz")).status == 200
