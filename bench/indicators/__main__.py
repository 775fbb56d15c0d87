"""`python -m bench.indicators`: figures for one agency and year, and for the whole province.

The hub is asked over HTTP with a token; beside it the same figures computed anew from timelines in
the same PostgreSQL, without HTTP (`bench.indicators.recompute`). Values are milliseconds.
"""

import contextlib
import statistics
import time
from collections.abc import Callable
from datetime import date
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg

from bench.cpu import Spent
from bench.indicators.recompute import recompute
from bench.laps import Contender, Lap, interleave
from bench.reads import given
from bench.reads.fill import AGENCIES
from bench.reads.given import Filled
from bench.reads.portal import PORTAL, Portal

TIMES, TIMES_ANEW = 15, 3
# Figures that may differ: the recomputing does not know what was promised on a past day.
_APART = 0.02


class Figure(msgspec.Struct, frozen=True):
    """One row of the table; `agency` with all below it."""

    name: str
    agency: str
    start: date
    end: date
    as_of: date

    @property
    def path(self) -> str:
        """What the hub is asked."""
        told = {"agency": self.agency, "from": self.start, "to": self.end, "as_of": self.as_of}
        return "/api/v1/indicators?" + urlencode(told)

    @property
    def codes(self) -> list[str] | None:
        """The agencies meant; None for all."""
        if self.agency == "H50":
            return None
        below = f"{self.agency}."
        return [code for code in AGENCIES if code == self.agency or code.startswith(below)]


_YEAR = (date(2025, 1, 1), date(2025, 12, 31), date(2025, 12, 31))
FIGURES = (
    Figure("indicators-office", "H50.05", *_YEAR),
    Figure("indicators-agency", "H50.12", *_YEAR),
    Figure("indicators-province", "H50", *_YEAR),
    Figure("indicators-as-of", "H50", date(2023, 1, 1), date(2023, 12, 31), date(2023, 7, 1)),
)


def _timed(work: Callable[[], object], times: int, **pids: int) -> Lap:
    work()
    spent, took = Spent(**pids), []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) * 1e3)
    return Lap(statistics.median(took), {"fastest_ms": round(min(took), 2), **spent.of(times)})


def _alike(figure: Figure, hub: dict[str, Any], anew: dict[str, int]) -> None:
    """Both count the same, but for what the recomputing cannot know.

    Raises:
        RuntimeError: they do not; names the row and the figure.
    """
    told = {name: hub[name] for name in ("total", "carried_over", "resolved")} | hub["buckets"]
    for name, number in told.items():
        if abs(number - anew.get(name, 0)) > max(3, _APART * told["total"]):
            raise RuntimeError(f"{figure.name}: {name} is {number}, anew {anew.get(name, 0)}")


def measure(filled: Filled) -> None:
    """All rows on one store, hub and recomputing in turn."""
    portal = Portal(filled.url, filled.folder)
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(portal.serving(portal.database))
        at = stack.enter_context(psycopg.connect(filled.url, autocommit=True))
        link = HTTPConnection("127.0.0.1", served.port, timeout=120)
        headers = {"Authorization": served.token(PORTAL)}
        server = portal.postgres.pid

        def asked(path: str) -> Any:
            link.request("GET", path, headers=headers)
            said = link.getresponse()
            raw = said.read()
            if said.status != 200:
                raise RuntimeError(f"{path}: {said.status}")
            return msgspec.json.decode(raw)

        for figure in FIGURES:

            def hub(_number: int, path: str = figure.path) -> Lap:
                link.close()  # it lay idle while the other was measured
                return _timed(lambda: asked(path), TIMES, own=served.process.pid, postgres=server)

            def anew(_number: int, f: Figure = figure) -> Lap:
                words = (f.codes, f.start, f.end, f.as_of)
                return _timed(lambda: recompute(at, *words), TIMES_ANEW, postgres=server)

            both = [Contender(filled.hub, hub)]
            if not filled.alone:
                words = (figure.codes, figure.start, figure.end, figure.as_of)
                _alike(figure, asked(figure.path), recompute(at, *words))
                both.append(Contender("recompute", anew))
            interleave(filled.results, figure.name, "ms", both, filled.laps)


def main() -> None:
    """Measure on each store that is asked for."""
    for filled in given.stores(__doc__):
        measure(filled)


if __name__ == "__main__":
    main()
