"""Everything that was ever said of a connection's cases, read again and sorted by part."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.reasons import Reason
from store import proof, whatif
from sync.proof import plan, receipts
from sync.proof.crew import Broken, Crew
from sync.proof.hand import Place
from sync.proof.plan import Plan

_CHUNK_BYTES = 2_000_000
_CHUNK_RECEIPTS = 200
_QUARANTINE_AT_ONCE = 20_000


class Gathered(Struct):
    """What was read, by part.

    Attributes:
        speakers: Connections that speak of these cases.
        receipts: Ids, in the order of decisions: a receipt's place here is its rank.
        unreadable: What could not be read, in words; `unread` the ids.
    """

    cut: Plan
    place: Place
    speakers: set[str]
    receipts: list[int]
    unreadable: list[str]
    unread: set[int]


class Gathering:
    """Reading under way, to be gone through with `for`; `told` when it is done."""

    def __init__(
        self,
        crew: Crew,
        tx: Tx,
        folder: Path,
        weight: int,
        connection_id: str,
        meetings: Sequence[Sequence[tuple[str, str]]],
    ) -> None:
        folder.mkdir()
        wanted = whatif.legs_of(tx, connection_id)
        cut = plan.make(tx, folder, weight, wanted=wanted, meetings=meetings)
        legs = [leg for bounds in cut.bounds for leg in plan.load_legs(folder, bounds)]
        speakers = {connection_id} | whatif.speakers(tx, (i for i in legs if i < plan.NOT_YET))
        sized = whatif.receipts_of(tx, speakers)
        quarantined = proof.count(tx, "record", "disposition = 'quarantined'")
        place = Place(folder, cut.parts, 1 + quarantined // _QUARANTINE_AT_ONCE)
        self._crew, self._sized = crew, sized
        ids = [one for one, _ in sized]
        self.told = Gathered(cut, place, speakers, ids, [], set())

    def __iter__(self) -> Iterator[float]:
        """Which share of it is done, again and again. Raises HubError where it breaks off."""
        chunks = list(_chunks(self._sized))
        tasks = [(self.told.place, ids, first) for first, ids in chunks]
        for done, read in enumerate(self._crew.each(receipts.read_chunk, tasks), start=1):
            if isinstance(read, Broken):
                raise HubError(Reason.CONFLICT, read.why)
            self.told.unreadable += read.unreadable + read.spoilt
            self.told.unread |= set(read.unread)
            yield done / len(chunks)


def route_of(gathered: Gathered) -> plan.Route:
    """Which part a leg belongs to."""
    return plan.load_route(gathered.place.folder, gathered.cut.parts)


def of_part(
    number: int, names: Collection[tuple[str, str]], route: plan.Route
) -> frozenset[tuple[str, str]]:
    """Those of a part."""
    return frozenset(name for name in names if route.part_of(*name) == number)


def _chunks(sized: Sequence[tuple[int, int]]) -> Iterator[tuple[int, list[int]]]:
    """(place of the first, receipt ids) that are read at once."""
    begun, size, ids = 0, 0, list[int]()
    for place, (receipt_id, size_bytes) in enumerate(sized):
        if ids and (size + size_bytes > _CHUNK_BYTES or len(ids) >= _CHUNK_RECEIPTS):
            yield begun, ids
            begun, size, ids = place, 0, []
        ids.append(receipt_id)
        size += size_bytes
    if ids:
        yield begun, ids
