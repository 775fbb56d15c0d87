"""Records taken up again from the quarantine, once what was wrong with them is mended.

The raw bytes are read anew by the mapping and catalogue in force now, and each record is applied
where it would have stood had it been good at once: its time is that of the receipt it first came
in. The refused record stays as it was and names the act that settled it; the receipt made here
names the one it takes up again. What still cannot be applied stays in the quarantine, once.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.decide import Disposition
from canonical.errors import Garbled, HubError
from canonical.ports import Fate
from canonical.reasons import Reason
from canonical.record import Rejected
from canonical.text import Malformed
from store import acts, alarms, clients, connections, intake, quarantine
from store.connections import LeaseToken
from store.quarantine import Chosen
from sync import bulk_quarantine, shapes
from sync.context import Context
from sync.intake import Origin, Taken, decide_receipt, read, save
from sync.reading import Read

logger = logging.getLogger(__name__)
Progress = Callable[[int, int], None]


class Why(Struct, frozen=True):
    """Who wants it, and why, in that person's words."""

    actor: str
    reason: str


class Summary(Struct):
    """What a replay did with the records of one connection.

    Attributes:
        tried: How many were read again.
        still: (reason, field) -> how many cannot be applied now either, and why.
    """

    connection: str
    still: Counter[tuple[str, str | None]]
    tried: int = 0
    applied: int = 0
    superseded: int = 0
    duplicate: int = 0

    def add(self, fates: Sequence[Fate]) -> None:
        """Count what became of some more."""
        self.tried += len(fates)
        for fate in fates:
            if fate.disposition == Disposition.QUARANTINED:
                self.still[(str(fate.reason), fate.field)] += 1
            else:
                setattr(self, fate.disposition, getattr(self, fate.disposition) + 1)


class _NothingSettled(Exception):
    """Carries the fates out of a transaction of which nothing is to be kept."""

    def __init__(self, fates: Sequence[Fate]) -> None:
        super().__init__()
        self.fates = fates


def replay(
    context: Context, chosen: Chosen, why: Why, progress: Progress | None = None
) -> list[Summary]:
    """Take up again all that is chosen: one commit, and one new receipt, per original receipt.

    Broken off and begun again it goes on with what is left.

    Args:
        context: The hub's parts.
        chosen: Which records.
        why: Who wants it, and why.
        progress: Told how many of how many are done.

    Raises:
        HubError: NOT_FOUND for an id that is not in the quarantine, CONFLICT for one that is
            settled or where another replay of the connection is under way.
    """
    with context.store.read() as tx:
        _check_ids(tx, chosen)
        counts = quarantine.count_chosen(tx, chosen)
    total = sum(counts.values())
    summaries: list[Summary] = []
    for connection_id in counts:
        before = sum(one.tried for one in summaries)

        def done(tried: int, before: int = before) -> None:
            if progress is not None:
                progress(before + tried, total)

        only = structs.replace(chosen, connection=connection_id)
        summaries.append(_replay_connection(context, only, connection_id, why, done))
    return summaries


def _check_ids(tx: Tx, chosen: Chosen) -> None:
    for record_id in chosen.ids or ():
        row = quarantine.load_quarantined(tx, record_id)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no quarantined record {record_id}")
        if row.resolved_by is not None:
            raise HubError(Reason.CONFLICT, f"record {record_id} is settled already")


def _replay_connection(
    context: Context, chosen: Chosen, connection_id: str, why: Why, done: Callable[[int], None]
) -> Summary:
    name = f"replay:quarantine:{connection_id}"
    limits, now = context.limits, context.now
    lease = context.store.in_write(
        lambda tx: connections.take_lease(tx, name, why.actor, now(), limits.lease_s)
    )
    if lease is None:
        raise HubError(Reason.CONFLICT, f"another replay of {connection_id!r} is under way")
    under_way = Replaying(context, lease, why, Summary(connection_id, Counter()), done)
    try:
        under_way.run(chosen)
    finally:
        context.store.in_write(lambda tx: connections.free_lease(tx, lease, now()))
    return under_way.summary


