"""Receivers: who is told, how far each of their shards has come, and how they fare."""

import json
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection as Tx

from canonical.ports import Settings
from store import bulk
from store.clients import Principal
from store.tables import table
from store.types import Moment
from store.vault import Vault
from store.work_tables import Receiver, ReceiverShard


class ReceiverRow(Struct, frozen=True):
    """One configured receiver (store.work_tables.Receiver).

    Attributes:
        agencies: It is told of their dossiers alone; empty for the whole province.
        not_before: Changes before this moment are skipped; None skips none.
        shards: 0 where it is told figures.
        waits_for: A reason a person must settle; None while nothing has to be.
    """

    id: str
    system: str
    endpoint: str
    options: dict[str, str]
    sealed: bytes | None
    agencies: tuple[str, ...]
    state: str
    not_before: str | None
    shards: int
    live_from: int
    failures: int
    breaker: str
    retry_at: str | None
    waits_for: str | None
    created_at: str

    def settings(self, vault: Vault) -> Settings:
        """What its adapter needs, secrets revealed."""
        secrets = json.loads(vault.open(self.sealed)) if self.sealed else {}
        return Settings(self.id, self.endpoint, self.options, secrets)

    @property
    def principal(self) -> Principal:
        """Who it is where dossiers are narrowed to what may be seen."""
        return Principal(self.id, self.id, frozenset({"read"}), (), frozenset(self.agencies))

    @property
    def live_not_before(self) -> str | None:
        """As `not_before`, of live changes.

        A moment that had passed when the receiver was added leaves none of them out: their own
        moment, taken before they were committed, may lie just before it.
        """
        is_ahead = self.not_before is not None and self.not_before > self.created_at
        return self.not_before if is_ahead else None


class ShardRow(Struct, frozen=True):
    """How far one shard of a receiver has come (store.work_tables.ReceiverShard)."""

    receiver_id: str
    shard: int
    seq: int
    backlog_seq: int
    delivered: int
    skipped: int
    dropped: int
    last_at: str | None


def load_receiver(tx: Tx, receiver_id: str, *, is_locked: bool = False) -> ReceiverRow | None:
    """A receiver by id; None where there is none. Locked: until the transaction's end."""
    receivers = table(Receiver)
    query = select(receivers).where(receivers.c.id == receiver_id)
    if is_locked and tx.dialect.name != "sqlite":
        query = query.with_for_update()
    found = tx.execute(query).first()
    return _row(found) if found is not None else None


def list_receivers(tx: Tx) -> list[ReceiverRow]:
    """All receivers, by id."""
    receivers = table(Receiver)
    return [_row(row) for row in tx.execute(select(receivers).order_by(receivers.c.id))]


def _row(row: Any) -> ReceiverRow:
    told = {name: getattr(row, name) for name in ReceiverRow.__struct_fields__ if name != "sealed"}
    told["options"] = json.loads(row.options)
    told["agencies"] = tuple(json.loads(row.agencies))
    return ReceiverRow(**told, sealed=row.secrets)


def _plain(row: ReceiverRow) -> dict[str, Any]:
    """What a person sets, as the table has it."""
    return {
        "endpoint": row.endpoint,
        "options": json.dumps(row.options, ensure_ascii=False, sort_keys=True),
        "secrets": row.sealed,
    }


def add_receiver(tx: Tx, row: ReceiverRow, backlog_from: int) -> None:
    """Add a receiver with its shards.

    Args:
        tx: An open write transaction.
        row: `live_from` is the newest change.
        backlog_from: The backlog begins after this change; what lies before counts as skipped.
    """
    tx.execute(
        table(Receiver)
        .insert()
        .values(
            id=row.id,
            system=row.system,
            agencies=json.dumps(row.agencies),
            state=row.state,
            not_before=row.not_before,
            shards=row.shards,
            live_from=row.live_from,
            failures=row.failures,
            breaker=row.breaker,
            retry_at=row.retry_at,
            waits_for=row.waits_for,
            created_at=row.created_at,
            **_plain(row),
        )
    )
    if not row.shards:
        return
    found = tx.execute(
        text("SELECT dossier_id % :shards, count(*) FROM change WHERE seq <= :seq GROUP BY 1"),
        {"shards": row.shards, "seq": backlog_from},
    )
    before = {int(shard): int(count) for shard, count in found}
    columns = tuple(name for name in ShardRow.__struct_fields__ if name != "last_at")
    bulk.insert(
        tx,
        ReceiverShard,
        columns,
        [
            (row.id, shard, row.live_from, backlog_from, 0, before.get(shard, 0), 0)
            for shard in range(row.shards)
        ],
    )


