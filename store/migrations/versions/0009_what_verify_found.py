"""What each `hub verify` found; why a version of the catalogue was made.

Revision: 0009, after: 0008
"""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verification",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", store.types.Moment(), nullable=False),
        sa.Column("ended_at", store.types.Moment(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("catalogue_version", sa.Column("reason", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back to an older schema: restore a backup")