class Replaying:
    """One replay of a connection under way."""

    def __init__(
        self,
        context: Context,
        lease: LeaseToken,
        why: Why,
        summary: Summary,
        done: Callable[[int], None],
    ) -> None:
        self._context = context
        self._lease = lease
        self._why = why
        self._done = done
        self._held_at = context.now()
        self.summary = summary

    def run(self, chosen: Chosen) -> None:
        """Everything that is chosen, in the order in which it came in."""
        after = 0
        while True:
            with self._context.store.read() as tx:
                groups = quarantine.next_groups(tx, chosen, after)
            if not groups:
                break
            for origin_id, positions in groups:
                self.receipt(origin_id, positions)
            after = intake.record_id(groups[-1][0], groups[-1][1][-1])
        self.end_alarm()

    def _hold(self) -> None:
        """Prolong the lease where nothing was committed for a while."""
        third = timedelta(seconds=self._context.limits.lease_s / 3)
        if self._context.now() - self._held_at > third:
            self._context.store.in_write(self._assert_lease)

    def _assert_lease(self, tx: Tx) -> None:
        now = self._context.now()
        connections.hold_lease(tx, self._lease, now, self._context.limits.lease_s)
        self._held_at = now

    def end_alarm(self) -> None:
        """Nothing is left in the quarantine: nobody needs to look at it."""
        connection_id, at = self.summary.connection, clock.to_iso(self._context.now())

        def work(tx: Tx) -> None:
            if not quarantine.count_chosen(tx, Chosen(connection_id)):
                alarms.end_alarm(tx, bulk_quarantine.KIND, connection_id, at)

        self._context.store.in_write(work)

    def receipt(self, origin_id: int, positions: Sequence[int]) -> None:
        """The records of one receipt: one commit, or more where one of them breaks deciding."""
        self._take_up(origin_id, positions)
        self._done(self.summary.tried)
        self._hold()

    def _take_up(self, origin_id: int, positions: Sequence[int]) -> None:
        try:
            taken, mapping_version, found = self._read(origin_id, positions)
        except (Malformed, Garbled) as error:
            reason = error.reason if isinstance(error, Garbled) else Reason.BODY_MALFORMED
            self.summary.add([_refused(position, reason) for position in positions])
            return
        bad = [item for item in found.items if isinstance(item, Rejected)]
        self.summary.add([_refused(i.position, i.reason, i.field, i.code) for i in bad])
        good = structs.replace(found, items=[i for i in found.items if not isinstance(i, Rejected)])
        if good.items:
            self._decide(origin_id, taken, mapping_version, good)

    def _read(self, origin_id: int, positions: Sequence[int]) -> tuple[Taken, int, Read]:
        context = self._context
        with context.store.read() as tx:
            origin = intake.load_receipt(tx, origin_id)
            connection = connections.load_connection(tx, origin.connection_id)
            if connection is None:
                raise HubError(Reason.NOT_FOUND, f"no connection {origin.connection_id!r}")
            sender = clients.load_any(tx, origin.client_id) if origin.client_id else None
            taken = Taken(
                connection=connection,
                shape=shapes.replay(shapes.told(origin.shape).name, positions),
                raw=intake.load_raw(tx, context.vault, origin.digest),
                received_at=clock.from_iso(clock.to_iso(context.now())),
                client_id=origin.client_id,
                agencies=sender.agencies if sender is not None else frozenset(),
                origin=Origin(origin_id, clock.from_iso(origin.received_at)),
            )
            version = connection.mapping_version
            return taken, version, read(context, tx, taken, version)

    def _decide(self, origin_id: int, taken: Taken, mapping_version: int, found: Read) -> None:
        """Decide what can be read; what breaks deciding is parted from its neighbours by halves."""
        try:
            fates = self._context.store.in_write(
                lambda tx: self._commit(tx, origin_id, taken, mapping_version, found)
            )
        except _NothingSettled as nothing:
            fates = nothing.fates
        except HubError:
            raise
        except Exception:  # whatever it is, the next record must not wait for it
            if len(found.items) == 1:
                logger.exception(
                    "A quarantined record breaks processing",
                    extra={"event": "replay.poison", "connection": taken.connection.id},
                )
                fates = [_refused(found.items[0].position, Reason.CRASH_POISON)]
            else:
                middle = len(found.items) // 2
                for half in (found.items[:middle], found.items[middle:]):
                    part = structs.replace(found, items=half)
                    self._decide(origin_id, taken, mapping_version, part)
                return
        self.summary.add(fates)

    def _commit(
        self, tx: Tx, origin_id: int, taken: Taken, mapping_version: int, found: Read
    ) -> Sequence[Fate]:
        self._assert_lease(tx)
        left = quarantine.unsettled(
            tx, [intake.record_id(origin_id, item.position) for item in found.items]
        )
        items = [i for i in found.items if intake.record_id(origin_id, i.position) in left]
        if not items:  # another act settled them meanwhile
            raise _NothingSettled([])
        name = shapes.told(taken.shape).name
        taken = structs.replace(taken, shape=shapes.replay(name, [i.position for i in items]))
        receipt = save(self._context, tx, taken, mapping_version, len(items))
        acts.save_act(
            tx,
            "replay",
            None,
            self._why.actor,
            self._why.reason,
            clock.to_iso(taken.received_at),
            acts.of_replay(receipt.id),
        )
        outcome = decide_receipt(
            self._context, tx, taken, receipt, structs.replace(found, items=items)
        )
        if outcome.counts["quarantined"] == len(items):
            raise _NothingSettled(outcome.fates)
        acts.mark_replayed(tx, receipt.id, origin_id, outcome.fates)
        return outcome.fates


def _refused(
    position: int, reason: Reason, field: str | None = None, code: str | None = None
) -> Fate:
    return Fate(position, code, Disposition.QUARANTINED.value, reason, field)
