"""Column types that mean the same on SQLite and PostgreSQL.

A moment is ISO text at +07:00 in Python on both; PostgreSQL keeps it as timestamptz, SQLite as that
text, whose order is time order (canonical.clock).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from canonical import clock


class Moment(TypeDecorator[str]):
    """A moment in time; ISO text at +07:00 in Python."""

    impl = Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Text())

    @override
    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        if isinstance(value, datetime):
            value = clock.to_iso(value)
        return datetime.fromisoformat(value) if dialect.name == "postgresql" else value

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return clock.to_iso(value) if isinstance(value, datetime) else value
