"""Personal data shown to staff who asked for it: who, of what, why, when."""

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.engine import Connection as Tx

from store.console_tables import Disclosure, Staff
from store.tables import table

LONGEST_REASON = 1_000


class Shown(Struct, frozen=True):
    """One time that somebody asked.

    Attributes:
        name: Who asked.
        subject: Of what, `dossier:…`.
    """

    id: int
    name: str
    subject: str
    reason: str
    at: str
    until: str


def note(tx: Tx, staff_id: int, subject: str, reason: str, at: str, until: str) -> None:
    """Note that somebody asked, and until when it stays shown to them."""
    told = {"staff_id": staff_id, "subject": subject, "reason": reason, "at": at, "until": until}
    tx.execute(table(Disclosure).insert().values(**told))


def shown_until(tx: Tx, staff_id: int, subject: str, now: str) -> str | None:
    """Until when something is shown to somebody who asked; None where it is masked."""
    shown = table(Disclosure)
    found = tx.execute(
        select(shown.c.until)
        .where(shown.c.staff_id == staff_id, shown.c.subject == subject, shown.c.until > now)
        .order_by(shown.c.until.desc())
        .limit(1)
    ).scalar()
    return str(found) if found is not None else None


def list_shown(tx: Tx, before: int | None = None, limit: int = 50) -> list[Shown]:
    """Who was shown what, newest first; those before an id."""
    shown, staff = table(Disclosure), table(Staff)
    query = (
        select(shown.c.id, staff.c.name, shown.c.subject, shown.c.reason, shown.c.at, shown.c.until)
        .join(staff, staff.c.id == shown.c.staff_id)
        .order_by(shown.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(shown.c.id < before)
    return [Shown(**row) for row in tx.execute(query).mappings()]
