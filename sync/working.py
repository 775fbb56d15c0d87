"""The look for what is due, on every node at every tick, and what is said of each job's end.

The store going away is one line and its coming back one line: what was due is found again then.
"""

import asyncio
import logging
from collections.abc import Sequence

from canonical.errors import HubError, LeaseLost, StoreUnavailable
from canonical.reasons import Reason
from sync.context import Context
from sync.engine import Engine
from sync.jobs import Job, Kind, Stopping

logger = logging.getLogger(__name__)


class Troubles:
    """What goes wrong now, so that only its beginning and its end are said."""

    def __init__(self) -> None:
        self._now: set[str] = set()

    def begins(self, what: str) -> bool:
        """Note a failure; whether it is new."""
        is_new = what not in self._now
        self._now.add(what)
        return is_new

    def ends(self, what: str) -> bool:
        """Note that it goes well; whether it went wrong before."""
        was_so = what in self._now
        self._now.discard(what)
        return was_so


async def work(context: Context, engine: Engine, kinds: Sequence[Kind], stopping: Stopping) -> None:
    """Submit what is due at every tick, until stopped; no failure ends it."""
    troubles = Troubles()
    while not stopping:
        looks = [await _look(context, engine, kind, troubles) for kind in kinds]
        if all(looks) and troubles.ends("store"):
            logger.warning("The store is back, work goes on", extra={"event": "work.goes_on"})
        await stopping.wait(context.limits.tick_s)


async def _look(context: Context, engine: Engine, kind: Kind, troubles: Troubles) -> bool:
    """Submit what is due of one kind; whether the store answered."""
    try:
        for job in await asyncio.to_thread(kind.due, context, context.now()):
            await engine.submit(job)
    except StoreUnavailable as error:
        if troubles.begins("store"):
            logger.warning(
                "Work waits for the store",
                extra={"event": "work.waits", "reason": error.reason, "detail": error.detail},
            )
        return False
    except Exception:  # the other kinds must go on, whatever this one met
        if troubles.begins(kind.name):
            logger.exception(
                "What is due cannot be told", extra={"event": "work.blind", "kind": kind.name}
            )
        return True
    if troubles.ends(kind.name):
        logger.warning(
            "What is due can be told again", extra={"event": "work.sees", "kind": kind.name}
        )
    return True


class Performer:
    """Performs jobs of the kinds it knows and says how they ended; raises nothing of theirs."""

    def __init__(self, context: Context, kinds: Sequence[Kind], stopping: Stopping) -> None:
        self._context = context
        self._kinds = {kind.name: kind for kind in kinds}
        self._stopping = stopping

    async def __call__(self, job: Job) -> None:
        """Perform one job; what is unknown here or would begin after the call to stop is left."""
        kind = self._kinds.get(job.kind)
        if kind is None or self._stopping:
            return
        told = {"kind": job.kind, "key": job.key}
        try:
            await kind.perform(self._context, job, self._stopping)
        except HubError as error:
            # Another has the lease, or changed what was due: that is how nodes share the work.
            # The store's outage is said by the look.
            is_quiet = isinstance(error, LeaseLost | StoreUnavailable) or (
                error.reason is Reason.CONFLICT
            )
            logger.log(
                logging.DEBUG if is_quiet else logging.WARNING,
                "A job failed",
                extra={
                    "event": "job.failed",
                    **told,
                    "system": error.system,
                    "reason": error.reason,
                    "detail": error.detail,
                },
            )
        except Exception:  # a fault of this program's: the other jobs must go on
            logger.exception("A job broke off", extra={"event": "job.broke", **told})
