"""The one way in for every record, pushed or polled, one or a page of thousands (DESIGN 3).

Take in, map, decide and apply: in one commit where all goes well. Bodies that wait at the same time
are taken in by one commit, as if one after another (decision 0015). Where applying fails for the
hub's own reason, the intake still commits and its records are pending, to be decided by sync.drain.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.decide import Disposition
from canonical.errors import HubError, RequestRefused, StoreUnavailable
from canonical.ports import Fate
from canonical.reasons import Reason
from store import clients, connections, dossiers, intake
from store.clients import KeptAnswer
from store.intake import Closing, NewReceipt, RecordRow, SavedReceipt
from store.legs import Key
from store.tables import POSITION_BITS
from sync import bulk_quarantine, shapes
from sync.applying import Applied, counts_of, decide, settle
from sync.batch import keys_of
from sync.context import Context
from sync.learning import Sample
from sync.locked import Locked
from sync.reached import Reached
from sync.reading import (
    CANONICAL,
    GONE,
    Read,
    Watch,
    read_canonical,
    read_gone,
    read_native,
)
from sync.shapes import RETOLD
from sync.taken import Outcome, Taken, source_of

logger = logging.getLogger(__name__)
MAX_RECORDS = 1 << POSITION_BITS


Within = Callable[[Tx, Outcome], None]


class Answering(Struct, frozen=True):
    """An answer to be kept, so that the same push again is told the same.

    Attributes:
        key: (client id, Idempotency-Key).
        render: The answer to an outcome.
    """

    key: tuple[str, str]
    render: Callable[[Outcome], KeptAnswer]


class Body(Struct, frozen=True):
    """One body on its way in.

    Attributes:
        found: Its records, read by `prepare`.
        mapping_version: By which mapping they were read.
        within: More to be written in the same transaction (a checkpoint).
        answering: An answer to be kept in the same transaction.
    """

    taken: Taken
    found: Read
    mapping_version: int
    within: Within | None = None
    answering: Answering | None = None


class OtherWasFirst(HubError):
    """Another request with this Idempotency-Key was committed first; nothing of this one was."""


class _OthersWereFirst(Exception):
    def __init__(self, keys: set[tuple[str, str]]) -> None:
        super().__init__()
        self.keys = keys


def read(
    context: Context, tx: Tx, taken: Taken, mapping_version: int, watch: Watch | None = None
) -> Read:
    """The checked records of a body, those that its shape means.

    Raises:
        Malformed, Garbled: the whole body is outside its contract.
    """
    connection, shape = taken.connection, shapes.told(taken.shape)
    if shape.name == RETOLD:  # it tells of legs, and holds no record
        return Read([])
    if shape.name == GONE:
        return read_gone(taken.raw, taken.received_at, context.vault)
    if connection.system == CANONICAL:
        return read_canonical(
            taken.raw,
            shape.name,
            connection.namespace,
            taken.received_at,
            context.vault,
            shape.positions,
        )
    mapping = context.mapping(tx, connection, mapping_version)
    return read_native(
        taken.raw,
        shape.name,
        context.system_of(connection, mapping_version, tx),
        mapping,
        connection.namespace,
        taken.received_at,
        context.vault,
        shape.positions,
        watch,
    )


def prepare(context: Context, taken: Taken) -> tuple[Read, int]:
    """Read a body outside any transaction that writes; the mapping version it was read by."""
    with context.store.read() as tx:
        current = connections.load_connection(tx, taken.connection.id)
        version = current.mapping_version if current else taken.connection.mapping_version
        return read_by(context, tx, taken, version), version


def read_by(context: Context, tx: Tx, taken: Taken, mapping_version: int) -> Read:
    """As `read`, learning from it; a body of more records than there are places for is refused.

    Raises:
        RequestRefused: 413 BODY_TOO_LARGE.
        Malformed, Garbled: the whole body is outside its contract.
    """
    sample = _sample(context, tx, taken, mapping_version)
    found = read(context, tx, taken, mapping_version, sample)
    context.learner.note(taken.connection.id, sample)
    if len(found.items) >= MAX_RECORDS:
        raise RequestRefused(Reason.BODY_TOO_LARGE, 413)
    return found


def _sample(context: Context, tx: Tx, taken: Taken, version: int) -> Sample | None:
    """What looks at the rows while they are read; None where they are in the hub's own words."""
    connection = taken.connection
    if connection.system == CANONICAL or shapes.told(taken.shape).name == GONE:
        return None
    system = context.system_of(connection, version, tx)
    return Sample(context.learner.lens(tx, connection.id, version, system))


