"""Everything computed anew from the raw bytes and held against what is stored, by a crew.

Three steps: receipts are read and sorted by part (`sync.proof.receipts`); each part is decided, put
together and compared (`sync.proof.part`); the quarantine likewise (`sync.proof.apart`).
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from store import compare, indicators, proof, rights
from store.ground import Claimed
from sync.context import Context
from sync.proof import apart, part, plan, receipts
from sync.proof.crew import Broken, Crew, crew_for
from sync.proof.hand import Place
from sync.proof.ledger import Ledger, Told
from sync.proof.part import Period
from sync.proof.receipts import Reading

Progress = Callable[[int, int], None]
_MOST_PROCESSES = 2  # each needs its memory, and the store has work with each
_WORTH_MORE = 20_000  # records from which on more than one process is worth its start
_QUARANTINE_AT_ONCE = 20_000
_READING_SHARE = 0.4


class Effort(Struct, frozen=True):
    """How a proof is done; what it proves does not depend on it.

    Attributes:
        processes: How many work side by side.
        part_weight: About how much a part may weigh, in records.
    """

    processes: int = 1
    part_weight: int = plan.PART_WEIGHT


def worth(context: Context) -> Effort:
    """What is worth it for a store of this size, on this machine."""
    with context.store.read() as tx:
        if proof.count(tx, "record") < _WORTH_MORE:
            return Effort()
    return Effort(min(_MOST_PROCESSES, len(os.sched_getaffinity(0))))


@contextlib.contextmanager
def recomputing(
    context: Context, effort: Effort, progress: Progress | None = None
) -> Iterator["Recomputing"]:
    """The work over one consistent look at the store; its files are gone at the end.

    Args:
        context: The hub's parts.
        effort: By how many, in how many parts.
        progress: Told how many of how many receipts are done.
    """
    with (
        tempfile.TemporaryDirectory(prefix="hub-verify-") as folder,
        crew_for(context, effort.processes) as (crew, tx),
    ):
        yield Recomputing(crew, tx, Path(folder), effort.part_weight, progress)


class Recomputing:
    """One proof under way.

    Attributes:
        tx: The look at the store that all of the proof has.
        reading: What became of the receipts.
        broken: Work that broke off on what is stored.
        passes: How often everything was computed; more than once where legs had to be put together.
    """

    def __init__(
        self, crew: Crew, tx: Tx, folder: Path, part_weight: int, progress: Progress | None
    ) -> None:
        self.tx = tx
        self.reading = Reading([], [], [])
        self.broken: list[str] = []
        self.periods = periods(tx)
        self._crew, self._folder, self._progress = crew, folder, progress
        self._part_weight = part_weight
        self.passes = 0
        self._united: set[Claimed] = set()

    def begin(self) -> None:
        """Cut the work, and let receipts be read from now on."""
        folder = self._folder / str(self.passes)
        folder.mkdir()
        self.passes += 1
        self._plan = plan.make(self.tx, folder, self._part_weight, self._united)
        quarantined = proof.count(self.tx, "record", "disposition = 'quarantined'")
        quarantines = 1 + quarantined // _QUARANTINE_AT_ONCE
        self._place = Place(folder, self._plan.parts, quarantines)
        ids = self._plan.receipts
        tasks = [(self._place, list(ids[a:b]), a) for a, b in self._plan.chunks]
        self.reading, self.broken = Reading([], [], []), []
        self._chunks = self._crew.each(receipts.read_chunk, tasks)

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return self._plan.parts

    def finish(self) -> Ledger:
        """Compute all parts. Legs that turn out to belong together are put together, and again."""
        while True:
            ledger = self._finish()
            more = ledger.ununited() - self._united
            if not more:
                return ledger
            self._united |= more
            self.begin()

    def _finish(self) -> Ledger:
        for done, read in enumerate(self._chunks, start=1):
            self._tell(_READING_SHARE * done / len(self._plan.chunks))
            if isinstance(read, Broken):
                self.broken.append(read.why)
            else:
                self.reading.add(read)
        changes = proof.count(self.tx, compare.CHANGE.name)
        ledger = Ledger(self._plan, changes, self._crew.key)
        cut = self._plan
        tasks = [
            (self._place, part.Task(n, own, cut.elsewhere.get(n, frozenset()), self.periods))
            for n, own in enumerate(cut.bounds)
        ]
        for done, found in enumerate(self._crew.each(part.compute, tasks), start=1):
            self._tell(_READING_SHARE + (1 - _READING_SHARE) * done / len(tasks))
            if isinstance(found, Broken):
                self.broken.append(found.why)
            else:
                ledger.take_part(found)
        ledger.take_settled(self.reading.settled)
        settled = [(self._place, n, ledger.settled) for n in range(self._place.quarantines)]
        for kept in self._crew.each(apart.compute, settled):
            if isinstance(kept, Broken):
                self.broken.append(kept.why)
            else:
                ledger.take_apart(kept)
        return ledger

    def _tell(self, share: float) -> None:
        if self._progress is not None:
            total = len(self._plan.receipts)
            self._progress(int(share * total), total)


def periods(tx: Tx) -> list[Period]:
    """Every year in which a dossier was accepted, as it stood on three days."""
    found = []
    for year in proof.accepted_years(tx):
        start, end = date(year, 1, 1), date(year, 12, 31)
        found += [(start, end, when) for when in (date(year, 6, 30), end, date(year + 1, 12, 31))]
    return found


def recounted(tx: Tx, asked: list[Period], ledger: Ledger) -> Told:
    """Profile `seed` by SQL over the stored rows equals the pure function over recomputed ones."""
    wrong = []
    for (start, end, when), counted in zip(asked, ledger.indicators, strict=True):
        question = indicators.Question(rights.EVERYTHING, start, end, when)
        if indicators.count_seed(tx, question)[None] != counted:
            wrong.append(f"indicators of {start.year} as of {when} are not the recount")
    return len(asked), wrong
