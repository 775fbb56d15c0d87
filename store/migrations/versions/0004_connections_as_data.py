"""Connections as data: a life cycle, versions, overlays, declarations, secrets that are renewed.

Revision: 0004, after: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATES = "state IN ('draft', 'tested', 'enabled', 'paused', 'retired')"
_ALARMS = (
    "kind IN ('bulk_quarantine', 'credentials', 'breaker', 'dead_delivery', 'filing', 'suspect',"
    " 'reconciliation', 'schema_drift', 'cursor_lost', 'overlay', 'secret_expiry')"
)
_CONNECTION = (
    "id, system, namespace, role, endpoint, state, options, secrets, tables, mapping_version,"
    " created_at"
)
_ALARM = "id, kind, key, since, last_at, until, count, detail"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _widen("connection", "state_listed", _STATES)
        _widen("alarm", "kind_listed", _ALARMS)
        for column in _added():
            op.add_column("connection", column)
    else:
        # A CHECK of SQLite's is changed by making its table anew, under the name others refer to.
        op.execute("PRAGMA defer_foreign_keys=ON")
        op.execute(f"CREATE TEMP TABLE connection_before AS SELECT {_CONNECTION} FROM connection")
        op.execute("DELETE FROM connection")
        op.drop_table("connection")
        _make_connection()
        op.execute(
            f"INSERT INTO connection ({_CONNECTION}) SELECT {_CONNECTION} FROM connection_before"
        )
        op.execute("DROP TABLE connection_before")
        op.execute(f"CREATE TEMP TABLE alarm_before AS SELECT {_ALARM} FROM alarm")
        op.drop_table("alarm")
        _make_alarm()
        op.execute(f"INSERT INTO alarm ({_ALARM}) SELECT {_ALARM} FROM alarm_before")
        op.execute("DROP TABLE alarm_before")
    _add_tables()
    op.add_column("client", sa.Column("earlier_digest", sa.Text(), nullable=True))
    op.add_column("client", sa.Column("earlier_until", store.types.Moment(), nullable=True))
    op.add_column("client", sa.Column("expires_at", store.types.Moment(), nullable=True))


def _widen(table: str, name: str, rule: str) -> None:
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, rule)


def _added() -> list[sa.Column[Any]]:
    return [
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("overlay", "declaration", "files", "secret_facts", "tested")
        ),
    ]


def _make_connection() -> None:
    op.create_table(
        "connection",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("tables", sa.Text(), nullable=False),
        sa.Column("mapping_version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        *_added(),
        sa.CheckConstraint("length(id) <= 100", name="id_length"),
        sa.CheckConstraint("length(namespace) <= 100", name="namespace_length"),
        sa.CheckConstraint("role IN ('desk', 'handling', 'money')", name="role_listed"),
        sa.CheckConstraint(_STATES, name="state_listed"),
        sa.PrimaryKeyConstraint("id"),
    )


def _make_alarm() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("since", store.types.Moment(), nullable=False),
        sa.Column("last_at", store.types.Moment(), nullable=False),
        sa.Column("until", store.types.Moment(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint(_ALARMS, name="kind_listed"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "alarm_open", "alarm", ["kind", "key"], unique=True, sqlite_where=sa.text("until IS NULL")
    )


def _add_tables() -> None:
    op.create_table(
        "connection_version",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("mapping_version", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"]),
        sa.PrimaryKeyConstraint("connection_id", "version"),
    )
    op.create_table(
        "contract_file",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "kept_key",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back to an older schema: restore a backup")
