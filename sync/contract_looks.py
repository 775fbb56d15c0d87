"""The rare look at the contracts that departments serve: noted, told, over by itself.

Once a day at the most, and when another contract was pinned; a job of its own, so that no run waits
for it or fails through it. What cannot be had is noted and is no alarm: the runs tell of an outage.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store import connections, contract_looks, drifts, plans
from store.connections import ConnectionRow
from store.contract_looks import Look
from store.drifts import DriftRow
from store.plans import Planned
from sync import drift, served
from sync.context import Context
from sync.drift import DriftShown
from sync.jobs import Job, Kind, Stopping
from sync.runs import is_asked
from sync.served import Served, Touching

logger = logging.getLogger(__name__)
_LOOKED_EVERY = timedelta(days=1)
_SHAPE = ""  # a contract's finding is of no shape


def settle(context: Context, connection_id: str, found: Served) -> list[DriftShown]:
    """Write what a look found, and the one alarm; what is new of it.

    A change that was taken as known raises nothing again. What is no longer found is over: `mapped`
    where what is served has been pinned, `gone` where what was pinned is served again.
    """
    at = clock.to_iso(context.now())

    def work(tx: Tx) -> list[DriftShown]:
        row = connections.lock_connection(tx, connection_id)
        if row is None or row.mapping_version != found.version:
            return []
        fingerprint, reason = found.fingerprint or None, served.reason_of(found)
        look = Look(row.id, at, found.version, fingerprint, reason)
        contract_looks.save_look(tx, look)
        if reason is not None:
            return []
        lasting = _of_contracts(drifts.list_drifts(tx, row.id))
        _end(tx, lasting, found, at)
        known = {one.field for one in lasting}
        taken = _accepted(drifts.list_drifts(tx, row.id, with_past=True))
        for one in found.changes:
            if _mark(one.field, one.told()) not in taken:
                _save(tx, row.id, one, found.fingerprint, at)
        left = drifts.list_drifts(tx, row.id)
        if lasting or left:
            drift.tell(tx, row.id, left, at)
        return [drift.shown(one) for one in _of_contracts(left) if one.field not in known]

    news = context.store.in_write(work)
    if news:
        logger.warning(
            "The contract that a department serves is not the pinned one",
            extra={
                "event": "contract.drifted",
                "connection": connection_id,
                "changes": len(news),
                "fields": [one.field for one in news[: served.MOST]],
            },
        )
    return news


def _of_contracts(rows: Sequence[DriftRow]) -> list[DriftRow]:
    return [one for one in rows if one.kind == "contract"]


def _mark(field: str, told: object) -> str:
    assert isinstance(told, dict)  # noqa: S101 - a finding's or a change's
    return repr((field, told.get("change"), told.get("before"), told.get("after")))


def _accepted(rows: Sequence[DriftRow]) -> set[str]:
    return {_mark(one.field, one.told) for one in _of_contracts(rows) if one.ended_by == "accepted"}


def _end(tx: Tx, lasting: Sequence[DriftRow], found: Served, at: str) -> None:
    left = {one.field for one in found.changes}
    for by in ("mapped", "gone"):
        ids = [
            one.id
            for one in lasting
            if one.field not in left
            and (one.told.get("served") == found.fingerprint) == (by == "mapped")
        ]
        if ids:
            drifts.end_drifts(tx, ids, by, at)


def _save(tx: Tx, connection_id: str, one: Touching, fingerprint: str, at: str) -> None:
    drifts.save_drift(
        tx,
        connection_id,
        at,
        shape=_SHAPE,
        kind="contract",
        field=one.field,
        told={**one.told(), "served": fingerprint},
        rows=0,
    )


# ---------------------------------------------------------------------- the rare look


def _is_wanted(context: Context, row: Planned, look: Look | None, now: datetime) -> bool:
    """Whether a connection whose runs go well is to be looked at."""
    plan = row.plan
    if plan.fired_for is None or plan.waits_for is not None or plan.breaker != "closed":
        return False
    if not is_asked(context, row) or context.system_of(row).served is None:
        return False
    if look is None or look.mapping_version != row.mapping_version:
        return True
    looked_at = clock.from_iso(look.looked_at)
    return not now - _LOOKED_EVERY < looked_at <= now + connections.CLOCK_TRUST


def _due(context: Context, now: datetime) -> Sequence[Job]:
    if context.contracts is None:
        return []
    with context.store.read() as tx:
        rows, looks = plans.list_planned(tx), contract_looks.list_looks(tx)
    return [
        Job(KIND.name, row.id) for row in rows if _is_wanted(context, row, looks.get(row.id), now)
    ]


def _begin(context: Context, connection_id: str) -> ConnectionRow | None:
    """The connection, if this node is the one that looks; noted before anything is fetched."""
    now = context.now()
    before = clock.to_iso(now - _LOOKED_EVERY)
    behind = clock.to_iso(now + connections.CLOCK_TRUST)

    def work(tx: Tx) -> ConnectionRow | None:
        row = connections.load_connection(tx, connection_id)
        if row is None or row.state != "enabled":
            return None
        is_mine = contract_looks.begin_look(
            tx, row.id, row.mapping_version, clock.to_iso(now), before, behind
        )
        return row if is_mine else None

    return context.store.in_write(work)


async def look_at(context: Context, connection_id: str) -> Served | None:
    """Look at one connection, unless that was done within a day; None where it was not."""
    row = await asyncio.to_thread(_begin, context, connection_id)
    found = await served.look(context, row) if row is not None else None
    if found is not None:
        await asyncio.to_thread(settle, context, connection_id, found)
    return found


async def _perform(context: Context, job: Job, _stopping: Stopping) -> None:
    await look_at(context, job.key)


KIND = Kind("contract", _due, _perform)