def backlog_start(tx: Tx, not_before: str, newest: int) -> int:
    """The change after which a backlog begins that goes back to a moment."""
    found = tx.execute(
        text("SELECT min(seq) FROM change WHERE at >= :at AND seq <= :newest"),
        {"at": not_before, "newest": newest},
    ).scalar()
    return int(found) - 1 if found is not None else newest


def change_receiver(tx: Tx, row: ReceiverRow) -> None:
    """Write what a person may change of a receiver: its address, settings and secrets."""
    receivers = table(Receiver)
    tx.execute(receivers.update().where(receivers.c.id == row.id).values(**_plain(row)))


def set_state(tx: Tx, receiver_id: str, state: str) -> None:
    """Enable or pause a receiver."""
    receivers = table(Receiver)
    tx.execute(receivers.update().where(receivers.c.id == receiver_id).values(state=state))


def save_health(
    tx: Tx,
    receiver_id: str,
    *,
    failures: int,
    breaker: str,
    retry_at: str | None,
    waits_for: str | None,
) -> None:
    """Write how a receiver fares; read it locked before."""
    receivers = table(Receiver)
    tx.execute(
        receivers.update()
        .where(receivers.c.id == receiver_id)
        .values(failures=failures, breaker=breaker, retry_at=retry_at, waits_for=waits_for)
    )


def load_shard(tx: Tx, receiver_id: str, shard: int, *, is_locked: bool = False) -> ShardRow | None:
    """How far a shard has come; None where there is none. Locked: until the transaction's end."""
    shards = table(ReceiverShard)
    query = select(shards).where(shards.c.receiver_id == receiver_id, shards.c.shard == shard)
    if is_locked and tx.dialect.name != "sqlite":
        query = query.with_for_update()
    found = tx.execute(query).mappings().first()
    return ShardRow(**found) if found is not None else None


def list_shards(tx: Tx) -> list[ShardRow]:
    """Every shard of every receiver, in order."""
    shards = table(ReceiverShard)
    query = select(shards).order_by(shards.c.receiver_id, shards.c.shard)
    return [ShardRow(**row) for row in tx.execute(query).mappings()]


def last_taken_at(tx: Tx, receiver_id: str) -> str | None:
    """When a receiver last took a delivery; None where it never did."""
    shards = table(ReceiverShard)
    found = tx.execute(
        select(func.max(shards.c.last_at)).where(shards.c.receiver_id == receiver_id)
    ).scalar()
    return Moment().process_result_value(found, tx.dialect)


def count_on_shard(
    tx: Tx,
    receiver_id: str,
    shard: int,
    *,
    delivered: int = 0,
    skipped: int = 0,
    dropped: int = 0,
    last_at: str | None = None,
) -> None:
    """Add to what became of a shard's changes.

    Args:
        tx: An open write transaction.
        receiver_id: Whose.
        shard: Which.
        delivered: Changes it now has.
        skipped: Changes it is told nothing of.
        dropped: Changes a person took out.
        last_at: When the newest of the delivered ones was taken; None leaves it.
    """
    shards = table(ReceiverShard)
    told: dict[str, Any] = {
        "delivered": shards.c.delivered + delivered,
        "skipped": shards.c.skipped + skipped,
        "dropped": shards.c.dropped + dropped,
    }
    if last_at is not None:
        told["last_at"] = last_at
    tx.execute(
        shards.update()
        .where(shards.c.receiver_id == receiver_id, shards.c.shard == shard)
        .values(**told)
    )
