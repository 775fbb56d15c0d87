"""Accounts of the console."""

import json
from typing import Any

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection as Tx

from store.clients import Principal
from store.console_tables import Staff, StaffSession
from store.staff_rights import rights_of
from store.tables import table


class Member(Struct, frozen=True):
    """Someone who works at the console.

    Attributes:
        agencies: Those whose dossiers they see; empty for the whole province.
        password: argon2id hash.
        must_change: Their password was told by somebody else.
        disabled_at: Since when they may not sign in.
    """

    id: int
    name: str
    role: str
    agencies: frozenset[str]
    password: str
    must_change: bool
    created_at: str
    changed_at: str
    disabled_at: str | None

    @property
    def principal(self) -> Principal:
        """Who asks, for everything that narrows by it."""
        scopes = frozenset(str(right) for right in rights_of(self.role, self.agencies))
        return Principal(f"staff:{self.id}", self.name, scopes, (), self.agencies)


def add_member(
    tx: Tx, name: str, role: str, agencies: list[str], password: str, at: str
) -> Member | None:
    """Add an account whose password is good for one thing: setting another. None where it is taken.

    Args:
        tx: An open write transaction.
        name: What they sign in with.
        role: One of store.console_tables.ROLES.
        agencies: Codes; empty for the whole province.
        password: argon2id hash.
        at: Now, ISO at +07:00.
    """
    insert: Any = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    made = tx.execute(
        insert(table(Staff))
        .values(
            name=name,
            role=role,
            agencies=json.dumps(sorted(set(agencies))),
            password=password,
            must_change=True,
            created_at=at,
            changed_at=at,
        )
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(*table(Staff).c)
    ).first()
    return member_of(made) if made is not None else None


def has_any(tx: Tx) -> bool:
    """Whether anybody was ever given an account."""
    return tx.execute(select(table(Staff).c.id).limit(1)).first() is not None


def find_member(tx: Tx, name: str) -> Member | None:
    """An account by name, disabled or not."""
    found = tx.execute(select(table(Staff)).where(table(Staff).c.name == name)).first()
    return member_of(found) if found is not None else None


def list_members(tx: Tx) -> list[Member]:
    """Every account, by name."""
    rows = tx.execute(select(table(Staff)).order_by(table(Staff).c.name))
    return [member_of(row) for row in rows]


def set_password(tx: Tx, member_id: int, password: str, at: str, *, must_change: bool) -> None:
    """Give an account another password; whoever is signed in with the one before no longer is."""
    staff = table(Staff)
    told = {"password": password, "changed_at": at, "must_change": must_change}
    tx.execute(staff.update().where(staff.c.id == member_id).values(**told, disabled_at=None))
    _sign_out(tx, member_id)


def disable(tx: Tx, member_id: int, at: str) -> None:
    """Let somebody in no more, at once; what they did stays under their name."""
    staff = table(Staff)
    tx.execute(staff.update().where(staff.c.id == member_id).values(disabled_at=at))
    _sign_out(tx, member_id)


def _sign_out(tx: Tx, member_id: int) -> None:
    sessions = table(StaffSession)
    tx.execute(sessions.delete().where(sessions.c.staff_id == member_id))


def member_of(row: Any) -> Member:
    """An account out of a row that holds its columns."""
    told = {name: getattr(row, name) for name in Member.__struct_fields__}
    return Member(**{**told, "agencies": frozenset(json.loads(told["agencies"]))})
