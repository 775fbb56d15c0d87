"""What each receipt said, read again from its raw bytes as it was when it was decided.

Reading is the same functions that ran the first time, with the mapping version as recorded and
`received_at` as now (DESIGN 3, `hub verify`). What comes out is sorted by part (sync.proof.plan);
deciding and putting together follow in sync.proof.part.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec import Struct, structs
from sqlalchemy.exc import InterfaceError, OperationalError

from canonical import clock
from canonical.errors import HubError, StoreUnavailable
from canonical.reasons import Reason
from canonical.record import Item, Record, Rejected, Tombstone
from store import acts, intake, proof
from store.intake import RecordRow, seal_of
from sync import shapes
from sync.batch import namespace_of, rejected_row
from sync.intake import read
from sync.origins import origin_of, retold
from sync.proof import note
from sync.proof.hand import Hand, Place
from sync.proof.spool import APART, PART, Apart, Spool, Told
from sync.taken import Origin, Taken, source_of

OUTAGES = (StoreUnavailable, OperationalError, InterfaceError)


class Reading(Struct):
    """What became of a stretch of receipts.

    Attributes:
        unreadable: Receipts whose raw bytes can no longer be read as they were.
        spoilt: Raw bytes that are gone, do not open or are others.
        unsealed: Receipts that are not as they were sealed.
        settled: (record, rank, act's subject) of what was told anew since.
        unread: Ids of the unreadable ones.
    """

    unreadable: list[str]
    spoilt: list[str]
    unsealed: list[str]
    receipts: int = 0
    settled: list[tuple[int, int, str]] = []
    unread: list[int] = []

    def add(self, other: "Reading") -> None:
        """Put another stretch to this one."""
        self.unreadable += other.unreadable
        self.spoilt += other.spoilt
        self.unsealed += other.unsealed
        self.receipts += other.receipts
        self.settled += other.settled
        self.unread += other.unread


def read_chunk(hand: Hand, place: Place, receipt_ids: Sequence[int], first: int) -> Reading:
    """Read receipts again, and leave what they said to the parts.

    Args:
        hand: This process's means.
        place: Where what they said is left.
        receipt_ids: Which, in the order of their decisions.
        first: The rank of the first.

    Raises:
        StoreUnavailable, OperationalError, InterfaceError: the store cannot be read.
    """
    found = Reading([], [], [])
    spool = hand.spool(place)
    sorting = _Sorting(hand, place, spool)
    rows = proof.receipts(hand.tx, receipt_ids)
    for rank, receipt_id in enumerate(receipt_ids, start=first):
        row = rows[receipt_id]
        found.receipts += 1
        if not hmac.compare_digest(seal_of(hand.context.vault, row._mapping), row.seal):  # noqa: SLF001 - SQLAlchemy's own name for it
            found.unsealed.append(f"receipt {row.id} is not as it was sealed at its intake")
        raw, wrong = _raw(hand, row)
        found.spoilt += wrong
        if row.state != "decided":
            continue
        if hand.context.retells and _is_remap(row):
            continue
        try:
            sorting.sort(rank, row, raw)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - a damaged store is what is looked for
            found.unreadable.append(f"receipt {row.id}: {type(error).__name__}")
            found.unread.append(row.id)
    found.settled = sorting.settled
    spool.flush()
    return found


def _is_remap(row: Any) -> bool:
    shape = shapes.told(row.shape)
    return shape.is_remap or shape.name == shapes.RETOLD


def _raw(hand: Hand, row: Any) -> tuple[bytes | None, list[str]]:
    """A receipt's bytes, and what is wrong with them."""
    if row.data is None:
        return None, [f"receipt {row.id} has no raw bytes"]
    wrong = []
    if row.blob_size != row.size_bytes:
        wrong.append(f"receipt {row.id} has no raw bytes")
    try:
        raw = hand.context.vault.open(bytes(row.data))
    except (HubError, ValueError):
        return None, [*wrong, f"blob {row.digest} does not open"]
    is_same = f"sha256:{hashlib.sha256(raw).hexdigest()}" == row.digest
    if not is_same or len(raw) != row.blob_size:
        wrong.append(f"blob {row.digest} holds other bytes")
    return raw, wrong


class _Sorting:
    """What receipts said, by part."""

    def __init__(self, hand: Hand, place: Place, spool: Spool) -> None:
        self._hand, self._place, self._spool = hand, place, spool
        self._route = hand.route(place)
        self.settled: list[tuple[int, int, str]] = []

    def sort(self, rank: int, row: Any, raw: bytes | None) -> None:
        """Read one receipt and leave it to the parts. Raises whatever reading it raises."""
        if raw is None:
            raise HubError(Reason.NOT_FOUND, "its raw bytes are missing")
        hand = self._hand
        if row.shape == shapes.RETOLD:
            self._note(rank, row, raw)
            return
        taken, items = said(hand, row, raw)
        hand.books(row.catalogue_version)  # one that is missing makes the receipt unreadable
        source = source_of(taken)
        by_part: dict[int, list[Record | Tombstone]] = {}
        rejected: list[RecordRow] = []
        for item in items:
            if isinstance(item, Rejected):
                rejected.append(rejected_row(item))
                continue
            part = self._route.part_of(namespace_of(source, item.part), item.code)
            by_part.setdefault(part, []).append(item)
        for part, own in by_part.items():
            self._spool.put(PART, part, words(hand, rank, row, taken, own))
        if taken.origin is None:  # what is taken up again and refused stays what it was
            set_apart(self._spool, self._place, rank, row.id, taken, rejected)
        elif taken.origin.is_retold:
            whole = structs.replace(taken, keeps_duplicates=True)
            set_apart(self._spool, self._place, rank, row.id, whole, rejected)
            self._settle(rank, row, shapes.told(row.shape).positions or ())

    def _settle(self, rank: int, row: Any, positions: Iterable[int]) -> None:
        """What stood at these places before is told anew by the note that follows."""
        subject = acts.of_remap(self._hand.note_behind(row.decided_no))
        earlier = self._hand.retold_before(row.origin_id, row.decided_no)
        for receipt_id in (row.origin_id, *earlier):
            self.settled += [
                (intake.record_id(receipt_id, one), rank, subject) for one in positions
            ]

    def _note(self, rank: int, row: Any, raw: bytes) -> None:
        """Leave a note to every part that has one of its legs."""
        told = note.decode(raw)
        moved = set(told.moved)
        by_part: dict[int, list[tuple[str, str]]] = {}
        for name in told.legs:
            by_part.setdefault(self._route.part_of(*name), []).append(name)
        taken = Taken(
            connection=self._hand.connection(row.connection_id),
            shape=row.shape,
            raw=b"",
            received_at=clock.from_iso(row.received_at),
        )
        for part, names in by_part.items():
            here = words(self._hand, rank, row, taken, ())
            own = [name for name in names if name in moved]
            self._spool.put(PART, part, structs.replace(here, legs=names, moved=own))


def words(hand: Hand, rank: int, row: Any, taken: Taken, items: Iterable[Item]) -> Told:
    """What a receipt says of some legs."""
    shape = shapes.told(row.shape)
    if shape.is_remap:  # as what it was
        first = words(hand, rank, intake.load_receipt(hand.tx, row.origin_id), taken, items)
        return structs.replace(first, receipt_id=row.id, is_remap=True)
    listed = list(items)
    return Told(
        rank=rank,
        receipt_id=row.id,
        connection=row.connection_id,
        received_at=taken.received_at,
        catalogue=row.catalogue_version,
        agencies=sorted(taken.agencies),
        keeps_duplicates=taken.keeps_duplicates,
        origin=taken.origin,
        opens=shape.opens,
        is_replay=shape.is_replay,
        records=[item for item in listed if isinstance(item, Record)],
        tombstones=[item for item in listed if isinstance(item, Tombstone)],
    )


def read_anew(hand: Hand, receipt_ids: Sequence[int]) -> tuple[list[Told], list[int]]:
    """What these receipts say, and the ids of those that cannot be read."""
    found, unread = [], []
    rows = proof.receipts(hand.tx, receipt_ids)
    for receipt_id in receipt_ids:
        row = rows[receipt_id]
        raw, _ = _raw(hand, row)
        if raw is None:
            unread.append(receipt_id)
            continue
        try:
            taken, items = said(hand, row, raw)
        except OUTAGES:
            raise
        except Exception:  # noqa: BLE001 - what cannot be read is told by its id
            unread.append(receipt_id)
            continue
        good = (item for item in items if not isinstance(item, Rejected))
        found.append(words(hand, 0, row, taken, good))
    return found, unread


def set_apart(
    spool: Spool,
    place: Place,
    rank: int,
    receipt_id: int,
    taken: Taken,
    rows: Sequence[RecordRow],
) -> None:
    """Leave quarantined records to the part of the quarantine that knows their content."""
    by_part: dict[int, list[RecordRow]] = {}
    for row in rows:
        part = (int(row.digest[:8], 16) if row.digest else receipt_id) % place.quarantines
        by_part.setdefault(part, []).append(row)
    for part, own in by_part.items():
        apart = Apart(rank, receipt_id, taken.connection.id, taken.keeps_duplicates, own)
        spool.put(APART, part, apart)


def said(
    hand: Hand, row: Any, raw: bytes, version: int | None = None
) -> tuple[Taken, Sequence[Item]]:
    """A receipt as it was taken in, and its items as they were decided.

    Args:
        hand: This process's means.
        row: The receipt.
        raw: Its bytes.
        version: By which mapping it is read; by its own where not said.
    """
    shape = shapes.told(row.shape)
    version = row.mapping_version if version is None else version
    if shape.is_remap:
        return _retold(hand, row, raw, version, shape.positions or frozenset())
    has_sender = row.client_id is not None
    taken = Taken(
        connection=hand.connection(row.connection_id),
        shape=row.shape,
        raw=raw,
        received_at=clock.from_iso(row.received_at),
        client_id=row.client_id,
        run_id=row.run_id,
        agencies=hand.agencies(row.client_id) if has_sender and not shape.opens else frozenset(),
        keeps_duplicates=has_sender or shape.is_act,
        origin=_origin(hand, row.origin_id),
    )
    items = read(hand.context, hand.tx, taken, version).items
    if shape.opens:
        [one] = items
        # Acts of the first versions counted it as the only one.
        return taken, [one if row.origin_id is not None else structs.replace(one, position=0)]
    if shape.is_act:
        return taken, items
    bad = hand.poisoned.get(row.id)
    if bad is None:
        return taken, items
    # Records that were set apart because they broke processing are taken as recorded.
    return taken, [
        Rejected(i.position, Reason.CRASH_POISON, None, i.code) if i.position in bad else i
        for i in items
    ]


def _retold(
    hand: Hand, row: Any, raw: bytes, version: int, positions: Collection[int]
) -> tuple[Taken, Sequence[Item]]:
    """Rows of an earlier receipt as what they were, read by another mapping."""
    first = intake.load_receipt(hand.tx, row.origin_id)
    taken, items = said(hand, first, raw, version)
    taken = structs.replace(taken, origin=retold(taken.origin, first))
    return taken, [item for item in items if item.position in positions]


def _origin(hand: Hand, receipt_id: int | None) -> Origin | None:
    if receipt_id is None:
        return None
    return origin_of(hand.tx, intake.load_receipt(hand.tx, receipt_id))
