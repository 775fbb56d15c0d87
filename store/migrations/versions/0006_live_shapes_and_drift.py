"""Live shapes of what departments send, and how they drift.

Revision: 0006, after: 0005
"""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "live_shape",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", store.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"]),
        sa.PrimaryKeyConstraint("connection_id", "shape", "procedure"),
    )
    op.create_table(
        "drift",
        sa.Column("id", _ID, nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("since", store.types.Moment(), nullable=False),
        sa.Column("last_at", store.types.Moment(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", store.types.Moment(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('new', 'lost', 'renamed', 'retyped', 'value', 'date_form', 'contract')",
            name="kind_listed",
        ),
        sa.CheckConstraint(
            "ended_by IS NULL OR ended_by IN ('accepted', 'gone', 'mapped')",
            name="ended_by_listed",
        ),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "drift_open",
        "drift",
        ["connection_id", "shape", "kind", "field"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back to an older schema: restore a backup")
