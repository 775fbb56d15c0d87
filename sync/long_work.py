"""Long work begun on the console: it goes on beside the doors, and its row tells how far it is.

What is done this way can be begun again: a process that ends in the middle of it leaves what it has
done so far, and a row that says it was broken off.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from store import tasks
from store.tasks import TaskRow
from sync.context import Context

logger = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
Work = Callable[[Progress], Any]
_NOTED_EVERY_S = 0.5
# So long without a word, and its process is taken for dead.
_SILENT_S = 120.0


def begin(context: Context, kind: str, subject: str, staff_id: int, work: Work) -> int:
    """Begin work on a thread of its own; its id.

    Args:
        context: The hub's parts.
        kind: What it is; its title is the word `task.<kind>`.
        subject: What it is about.
        staff_id: Who began it.
        work: Is told where to report (done, total); what it returns is kept as JSON.
    """
    at = clock.to_iso(context.now())
    task_id = context.store.in_write(lambda tx: tasks.begin(tx, kind, subject, staff_id, at))
    thread = threading.Thread(
        target=_perform, args=(context, task_id, work), name=f"task-{task_id}", daemon=True
    )
    thread.start()
    return task_id


def _perform(context: Context, task_id: int, work: Work) -> None:
    noted = 0.0

    def report(done: int, total: int) -> None:
        nonlocal noted
        now = time.monotonic()
        if now - noted < _NOTED_EVERY_S and done < total:
            return
        noted = now
        at = clock.to_iso(context.now())
        context.store.in_write(lambda tx: tasks.beat(tx, task_id, done, total, at))

    try:
        result = json.dumps(msgspec.to_builtins(work(report)), ensure_ascii=False)
        at = clock.to_iso(context.now())
        context.store.in_write(lambda tx: tasks.finish(tx, task_id, result, at))
    except HubError as error:
        _fail(context, task_id, error.reason, error.detail)
    except Exception:  # whatever it was, the row says so to who waits for it
        logger.exception("Long work broke", extra={"event": "task.broke", "task": task_id})
        _fail(context, task_id, Reason.STORE_UNAVAILABLE, "")


def _fail(context: Context, task_id: int, reason: Reason, detail: str) -> None:
    at = clock.to_iso(context.now())
    try:
        context.store.in_write(lambda tx: tasks.fail(tx, task_id, reason.value, detail, at))
    except HubError:
        logger.warning(
            "The end of long work could not be noted",
            extra={"event": "task.unsaid", "task": task_id, "reason": reason},
        )


def state_of(context: Context, row: TaskRow) -> str:
    """Running | done | failed; broken_off where nobody goes on with it."""
    silent = context.now() - clock.from_iso(row.beat_at)
    is_silent = row.state == "running" and silent > timedelta(seconds=_SILENT_S)
    return "broken_off" if is_silent else row.state


def result_of(row: TaskRow) -> Any:
    """What came out of it; None before."""
    return json.loads(row.result) if row.result is not None else None
