"""Who is signed in to the console, and how often signing in may fail.

A cookie holds 256 random bits and the store their digest: a copy of the store signs nobody in.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from store.console_tables import Staff, StaffSession
from store.failures import Budget
from store.staff import Member, member_of
from store.tables import table

_BUDGET = Budget("staff:*", per_key=10, in_all=300)
# A session is noted as used once in so long: not every page is to write.
_NOTED_EVERY_S = 60


class Session(Struct, frozen=True):
    """A browser that is signed in.

    Attributes:
        digest: Of what its cookie holds.
        seen_at: When it was last noted as used.
    """

    digest: str
    member: Member
    created_at: str
    seen_at: str


class Lifetime(Struct, frozen=True):
    """How long one stays signed in, in seconds: without doing anything, and in all."""

    idle_s: float
    whole_s: float


def digest_of(cookie: str) -> str:
    """What the store keeps of a cookie."""
    return hashlib.sha256(cookie.encode("utf-8", "backslashreplace")).hexdigest()


def begin(tx: Tx, member: Member, at: str) -> str:
    """Sign somebody in; what their cookie is to hold, told here and kept nowhere."""
    cookie = secrets.token_urlsafe(32)
    told = {"digest": digest_of(cookie), "staff_id": member.id, "created_at": at, "seen_at": at}
    tx.execute(table(StaffSession).insert().values(**told))
    return cookie


def load(tx: Tx, cookie: str, now: datetime, lifetime: Lifetime) -> Session | None:
    """The session of a cookie; None where there is none, it is over, or its owner is disabled."""
    sessions, staff = table(StaffSession), table(Staff)
    found = tx.execute(
        select(
            sessions.c.digest,
            sessions.c.created_at.label("begun_at"),
            sessions.c.seen_at,
            staff,
        )
        .join(staff, staff.c.id == sessions.c.staff_id)
        .where(sessions.c.digest == digest_of(cookie), staff.c.disabled_at.is_(None))
    ).first()
    if found is None:
        return None
    idle = now - clock.from_iso(found.seen_at)
    whole = now - clock.from_iso(found.begun_at)
    if idle.total_seconds() > lifetime.idle_s or whole.total_seconds() > lifetime.whole_s:
        return None
    return Session(found.digest, member_of(found), found.begun_at, found.seen_at)


def is_to_be_noted(session: Session, now: datetime) -> bool:
    """Whether its use was not noted for a while."""
    return now - clock.from_iso(session.seen_at) > timedelta(seconds=_NOTED_EVERY_S)


def note(tx: Tx, digest: str, at: str) -> None:
    """Note that a session was used."""
    sessions = table(StaffSession)
    tx.execute(sessions.update().where(sessions.c.digest == digest).values(seen_at=at))


def end(tx: Tx, digest: str) -> None:
    """Sign a browser out."""
    sessions = table(StaffSession)
    tx.execute(sessions.delete().where(sessions.c.digest == digest))


def end_old(tx: Tx, now: datetime, lifetime: Lifetime) -> None:
    """Drop the sessions that are over."""
    sessions = table(StaffSession)
    since = clock.to_iso(now - timedelta(seconds=lifetime.whole_s))
    unused = clock.to_iso(now - timedelta(seconds=lifetime.idle_s))
    tx.execute(
        sessions.delete().where((sessions.c.created_at < since) | (sessions.c.seen_at < unused))
    )


def failures_left(tx: Tx, name: str, now_s: float) -> bool:
    """Whether signing in under a name may still be tried in this stretch of ten minutes."""
    return _BUDGET.is_left(tx, _key(name), now_s)


def note_failure(tx: Tx, name: str, now_s: float) -> None:
    """Count a failure against the name and the whole console."""
    _BUDGET.note(tx, _key(name), now_s)


def _key(name: str) -> str:
    return "staff:" + hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:32]
