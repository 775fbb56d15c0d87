"""Long work begun on the console, and how far it has come: seen from every process."""

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.engine import Connection as Tx

from store.console_tables import Task
from store.tables import table


class TaskRow(Struct, frozen=True):
    """One piece of long work (store.console_tables.Task)."""

    id: int
    kind: str
    subject: str
    staff_id: int
    state: str
    done: int
    total: int
    started_at: str
    beat_at: str
    ended_at: str | None
    result: str | None
    reason: str | None
    detail: str | None


def begin(tx: Tx, kind: str, subject: str, staff_id: int, at: str) -> int:
    """Note that work begins; its id."""
    told = {"kind": kind, "subject": subject, "staff_id": staff_id, "state": "running"}
    row = tx.execute(
        table(Task)
        .insert()
        .values(**told, done=0, total=0, started_at=at, beat_at=at)
        .returning(table(Task).c.id)
    ).one()
    return int(row[0])


def beat(tx: Tx, task_id: int, done: int, total: int, at: str) -> None:
    """Note how far it has come."""
    tasks = table(Task)
    told = {"done": done, "total": total, "beat_at": at}
    tx.execute(tasks.update().where(tasks.c.id == task_id).values(**told))


def finish(tx: Tx, task_id: int, result: str, at: str) -> None:
    """Note that it is done, with what came out of it as JSON."""
    tasks = table(Task)
    told = {"state": "done", "result": result, "ended_at": at, "beat_at": at}
    tx.execute(tasks.update().where(tasks.c.id == task_id).values(**told))


def fail(tx: Tx, task_id: int, reason: str, detail: str, at: str) -> None:
    """Note what broke it off."""
    tasks = table(Task)
    told = {"state": "failed", "reason": reason, "detail": detail, "ended_at": at, "beat_at": at}
    tx.execute(tasks.update().where(tasks.c.id == task_id).values(**told))


def load(tx: Tx, task_id: int) -> TaskRow | None:
    """One piece of work."""
    found = tx.execute(select(table(Task)).where(table(Task).c.id == task_id)).mappings().first()
    return TaskRow(**found) if found is not None else None


def newest(tx: Tx, kind: str, subject: str) -> TaskRow | None:
    """The newest work of a kind about something."""
    tasks = table(Task)
    found = tx.execute(
        select(tasks)
        .where(tasks.c.kind == kind, tasks.c.subject == subject)
        .order_by(tasks.c.id.desc())
        .limit(1)
    )
    row = found.mappings().first()
    return TaskRow(**row) if row is not None else None