def take_in(
    context: Context, taken: Taken, found: Read, mapping_version: int, within: Within | None = None
) -> Outcome:
    """Keep the bytes, decide and apply every record; durable when this returns.

    Args:
        context: The hub's parts.
        taken: What arrived.
        found: Its records, read by `prepare`.
        mapping_version: By which mapping they were read.
        within: More to be written in the same transaction (a checkpoint).

    Raises:
        StoreUnavailable: nothing was kept.
        HubError: what `within` raises; nothing was kept.
    """
    [end] = take_in_together(context, [Body(taken, found, mapping_version, within)])
    if isinstance(end, Exception):
        raise end
    return end


def take_in_together(context: Context, bodies: Sequence[Body]) -> list[Outcome | Exception]:
    """Take bodies in by one commit, as if one after another; each ends for itself.

    One that cannot be applied for the hub's own reason costs the others nothing: they are parted
    by halves until it is alone, and it is kept as pending.

    Returns:
        For each what became of it, durable; or why nothing of it was kept.
    """
    try:
        return list(_commit(context, bodies))
    except _OthersWereFirst as first:
        return _without(context, bodies, first.keys)
    except StoreUnavailable as error:
        return [error] * len(bodies)
    except Exception as error:  # the hub's own failure must not cost the department its record
        if len(bodies) > 1:
            middle = len(bodies) // 2
            halves = (bodies[:middle], bodies[middle:])
            return [end for half in halves for end in take_in_together(context, half)]
        if isinstance(error, HubError):
            return [error]
        logger.exception(
            "A batch could not be applied; it is kept as pending",
            extra={"event": "intake.pending", "connection": bodies[0].taken.connection.id},
        )
        return [_keep_pending(context, bodies[0], error)]


def _without(
    context: Context, bodies: Sequence[Body], keys: set[tuple[str, str]]
) -> list[Outcome | Exception]:
    """The others, where somebody else was the first to answer some keys."""
    late = [b.answering is not None and b.answering.key in keys for b in bodies]
    rest = [b for b, is_late in zip(bodies, late, strict=True) if not is_late]
    ends = iter(take_in_together(context, rest) if rest else [])
    return [OtherWasFirst(Reason.CONFLICT) if is_late else next(ends) for is_late in late]


def _commit(context: Context, bodies: Sequence[Body]) -> list[Outcome]:
    news: dict[str, str] = {}

    def work(tx: Tx) -> list[Outcome]:
        outcomes = decide_receipts(context, tx, save_all(context, tx, bodies))
        _write_more(tx, bodies, outcomes)
        told = [
            (body.taken.connection.id, len(outcome.fates), outcome.refused)
            for body, outcome in zip(bodies, outcomes, strict=True)
        ]
        news.clear()
        news.update(bulk_quarantine.watch(tx, told, clock.to_iso(context.now())))
        return outcomes

    outcomes = context.store.in_write(work)
    bulk_quarantine.say(news)
    return outcomes


def _write_more(tx: Tx, bodies: Sequence[Body], outcomes: Sequence[Outcome]) -> None:
    """What else belongs into the transaction that takes bodies in.

    Raises:
        _OthersWereFirst: some of the keys have an answer already.
        HubError: what a body's `within` raises.
    """
    answers = {}
    for body, outcome in zip(bodies, outcomes, strict=True):
        if body.within is not None:
            body.within(tx, outcome)
        one = body.answering
        if one is not None:
            answers[one.key] = (one.render(outcome), outcome.received_at)
    others = answers.keys() - clients.save_answers(tx, answers)
    if others:
        raise _OthersWereFirst(others)


class Saved(Struct, frozen=True):
    """A body that has its receipt and is to be decided."""

    taken: Taken
    receipt: SavedReceipt
    found: Read


def save_all(context: Context, tx: Tx, bodies: Sequence[Body]) -> list[Saved]:
    """Keep bodies as receipts that are still pending."""
    catalogue_version = context.books(tx).version
    news = [
        (
            NewReceipt(
                connection_id=b.taken.connection.id,
                client_id=b.taken.client_id,
                run_id=b.taken.run_id,
                shape=b.taken.shape,
                mapping_version=b.mapping_version,
                catalogue_version=catalogue_version,
                received_at=clock.to_iso(b.taken.received_at),
                raw=b.taken.raw,
                origin_id=b.taken.origin.receipt_id if b.taken.origin is not None else None,
            ),
            len(b.found.items),
        )
        for b in bodies
    ]
    receipts = intake.save_receipts(tx, context.vault, news)
    return [Saved(b.taken, r, b.found) for b, r in zip(bodies, receipts, strict=True)]


