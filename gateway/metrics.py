"""Figures for Prometheus, read from the store when asked: equal on all nodes."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from store import figures, figures_links, figures_sending
from store.figures import Figure, Sample
from sync.context import Context
from sync.overdue import overdue_s

_RECORDS = Figure(
    "hub_records", "Records by what became of them", "total", ("connection", "disposition"), ""
)
_OVERDUE = Figure(
    "hub_connection_overdue_seconds",
    "Seconds since the first due time that no successful run has answered; 0 while on time",
    "count",
    ("connection",),
    "",
)
BESIDE = (_RECORDS, _OVERDUE, figures_links.DISCREPANCIES)
ASKED = (*figures.INTAKE, *figures_links.LINKS, *figures_sending.SENDING)


class _Hub(Collector):
    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = figures.Records()

    @override
    def collect(self) -> Iterator[Metric]:
        now = self._context.now()
        with self._context.store.read() as tx:
            records = self._records.count(tx)
            counted = list(figures.count(tx, ASKED, now))
            discrepancies = list(figures_links.count_discrepancies(tx))
            overdue = overdue_s(self._context, tx, now)
        yield _metric(
            _RECORDS,
            [((c, d), float(n)) for c, told in records.items() for d, n in told.items()],
        )
        yield _metric(_OVERDUE, [((name,), seconds) for name, seconds in overdue.items()])
        yield _metric(figures_links.DISCREPANCIES, discrepancies)
        for one in counted:
            yield _metric(one.figure, one.samples)


def _metric(figure: Figure, samples: Iterable[Sample]) -> Metric:
    kind = CounterMetricFamily if figure.meaning == "total" else GaugeMetricFamily
    metric = kind(figure.name, figure.told, labels=figure.labels)
    for labels, value in samples:
        metric.add_metric(labels, value)
    return metric


def registry_of(context: Context) -> CollectorRegistry:
    """A registry with the hub's figures; kept for the life of an application."""
    registry = CollectorRegistry()
    registry.register(_Hub(context))
    return registry
