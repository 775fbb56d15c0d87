"""A kind of work for tests of the engine: tasks of many steps, each committed under the lease.

A process that calls `learn` before it does `hub worker` knows this kind too. Every step ever
committed is a row, so what was lost, doubled or written without leave can be told afterwards.
A task called `deaf` does not hear the call to stop; one called `stuck` holds a thread for ever.
"""

import asyncio
import os
import threading
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.reasons import Reason
from store import connections
from store.connections import LeaseToken
from store.engine import Store
from sync.context import Context
from sync.jobs import Job, Kind, Stopping

PAUSE_S = 0.1


def prepare(store: Store) -> None:
    with store.write() as tx:
        tx.execute(text("CREATE TABLE stepped_task (key TEXT PRIMARY KEY, steps INT, done INT)"))
        columns = "key TEXT, number INT, node TEXT, token INT, at DOUBLE PRECISION"
        tx.execute(text(f"CREATE TABLE step ({columns})"))


def add(store: Store, key: str, steps: int) -> None:
    with store.write() as tx:
        tx.execute(text("INSERT INTO stepped_task VALUES (:k, :s, 0)"), {"k": key, "s": steps})


def due(context: Context, now: datetime) -> Sequence[Job]:
    with context.store.read() as tx:
        found = tx.execute(text("SELECT key FROM stepped_task WHERE done < steps ORDER BY key"))
        return [Job("steps", row[0]) for row in found]


async def perform(context: Context, job: Job, stopping: Stopping) -> None:
    node, ttl = os.environ["STEPS_NODE"], context.limits.lease_s

    def take(tx: Tx) -> LeaseToken | None:
        return connections.take_lease(tx, f"steps:{job.key}", node, context.now(), ttl)

    lease = await asyncio.to_thread(context.store.in_write, take)
    if lease is None:
        raise HubError(Reason.CONFLICT, "another node has it")

    def one_step(tx: Tx) -> bool:
        connections.hold_lease(tx, lease, context.now(), ttl)
        found = tx.execute(
            text(
                "UPDATE stepped_task SET done = done + 1 WHERE key = :k AND done < steps"
                " RETURNING done, steps"
            ),
            {"k": job.key},
        ).first()
        if found is None:
            return False
        tx.execute(
            text("INSERT INTO step VALUES (:k, :n, :node, :t, :at)"),
            {
                "k": job.key,
                "n": found[0],
                "node": node,
                "t": lease.token,
                "at": context.now().timestamp(),
            },
        )
        return bool(found[0] < found[1])

    if job.key == "stuck":
        await asyncio.to_thread(threading.Event().wait)
    try:
        while (job.key == "deaf" or not stopping) and await asyncio.to_thread(
            context.store.in_write, one_step
        ):
            if not await stopping.wait(PAUSE_S):
                continue
            await asyncio.sleep(PAUSE_S if job.key == "deaf" else 0)
    finally:
        await asyncio.to_thread(
            context.store.in_write, lambda tx: connections.free_lease(tx, lease, context.now())
        )


STEPS = Kind("steps", due, perform)


def learn() -> None:
    """Have this process know this kind of work."""
    from hub import serving

    serving.KINDS = (*serving.KINDS, STEPS)
