"""What records look like, learnt while they are read: a sample of every page, kept in this process.

Nothing is written here and no statement is made, so it costs the way in nothing but the looking:
of a page some sixty rows, and those that were refused or bring an unknown name. `sync.drift` takes
it from here: at the end of a run, and every few seconds for what is pushed.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import live_shape
from canonical.drifting import Reads
from canonical.live_shape import Looks
from canonical.mapping import compile_mapping
from canonical.mapping.traced import procedures_of, trace
from canonical.ports import Row, System
from canonical.record import Item, Rejected
from store import connections

_SAMPLED = 60
_MOST_ODD = 60
_MOST_GROUPS = 400  # procedures of one connection between two settlings


class Lens(Struct, frozen=True):
    """How the records of one mapping version are looked at.

    Attributes:
        procedures: Shape -> which procedure a record is about.
        coded: Shape -> paths that a code table reads.
        reads: Shape -> what the mapping does with fields.
    """

    version: int
    procedures: Mapping[str, Callable[[Any], str | None]]
    coded: Mapping[str, frozenset[str]]
    reads: Mapping[str, Reads]


class Learner:
    """What was seen and not settled yet, by connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lenses: dict[tuple[str, int], Lens] = {}
        self._seen: dict[str, dict[tuple[str, str], Looks]] = {}

    def lens(self, tx: Tx, connection_id: str, version: int, system: System) -> Lens:
        """How a mapping version looks at records; made once per process."""
        key = (connection_id, version)
        with self._lock:
            found = self._lenses.get(key)
        if found is None:
            found = _lens(tx, connection_id, version, system)
            with self._lock:
                self._lenses[key] = found
        return found

    def note(self, connection_id: str, sample: "Sample | None") -> None:
        """Add a sample of a body's rows to what was seen."""
        if sample is None or not sample.rows:
            return
        lens = sample.lens
        with self._lock:
            groups = self._seen.setdefault(connection_id, {})
            for row in sample.rows:
                procedure = lens.procedures.get(row.shape, _nobody)(row.values) or "-"
                key = (row.shape, procedure)
                if key not in groups and len(groups) >= _MOST_GROUPS:
                    continue
                looks = groups.setdefault(key, Looks(0, {}))
                live_shape.note(looks, row.values, lens.coded.get(row.shape, frozenset()))

    def take(self, connection_id: str) -> dict[tuple[str, str], Looks]:
        """What was seen of a connection, which is forgotten here."""
        with self._lock:
            return self._seen.pop(connection_id, {})

    def waiting(self) -> list[str]:
        """The connections of which something was seen."""
        with self._lock:
            return [name for name, groups in self._seen.items() if groups]


class Sample:
    """Picks the rows of one body that are looked at; a `sync.reading.Watch`."""

    def __init__(self, lens: Lens) -> None:
        self.lens = lens
        self._step = 1
        self._odd = 0
        self.rows: list[Row] = []

    def begin(self, count: int) -> None:
        """So many rows are to come."""
        self._step = max(1, count // _SAMPLED)

    def see(self, position: int, row: Row, item: Item) -> None:
        """One row and what became of it."""
        if position % self._step == 0:
            self.rows.append(row)
        elif self._odd < _MOST_ODD and self._is_odd(row, item):
            self._odd += 1
            self.rows.append(row)

    def _is_odd(self, row: Row, item: Item) -> bool:
        reads = self.lens.reads.get(row.shape)
        is_new = reads is not None and not reads.known.issuperset(row.values)
        return is_new or isinstance(item, Rejected)


def _nobody(_values: Any) -> None:
    return None


def _lens(tx: Tx, connection_id: str, version: int, system: System) -> Lens:
    kept = connections.load_mapping(tx, connection_id, version)
    document, tables = kept["document"] or {}, kept["tables"]
    own = system.transforms
    compiled = compile_mapping(document, own, tables)
    traced = trace(document, own, tables)
    coded: dict[str, frozenset[str]] = {}
    reads: dict[str, Reads] = {}
    for name, steps in traced.items():
        paths: dict[str, tuple[str, ...]] = {}
        codes: dict[str, frozenset[str]] = {}
        for step in steps:
            for path in step.source.split(" | "):
                place = f"{name}.rows[{step.place}] {step.target}"
                paths[path] = (*paths.get(path, ()), place)
            if step.table and step.source and "|" not in step.source:
                refused = document.get("refused", {}).get(step.table, {})
                codes[step.source] = frozenset({*compiled.tables.get(step.table, {}), *refused})
        coded[name] = frozenset(codes)
        reads[name] = Reads(compiled.shapes[name].known, paths, codes)
    return Lens(version, procedures_of(document, own, tables), coded, reads)
