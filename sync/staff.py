"""Accounts of the console: the first one, signing in, other passwords.

A password is kept as argon2id. One hash takes 64 MiB, so that only few are made side by side.
"""

import secrets
import threading
from functools import cache
from typing import Any

from msgspec import Struct

from canonical import clock
from canonical.codes import agency_code
from canonical.errors import HubError, RequestRefused
from canonical.reasons import Reason
from canonical.text import Forbidden, clean
from store import staff, staff_sessions
from store.console_tables import ROLES
from store.failures import WINDOW_S
from store.staff import Member
from store.staff_sessions import Lifetime
from sync.context import Context

FIRST = "quantri"
SHORTEST = 12
LONGEST = 200
_LONGEST_NAME = 100
_AT_ONCE = threading.BoundedSemaphore(2)


class Made(Struct, frozen=True):
    """What a new account, or one that was reset, is told once."""

    name: str
    role: str
    password: str


def add_first(context: Context) -> Made | None:
    """The one administrator a hub begins with; None where anybody has an account already."""
    with context.store.read() as tx:
        if staff.has_any(tx):
            return None
    password = _one_time()
    hashed, at = _hash(password), clock.to_iso(context.now())

    def add(tx: Any) -> Member | None:
        if staff.has_any(tx):
            return None
        return staff.add_member(tx, FIRST, "administrator", [], hashed, at)

    made = context.store.in_write(add)
    return Made(made.name, made.role, password) if made is not None else None


def add(context: Context, name: str, role: str, agencies: list[str]) -> Made:
    """Add an account; its one-time password is told here and never again.

    Raises:
        HubError: a role that does not exist, a name that is taken or cannot be typed.
    """
    if role not in ROLES:
        raise HubError(Reason.FIELD_TYPE, f"no role {role!r}; there are {', '.join(ROLES)}")
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise HubError(Reason.FIELD_TYPE, "a name has 1 to 100 letters")
    codes = [agency_code(code) for code in agencies]
    password = _one_time()
    hashed, at = _hash(password), clock.to_iso(context.now())
    name = name.strip()
    made = context.store.in_write(lambda tx: staff.add_member(tx, name, role, codes, hashed, at))
    if made is None:
        raise HubError(Reason.CONFLICT, f"there is an account {name!r} already")
    return Made(made.name, made.role, password)


def reset(context: Context, name: str) -> Made:
    """Give an account a new one-time password; a disabled one is let in again.

    Raises:
        HubError: NOT_FOUND where there is no such account.
    """
    member = _known(context, name)
    password = _one_time()
    hashed, at = _hash(password), clock.to_iso(context.now())
    context.store.in_write(
        lambda tx: staff.set_password(tx, member.id, hashed, at, must_change=True)
    )
    return Made(member.name, member.role, password)


def disable(context: Context, name: str) -> None:
    """Let somebody in no more, at once.

    Raises:
        HubError: NOT_FOUND where there is no such account.
    """
    member = _known(context, name)
    at = clock.to_iso(context.now())
    context.store.in_write(lambda tx: staff.disable(tx, member.id, at))


def _known(context: Context, name: str) -> Member:
    with context.store.read() as tx:
        found = staff.find_member(tx, name)
    if found is None:
        raise HubError(Reason.NOT_FOUND, f"no account {name!r}")
    return found


def sign_in(context: Context, name: str, password: str) -> str:
    """Sign somebody in; what their cookie is to hold.

    An unknown name costs as much as a wrong password, and is told the same.

    Raises:
        RequestRefused: 401 UNAUTHENTICATED; 429 TOO_MANY where it failed too often lately.
    """
    name = _plain(name)
    now = context.now()
    seconds = now.timestamp()
    with context.store.read() as tx:
        if not staff_sessions.failures_left(tx, name, seconds):
            left = WINDOW_S - int(seconds) % WINDOW_S
            raise RequestRefused(Reason.TOO_MANY, 429, retry_after_s=left)
        found = staff.find_member(tx, name)
    held = found.password if found is not None else _nobody()
    is_right = _fits(password, held)
    if found is None or found.disabled_at is not None or not is_right:
        context.store.in_write(lambda tx: staff_sessions.note_failure(tx, name, seconds))
        raise RequestRefused(Reason.UNAUTHENTICATED, 401)

    def begin(tx: Any) -> str:
        staff_sessions.end_old(tx, now, lifetime(context))
        return staff_sessions.begin(tx, found, clock.to_iso(now))

    return context.store.in_write(begin)


def change_password(context: Context, member: Member, before: str, after: str) -> str:
    """Another password in place of the one before; the cookie of the session that begins with it.

    Raises:
        RequestRefused: 401 where the one before is wrong, 429 where that happened too often;
            422 FIELD_TYPE for one that is too short, too long or the same, CHAR_FORBIDDEN.
    """
    seconds = context.now().timestamp()
    with context.store.read() as tx:
        if not staff_sessions.failures_left(tx, member.name, seconds):
            raise RequestRefused(Reason.TOO_MANY, 429)
    if not _fits(before, member.password):
        context.store.in_write(lambda tx: staff_sessions.note_failure(tx, member.name, seconds))
        raise RequestRefused(Reason.UNAUTHENTICATED, 401, field="before")
    if not SHORTEST <= len(after) <= LONGEST or after in (before, member.name):
        raise RequestRefused(Reason.FIELD_TYPE, 422, field="after")
    hashed, at = _hash(after), clock.to_iso(context.now())

    def change(tx: Any) -> str:
        staff.set_password(tx, member.id, hashed, at, must_change=False)
        return staff_sessions.begin(tx, member, at)

    return context.store.in_write(change)


def lifetime(context: Context) -> Lifetime:
    """How long one stays signed in."""
    return Lifetime(context.limits.session_idle_s, context.limits.session_s)


def _plain(name: str) -> str:
    try:
        return str(clean(name.strip()))[:_LONGEST_NAME]
    except Forbidden:
        raise RequestRefused(Reason.UNAUTHENTICATED, 401) from None


def _one_time() -> str:
    """80 random bits in letters that nobody confuses, in groups to be read out."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    drawn = "".join(secrets.choice(letters) for _ in range(16))
    return "-".join(drawn[place : place + 4] for place in range(0, 16, 4))


@cache
def _hasher() -> Any:
    from pwdlib import PasswordHash  # argon2 only where somebody signs in

    return PasswordHash.recommended()


def _hash(password: str) -> str:
    with _AT_ONCE:
        return str(_hasher().hash(password))


def _fits(password: str, hashed: str) -> bool:
    if len(password) > LONGEST:
        return False
    with _AT_ONCE:
        return bool(_hasher().verify(password, hashed))


@cache
def _nobody() -> str:
    """A hash that nobody's password fits, so that an unknown name is answered as late as others."""
    return _hash(secrets.token_urlsafe(32))
