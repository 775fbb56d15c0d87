"""Figures for Prometheus, read from the store when asked: equal on all nodes."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from store import figures
from sync.context import Context


class _Hub(Collector):
    def __init__(self, context: Context) -> None:
        self._context = context

    @override
    def collect(self) -> Iterable[Metric]:
        with self._context.store.read() as tx:
            told = figures.load_figures(tx)
        records = CounterMetricFamily(
            "hub_records", "Records by what became of them", labels=["connection", "disposition"]
        )
        for connection, counts in told.records.items():
            for disposition, count in counts.items():
                records.add_metric([connection, disposition], count)
        quarantined = GaugeMetricFamily(
            "hub_quarantined", "Records in the quarantine", labels=["connection", "reason"]
        )
        for connection, reason, count in told.quarantined:
            quarantined.add_metric([connection, reason], count)
        fresh = GaugeMetricFamily(
            "hub_fresh_to_seconds", "Unix time of the newest intake", labels=["connection"]
        )
        for connection, moment in told.fresh_to.items():
            fresh.add_metric([connection], moment)
        yield records
        yield quarantined
        yield fresh
        yield GaugeMetricFamily("hub_pending_receipts", "Receipts not decided", told.pending)
        yield GaugeMetricFamily("hub_change_seq", "The newest change", told.newest_seq)
        yield GaugeMetricFamily("hub_dossiers", "Living dossiers", told.dossiers)


def registry_of(context: Context) -> CollectorRegistry:
    """A registry with the hub's figures."""
    registry = CollectorRegistry()
    registry.register(_Hub(context))
    return registry