def save(context: Context, tx: Tx, taken: Taken, mapping_version: int, found: Read) -> Saved:
    """Keep a body as a receipt that is still pending."""
    [saved] = save_all(context, tx, [Body(taken, found, mapping_version)])
    return saved


def _keep_pending(context: Context, body: Body, error: Exception) -> Outcome | Exception:
    if not body.found.items:
        return error

    def work(tx: Tx) -> Outcome:
        found, taken = body.found, body.taken
        saved = save(context, tx, taken, body.mapping_version, found)
        fates = [Fate(item.position, item.code, Disposition.PENDING.value) for item in found.items]
        outcome = _outcome(saved.receipt, taken.received_at, fates, {}, found.is_list)
        _write_more(tx, [body], [outcome])
        return outcome

    try:
        return context.store.in_write(work)
    except _OthersWereFirst:
        return OtherWasFirst(Reason.CONFLICT)
    except Exception as failed:  # noqa: BLE001 - told to the caller, whose body it is
        return failed


def decide_receipts(context: Context, tx: Tx, group: Sequence[Saved]) -> list[Outcome]:
    """Decide and apply the records of saved receipts, in the caller's transaction.

    They end as if decided one after another, in this order; what is read and written for it is read
    and written once for all of them.

    What is taken up again from the quarantine and still cannot be applied stays where it is: it is
    told among the fates and is no record of its receipt.
    """
    books = context.books(tx)
    keys: dict[Key, str] = {}
    for one in group:
        source, said_at = source_of(one.taken), one.taken.said_at
        for key in keys_of(source, said_at, one.found.items, books.agencies):
            keys.setdefault(key, one.taken.connection.id)
    locked = Locked(tx, keys)
    told = [decide(locked, books, o.taken, o.receipt.id, o.found.items) for o in group]
    locked.write()
    reached = Reached(tx, locked.before, [one.touched for one in told])
    ends = []
    for one, decided in zip(group, told, strict=True):
        reached.settle(decided.touched)
        applied = settle(reached, books, one.taken, one.receipt.id, decided)
        # Whom the group cannot reach belongs to the same dossier before and after it.
        others = {r.leg_id for r in applied.rows if r.leg_id is not None} - applied.made.keys()
        known = ((i, reached.public_id(i)) for i in others)
        applied.made.update((i, public_id) for i, public_id in known if public_id is not None)
        ends.append((others - applied.made.keys(), applied))
    reached.write()
    closings = [_closing(o, applied) for o, (_, applied) in zip(group, ends, strict=True)]
    intake.close_receipts(tx, closings, books.version)
    far = {leg_id for others, _ in ends for leg_id in others}
    public = dossiers.public_ids(tx, far) if far else {}
    return [_told(o, applied, public) for o, (_, applied) in zip(group, ends, strict=True)]


def _closing(one: Saved, applied: Applied) -> Closing:
    listed = _duplicates(applied.told, one.taken)
    return Closing(one.receipt.id, counts_of(applied.told), listed, applied.decision_no)


def _told(one: Saved, applied: Applied, far: Mapping[int, str]) -> Outcome:
    rows, public = applied.rows, {**far, **applied.made}
    fates = [Fate(r.position, r.code, r.disposition.value, r.reason, r.field) for r in rows]
    own = {r.position: public[r.leg_id] for r in rows if r.leg_id in public}
    outcome = _outcome(one.receipt, one.taken.received_at, fates, own, one.found.is_list)
    return structs.replace(outcome, refused=applied.refused)


def _duplicates(rows: Sequence[RecordRow], taken: Taken) -> str:
    if not taken.keeps_duplicates:
        return "[]"
    listed = [
        [r.position, r.code, r.leg_id] for r in rows if r.disposition is Disposition.DUPLICATE
    ]
    return json.dumps(listed, ensure_ascii=False)


def _outcome(
    receipt: SavedReceipt,
    received_at: datetime,
    fates: Sequence[Fate],
    made: dict[int, str],
    is_list: bool,  # noqa: FBT001 - carried through
) -> Outcome:
    counts = {d.value: 0 for d in Disposition}
    for fate in fates:
        counts[fate.disposition] += 1
    return Outcome(receipt.public_id, clock.to_iso(received_at), counts, fates, made, is_list)
