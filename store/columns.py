"""The kinds of columns and checks that every table is made of."""

from typing import Any

from pydantic import ConfigDict
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Text
from sqlmodel import Field, SQLModel

from store.types import Moment

# SQLite numbers rows by itself only for a column that is exactly INTEGER PRIMARY KEY.
ID = BigInteger().with_variant(Integer(), "sqlite")
_NAMED_BY_TEXT = ("connection", "client", "blob", "receiver")


class Table(SQLModel):
    """Base of every table. Nothing is validated through tables, so that no validator is built."""

    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment]


def one_of(column: str, values: Any, *, nullable: bool = False) -> CheckConstraint:
    """A check that a column holds one of a closed list."""
    listed = ", ".join(f"'{value}'" for value in values)
    rule = f"{column} IN ({listed})"
    if nullable:
        rule = f"{column} IS NULL OR {rule}"
    return CheckConstraint(rule, name=f"{column}_listed")


def at_most(column: str, characters: int) -> CheckConstraint:
    """A check that a text is no longer than so many characters."""
    return CheckConstraint(f"length({column}) <= {characters}", name=f"{column}_length")


def text_column(*, nullable: bool = False, **more: Any) -> Any:
    """A text."""
    return Field(sa_column=Column(Text, nullable=nullable, **more))


def moment(*, nullable: bool = False) -> Any:
    """A moment in time."""
    return Field(sa_column=Column(Moment, nullable=nullable))


def big(*, nullable: bool = False, **more: Any) -> Any:
    """A whole number."""
    return Field(sa_column=Column(BigInteger, nullable=nullable, **more))


def ref(target: str, *, nullable: bool = False, **more: Any) -> Any:
    """The key of a row in another table."""
    kind: Any = Text if target.split(".")[0] in _NAMED_BY_TEXT else BigInteger
    return Field(sa_column=Column(kind, ForeignKey(target), nullable=nullable, **more))
