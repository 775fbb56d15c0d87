"""One batch of legs told anew, by one commit: receipts, the note, legs, dossiers, the feed.

What is read of each earlier receipt becomes a receipt of its own, of shape `act:NAME:remap:…`, over
the same bytes; the note behind them names the legs. Old rows stay what they were and name the act.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock, leg
from canonical.decide import TAKEN, Disposition
from canonical.errors import HubError
from canonical.reasons import Reason
from canonical.record import Rejected
from canonical.ties import Claim
from store import acts, connections, intake, legs, remaps
from store.connections import LeaseToken
from store.intake import Closing, NewReceipt, RecordRow, SavedReceipt, record_id
from store.legs import LegRow
from store.remaps import Standing
from sync import shapes
from sync.applying import counts_of
from sync.batch import Touched, rejected_row
from sync.dossiers import put_together
from sync.in_force import InForce
from sync.proof import note
from sync.proof.hand import Hand
from sync.proof.note import Name, Note
from sync.proof.receipts import said
from sync.proof.retelling import Old, Retold, as_retold, named, retell, turned
from sync.quarantine_replay import Why
from sync.reached import Reached
from sync.remap.words import Batch, Late, Word


class MovedOn(HubError):
    """Something came in meanwhile that has to be read first; nothing was written."""

    def __init__(self) -> None:
        super().__init__(Reason.CONFLICT, "legs have changed while they were told anew")


class Done(Struct, frozen=True):
    """What one commit told anew: records, and how many of them their legs hold now."""

    records: int
    taken: int


def commit(
    context: InForce, lease: LeaseToken, connection_id: str, batch: Batch, late: Late, why: Why
) -> Done:
    """Tell the legs of a batch anew. Raises MovedOn where they have to be planned anew."""
    return context.store.in_write(
        lambda tx: _Telling(context, tx, lease, connection_id, batch, late, why).commit()
    )


class _Telling:
    """One batch on its way."""

    def __init__(
        self,
        context: InForce,
        tx: Tx,
        lease: LeaseToken,
        connection_id: str,
        batch: Batch,
        late: Late,
        why: Why,
    ) -> None:
        now = context.now()
        connections.hold_lease(tx, lease, now, context.limits.lease_s)
        self._context, self._tx, self._why = context, tx, why
        self._connection, self._batch, self._late = connection_id, batch, late
        self._at = clock.to_iso(now)
        self._hand = Hand(context, tx, 0, b"")
        self._books = context.books(tx)

    def commit(self) -> Done:
        """All of it."""
        tx = self._tx
        held = legs.lock_known(tx, self._batch.names)
        self._late.read(self._hand)
        words = [*self._batch.words, *self._since()]
        rows = remaps.standing(tx, [row.id for row in held])
        if rows.keys() - {i for word in words for i in word.records()}:
            raise MovedOn
        firsts = remaps.receipts(tx, {word.told.receipt_id for word in words})
        saved = self._save(words, firsts)
        told = [
            structs.replace(as_retold(word.told), receipt_id=own.id)
            for word, own in zip(words, saved, strict=True)
            if word.readable()  # else it says nothing of any leg
        ]
        known = {(row.namespace, row.code, row.generation): row.id for row in held}
        found = retell(self._hand, told, known)
        held += self._begin(found)
        names = {row.id: (row.namespace, row.code) for row in held}
        ended: dict[int, list[RecordRow]] = {own.id: [] for own in saved}
        ended |= {one.receipt_id: list(rows) for one, rows in found.ended}
        for word, own in zip(words, saved, strict=True):
            ended[own.id] += self._refused(word, firsts[word.told.receipt_id])
        moved = _moved(words, saved, ended, rows, names)
        written = self._note(sorted({*self._batch.names, *names.values()}), moved)
        self._settle(words, rows, written.id)
        intake.insert_records(tx, self._kept(words, saved, ended))
        olds = self._olds(held)
        touched = turned(olds, found, moved, written.id, self._at)
        self._put_together(held, touched, [*saved, written], ended)
        every = [row for some in ended.values() for row in some]
        return Done(len(every), sum(row.disposition in TAKEN for row in every))

    def _since(self) -> list[Word]:
        """What came since the batch was planned."""
        found = self._late.of(self._hand, self._batch.names, self._batch.late)
        if any(one.opens for one in found):  # one of the words is said by that now
            raise MovedOn
        return [Word(one, {item.position for item in one.items()}) for one in found]

    def _save(self, words: Sequence[Word], firsts: Mapping[int, Any]) -> list[SavedReceipt]:
        news = []
        for word in words:
            first = firsts[word.told.receipt_id]
            name = shapes.told(first.shape).name
            new = self._new(first, shapes.remap(name, word.positions), first.client_id)
            version = self._context.version_of(first.connection_id, first.mapping_version)
            news.append((structs.replace(new, mapping_version=version), len(word.positions)))
        return intake.save_receipts(self._tx, self._context.vault, news)

    def _new(self, first: Any, shape: str, client_id: str | None) -> NewReceipt:
        return NewReceipt(
            connection_id=first.connection_id,
            client_id=client_id,
            run_id=None,
            shape=shape,
            mapping_version=first.mapping_version,
            catalogue_version=self._books.version,
            received_at=self._at,
            raw=b"",
            origin_id=first.id,
            kept=(first.digest, first.size_bytes),
        )

    def _begin(self, found: Retold) -> list[LegRow]:
        """Legs that there were not yet."""
        begun: list[LegRow] = []
        ids: dict[int, int] = {}
        new = sorted(
            (row for i, row in found.ground.legs.items() if i < 0),
            key=lambda row: (row.namespace, row.code, row.generation),
        )
        first = {(r.namespace, r.code): r.connection_id for r in new if r.generation == 1}
        made = self._first_generations(first)
        for row in new:
            key = (row.namespace, row.code)
            if row.generation == 1:
                own = made[key]
                if own.fold or own.generation != 1:
                    raise MovedOn
            else:
                opened = legs.open_generation(self._tx, key, row.generation, row.connection_id)
                own = structs.replace(row, id=opened, same_time=False, gone_at=None)
            ids[row.id] = own.id
            begun.append(own)
        renamed = named(found, ids)
        found.ended = renamed.ended
        return begun

    def _first_generations(self, keys: Mapping[Name, str]) -> Mapping[Name, LegRow]:
        """Those legs, locked; begun where they are not there."""
        made = legs.lock_legs(self._tx, keys)
        begun = legs.number_legs(self._tx, {k: keys[k] for k in keys.keys() - made.keys()})
        legs.begin_legs(self._tx, list(begun.values()))
        return {**made, **begun}

    def _refused(self, word: Word, first: Any) -> list[RecordRow]:
        """The rows of what can be read no more."""
        lost = word.positions - word.readable()
        if not lost:
            return []
        raw = intake.load_raw(self._tx, self._context.vault, first.digest)
        _, items = said(self._hand, first, raw)
        found = [
            rejected_row(one) for one in items if isinstance(one, Rejected) and one.position in lost
        ]
        if len(found) != len(lost):  # it reads as something of other legs
            raise MovedOn
        return found

    def _note(self, names: Sequence[Name], moved: set[Name]) -> SavedReceipt:
        raw = note.encode(Note(list(names), sorted(moved)))
        first = self._batch.words[0].told.receipt_id
        connection = self._hand.connection(self._connection)
        new = NewReceipt(
            connection_id=self._connection,
            client_id=None,
            run_id=None,
            shape=shapes.RETOLD,
            mapping_version=connection.mapping_version,
            catalogue_version=self._books.version,
            received_at=self._at,
            raw=raw,
            origin_id=first,
        )
        [saved] = intake.save_receipts(self._tx, self._context.vault, [(new, 0)])
        return saved

    def _settle(self, words: Sequence[Word], rows: Mapping[int, Standing], note_id: int) -> None:
        """Old rows name the act that told them anew."""
        tx, why = self._tx, self._why
        subject = acts.of_remap(note_id)
        act = acts.save_act(tx, "replay", None, why.actor, why.reason, self._at, subject)
        before = remaps.by_origin(tx, [word.told.receipt_id for word in words])
        refused = [i for word in words for i in word.records()]
        for word in words:
            for _, earlier in before.get(word.told.receipt_id, ()):
                refused += [record_id(earlier, one) for one in word.positions]
        acts.mark_retold(tx, act, [row.id for row in rows.values() if row.is_taken], refused)

    def _kept(
        self,
        words: Sequence[Word],
        saved: Sequence[SavedReceipt],
        ended: Mapping[int, Sequence[RecordRow]],
    ) -> list[tuple[int, str, RecordRow]]:
        return [
            (own.id, word.told.connection, row)
            for word, own in zip(words, saved, strict=True)
            for row in sorted(ended[own.id], key=lambda one: one.position)
            if row.disposition is not Disposition.DUPLICATE
        ]

    def _olds(self, held: Sequence[LegRow]) -> dict[int, Old]:
        ids = [row.id for row in held]
        entries = legs.load_entries(self._tx, ids)
        claims: dict[int, set[Claim]] = {}
        for one in legs.load_claims(self._tx, ids):
            if one.live:
                claims.setdefault(one.leg_id, set()).add(Claim(one.kind, one.key, one.code))
        return {
            row.id: Old(row, row.fold, entries.get(row.id, {}), frozenset(claims.get(row.id, ())))
            for row in held
        }

    def _put_together(
        self,
        held: Sequence[LegRow],
        touched: Touched,
        saved: Sequence[SavedReceipt],
        ended: Mapping[int, Sequence[RecordRow]],
    ) -> None:
        """Legs, dossiers and the feed, as of the last of these decisions: the note."""
        tx = self._tx
        before = {row.id: row for row in held}
        touched.legs = {
            i: structs.replace(row, fold=leg.encode(touched.folds[i]))
            for i, row in touched.legs.items()
        }
        legs.save_legs(tx, list(touched.legs.values()))
        reached = Reached(tx, before, [touched], len(saved))
        reached.settle(touched)
        closings = []
        for own in saved:
            rows = ended.get(own.id, ())
            closings.append(
                Closing(own.id, counts_of(rows), _duplicates(rows), reached.next_decision())
            )
        put_together(reached, touched, saved[-1].id, self._at, self._books.precedences)
        reached.write()
        intake.close_receipts(tx, closings, self._books.version)


def _duplicates(rows: Sequence[RecordRow]) -> str:
    listed = sorted(
        [r.position, r.code, r.leg_id] for r in rows if r.disposition is Disposition.DUPLICATE
    )
    return json.dumps(listed, ensure_ascii=False)


def _moved(
    words: Sequence[Word],
    saved: Sequence[SavedReceipt],
    ended: Mapping[int, Sequence[RecordRow]],
    rows: Mapping[int, Standing],
    names: Mapping[int, Name],
) -> set[Name]:
    """Legs of which a record is another leg's now."""
    found = set()
    for word, own in zip(words, saved, strict=True):
        for row in ended[own.id]:
            before = rows.get(record_id(word.told.receipt_id, row.position))
            if before is None or not before.is_taken or row.disposition not in TAKEN:
                continue
            if row.leg_id is not None and names[row.leg_id] != names[before.leg_id]:
                found.add(names[before.leg_id])
    return found
