"""Tables of the console: who works there, who is signed in, what was shown to whom, long work.

Nothing of a dossier stands here: what a person decides about one is an act (store.tables.Act).
"""

from typing import Any

from sqlalchemy import Boolean, Column, Index
from sqlmodel import Field

from canonical.reasons import Reason
from store.columns import ID, Table, at_most, big, moment, one_of, ref, text_column

ROLES = ("administrator", "operator", "viewer")
TASK_STATES = ("running", "done", "failed")


def _yes_or_no() -> Any:
    return Field(sa_column=Column(Boolean, nullable=False))


class Staff(Table, table=True):
    """Someone who may sign in to the console."""

    __table_args__ = (one_of("role", ROLES), at_most("name", 100))
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    name: str = text_column(unique=True)
    role: str = text_column()
    agencies: str = text_column()  # JSON list; empty = the whole province
    password: str = text_column()  # argon2id
    must_change: bool = _yes_or_no()  # it was told by somebody else: good for one thing only
    created_at: str = moment()
    changed_at: str = moment()  # when the password was set
    disabled_at: str | None = moment(nullable=True)


class StaffSession(Table, table=True):
    """One browser that is signed in; its cookie holds what this is the digest of."""

    __tablename__ = "staff_session"
    __table_args__ = (Index("staff_session_of", "staff_id"),)
    digest: str = text_column(primary_key=True)
    staff_id: int = ref("staff.id")
    created_at: str = moment()
    seen_at: str = moment()


class Disclosure(Table, table=True):
    """Personal data that was shown to somebody who asked for it, and why."""

    __table_args__ = (at_most("reason", 1000), Index("disclosure_of", "staff_id", "subject"))
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    staff_id: int = ref("staff.id")
    subject: str = text_column()  # what it was of, "dossier:…"
    reason: str = text_column()
    at: str = moment()
    until: str = moment()  # for how long it stays shown without asking again


class Task(Table, table=True):
    """Long work that somebody began on the console, and how far it has come."""

    __table_args__ = (
        one_of("state", TASK_STATES),
        one_of("reason", Reason, nullable=True),
        Index("task_of", "staff_id", "id"),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    kind: str = text_column()
    subject: str = text_column()  # what it is about
    staff_id: int = ref("staff.id")
    state: str = text_column()
    done: int = big()
    total: int = big()  # 0 until it is known
    started_at: str = moment()
    beat_at: str = moment()  # a process that died beats no more
    ended_at: str | None = moment(nullable=True)
    result: str | None = text_column(nullable=True)  # JSON, as its kind says
    reason: str | None = text_column(nullable=True)
    detail: str | None = text_column(nullable=True)
