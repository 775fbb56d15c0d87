"""A candidate mapping run over everything that is stored, in a shadow: nothing is written.

All raw bytes of the connection are read again by the candidate, and those of every connection that
speaks of the same cases by their own mappings; everything is decided anew from the beginning by the
functions that decided the first time, in memory, part by part (sync.proof), and held against what
is stored. Legs of which everything reads as before are left out (sync.whatif.choosing). Legs that
only the candidate would tie are put into one part, and computed once more.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from store import connections, proof, whatif
from store.intake import receipt_id_of
from store.tables import POSITION_BITS
from sync.context import Context
from sync.proof import apart as proving_apart
from sync.proof import plan, receipts
from sync.proof.crew import Broken, Crew, crew_for
from sync.proof.hand import Place
from sync.proof.recomputing import Effort, worth
from sync.proof.spool import apart_of
from sync.whatif import part
from sync.whatif.candidate import Candidate, Supposed, Supposing, suppose
from sync.whatif.choosing import Name
from sync.whatif.figures import changes
from sync.whatif.part import Found, Meeting, Task
from sync.whatif.report import (
    MOST_DOSSIERS,
    MOST_RECORDS,
    DossierChange,
    RecordChange,
    WhatIf,
)

Progress = Callable[[int, int], None]
_CHUNK_BYTES = 2_000_000
_CHUNK_RECEIPTS = 200
_QUARANTINE_AT_ONCE = 20_000
_READING_SHARE = 0.5
Quarantined = tuple[str, str | None]  # reason, field


def preview(
    context: Context,
    connection_id: str,
    candidate: Candidate,
    progress: Progress | None = None,
    effort: Effort | None = None,
) -> WhatIf:
    """What a candidate would make of everything that is stored of a connection.

    Args:
        context: The hub's parts.
        connection_id: Which.
        candidate: What would be another.
        progress: Told how many of how many receipts are done.
        effort: By how many processes, in parts of which weight; as is worth it where not said.

    Raises:
        HubError: NOT_FOUND; FIELD_TYPE where the candidate cannot be taken, CONFLICT where the
            connection has no mapping or something stored cannot be read.
    """
    with context.store.read() as tx:
        held = connections.load_connection(tx, connection_id)
        if held is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
        supposed = suppose(context, tx, held, candidate)
    supposing = Supposing(context, supposed)
    effort = effort or worth(context)
    with (
        tempfile.TemporaryDirectory(prefix="hub-whatif-") as folder,
        crew_for(supposing, effort.processes) as (crew, tx),
    ):
        return _Shadow(supposing, crew, tx, Path(folder), effort.part_weight, progress).report()


class _Shadow:
    """One what-if under way."""

    def __init__(
        self,
        context: Supposing,
        crew: Crew,
        tx: Tx,
        folder: Path,
        weight: int,
        progress: Progress | None,
    ) -> None:
        self._context, self._crew, self._tx = context, crew, tx
        self._folder, self._weight, self._progress = folder, weight, progress
        self._supposed: Supposed = context.supposed
        self._passes = 0
        self._receipts: list[int] = []

    def report(self) -> WhatIf:
        """Everything computed, and put into words."""
        connection = self._supposed.row.id
        meetings: list[list[tuple[str, str]]] = []
        while True:
            found, place = self._pass(meetings)
            more = self._unmet(found, plan.load_route(place.folder, place.parts))
            if not more:
                break
            meetings += more  # each pass only ever joins more
        records = self._records(found, place)
        outcomes, told = records
        dossiers = sorted(
            (one for own in found for one in own.dossiers), key=lambda one: one.dossier
        )
        dossiers = list(_without_moved(dossiers))
        now, books = self._context.now(), self._context.books(self._tx)
        moved = [pair for own in found for pair in own.moved]
        figures = changes(self._tx, books, moved, now)
        feed = proof.feed(self._tx)
        unreadable = sorted({why for own in found for why in own.unreadable} | set(self._unread))
        row = self._supposed.row
        vi = (
            f"{len(dossiers)} hồ sơ đổi, {sum(outcomes.values())} bản ghi đổi kết quả,"
            f" {len(figures)} số liệu theo cơ quan và năm đổi"
        )
        en = (
            f"{len(dossiers)} dossiers change, {sum(outcomes.values())} records end otherwise,"
            f" figures of {len(figures)} agencies and years change"
        )
        return WhatIf(
            connection=connection,
            version=row.version,
            digest=self._supposed.digest,
            candidate={
                "overlay": row.overlay,
                "tables": row.tables,
                "declaration": row.declaration,
                "files": row.files,
            },
            catalogue=books.version,
            decided=feed[0],
            seq=feed[1],
            at=clock.to_iso(now),
            receipts=len(self._receipts),
            records=whatif.records_of(self._tx, connection),
            changed=len(dossiers),
            dossiers=dossiers[:MOST_DOSSIERS],
            more=[one.dossier for one in dossiers[MOST_DOSSIERS:]],
            outcomes=outcomes,
            records_changed=told,
            figures=figures,
            unreadable=unreadable,
            vi=vi,
            en=en,
        )

    # ------------------------------------------------------------------ one pass over all

    def _pass(self, meetings: Sequence[Sequence[tuple[str, str]]]) -> tuple[list[Found], Place]:
        folder = self._folder / str(self._passes)
        folder.mkdir()
        self._passes += 1
        connection = self._supposed.row.id
        wanted = whatif.legs_of(self._tx, connection)
        cut = plan.make(self._tx, folder, self._weight, wanted=wanted, meetings=meetings)
        legs = [leg for bounds in cut.bounds for leg in plan.load_legs(folder, bounds)]
        speakers = {connection} | whatif.speakers(self._tx, (i for i in legs if i < plan.NOT_YET))
        sized = whatif.receipts_of(self._tx, speakers)
        self._receipts = [one for one, _ in sized]
        quarantined = proof.count(self._tx, "record", "disposition = 'quarantined'")
        place = Place(folder, cut.parts, 1 + quarantined // _QUARANTINE_AT_ONCE)
        self._unread: list[str] = []
        chunks = list(_chunks(sized))
        for done, read in enumerate(
            self._crew.each(receipts.read_chunk, [(place, ids, a) for a, ids in chunks]), start=1
        ):
            self._tell(_READING_SHARE * done / len(chunks))
            if isinstance(read, Broken):
                raise HubError(Reason.CONFLICT, read.why)
            self._unread += read.unreadable + read.spoilt
        route = plan.load_route(folder, cut.parts)
        named = {name for names in meetings for name in names}
        tasks = [
            (
                place,
                Task(n, own, cut.elsewhere.get(n, frozenset()), connection, _of(n, named, route)),
            )
            for n, own in enumerate(cut.bounds)
        ]
        found = []
        for done, one in enumerate(self._crew.each(part.compute, tasks), start=1):
            self._tell(_READING_SHARE + (1 - _READING_SHARE) * done / len(tasks))
            if isinstance(one, Broken):
                raise HubError(Reason.CONFLICT, one.why)
            found.append(one)
        return found, place

    def _tell(self, share: float) -> None:
        if self._progress is not None:
            total = len(self._receipts)
            self._progress(int(share * total), total)

    def _unmet(self, found: Sequence[Found], route: plan.Route) -> list[list[tuple[str, str]]]:
        """Legs that would make one claim and were not decided together."""
        chosen = {name for own in found for name in own.chosen}
        by_claim: dict[tuple[str, str], set[tuple[str, str]]] = {}
        told: Iterator[Meeting] = (one for own in found for one in own.meetings)
        for kind, key, namespace, code in told:
            by_claim.setdefault((kind, key), set()).add((namespace, code))
        for claim in proof.crowds(self._tx):
            by_claim.pop(claim, None)
        by_kind: dict[str, set[str]] = {}
        for kind, key in by_claim:
            by_kind.setdefault(kind, set()).add(key)
        for kind, keys in by_kind.items():
            for key, name in whatif.claimants(self._tx, kind, keys):
                by_claim[kind, key].add(name)
        return [
            sorted(names)
            for _, names in sorted(by_claim.items())
            if len({route.part_of(*name) for name in names}) > 1
            or (len(names) > 1 and not chosen.issuperset(names))
        ]

    # ------------------------------------------------------------------ records

    def _records(
        self, found: Sequence[Found], place: Place
    ) -> tuple[dict[str, int], list[RecordChange]]:
        connection = self._supposed.row.id
        lost: dict[int, str] = {}
        gained: dict[int, str] = {}
        turned: dict[int, tuple[str, str]] = {}
        codes: dict[int, str | None] = {}
        for own in found:
            lost |= own.lost
            gained |= own.gained
            turned |= own.turned
            codes |= own.codes
        apart = _apart(self._context, place, connection, codes)
        for own in found:
            apart |= own.refused
        before = {i: told for i, *told in whatif.quarantined(self._tx, connection)}
        told: dict[int, tuple[str, str | None, str, str | None, str | None]] = {}
        for i in {*lost, *gained, *before, *apart}:
            old = ("quarantined", *before[i]) if i in before else (lost.get(i), None, None)
            new = ("quarantined", *apart[i]) if i in apart else (gained.get(i), None, None)
            if old != new:
                first, last = old[0] or "duplicate", new[0] or "duplicate"
                if i in before and i not in apart and i not in gained:
                    last = "duplicate"
                told[i] = (first, old[1], last, new[1], new[2] or old[2])
        for i, (first, last) in turned.items():
            told[i] = (first, None, last, None, None)
        told = {i: one for i, one in told.items() if one[:2] != one[2:4]}
        outcomes: dict[str, int] = {}
        for one in told.values():
            name = f"{one[0]} -> {one[2]}"
            outcomes[name] = outcomes.get(name, 0) + 1
        first_few = sorted(told)[:MOST_RECORDS]
        codes |= whatif.codes_of(self._tx, [i for i in first_few if codes.get(i) is None])
        names = whatif.receipt_names(self._tx, {receipt_id_of(i) for i in first_few})
        mask = (1 << POSITION_BITS) - 1
        listed = [
            RecordChange(names[receipt_id_of(i)], i & mask, codes.get(i), *told[i])
            for i in first_few
        ]
        return dict(sorted(outcomes.items())), listed


def _of(part_number: int, names: Iterable[Name], route: plan.Route) -> frozenset[Name]:
    """Those of a part."""
    return frozenset(name for name in names if route.part_of(*name) == part_number)


def _apart(
    context: Context, place: Place, connection: str, codes: dict[int, str | None]
) -> dict[int, Quarantined]:
    """Record id -> why, of everything of a connection that would be set apart."""
    found: dict[int, Quarantined] = {}
    for number in range(place.quarantines):
        quarantine = proving_apart.Quarantine()
        for one in proving_apart.by_receipt(apart_of(place.folder, number, context.vault)):
            quarantine.take(one)
        for kept in quarantine.kept.values():
            if kept.connection == connection:
                reason = kept.row.reason.value if kept.row.reason is not None else ""
                found[kept.id] = (reason, kept.row.field)
                codes[kept.id] = kept.row.code
    return found


def _without_moved(dossiers: Sequence[DossierChange]) -> Iterator[DossierChange]:
    """Each once: a dossier that goes from one part and appears in another is changed."""
    by_id: dict[str, DossierChange] = {}
    for one in dossiers:
        other = by_id.get(one.dossier)
        if other is None:
            by_id[one.dossier] = one
        else:
            codes = sorted({*other.codes, *one.codes})
            by_id[one.dossier] = structs.replace(one, kind="changed", codes=codes)
    yield from by_id.values()


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
