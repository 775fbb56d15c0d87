"""Staff of the console: accounts, sessions, what was shown to whom, long work begun there.

Revision: 0005, after: 0004
"""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REASONS = "reason IS NULL OR reason IN ('ENC_INVALID', 'FIELD_MISSING', 'FIELD_TYPE', 'FIELD_TOO_LONG', 'FIELD_UNKNOWN', 'DATE_INVALID', 'DATE_FUTURE', 'STATUS_UNKNOWN', 'REF_UNKNOWN', 'VERSION_CONFLICT', 'CODE_REUSED', 'AGENCY_FORBIDDEN', 'MAPPING_ERROR', 'CHAR_FORBIDDEN', 'CRASH_POISON', 'TRANSITION_ODD', 'TIE_DOUBTFUL', 'UNLISTED_PROCEDURE', 'DUE_MISSING', 'ORDER_ODD', 'NET_REFUSED', 'NET_DNS', 'NET_RESET', 'TIMEOUT_TOTAL', 'TLS_INVALID', 'HTTP_4XX', 'HTTP_5XX', 'RATE_LIMITED', 'AUTH_EXPIRED', 'AUTH_DENIED', 'REDIRECT_REFUSED', 'EGRESS_DENIED', 'CTYPE_UNEXPECTED', 'BODY_TRUNCATED', 'BODY_TOO_LARGE', 'BODY_MALFORMED', 'XML_FORBIDDEN', 'SOAP_FAULT', 'SOURCE_ERROR', 'PAGE_LOOP', 'PAGE_SHORT', 'CURSOR_LOST', 'SCHEMA_DRIFT', 'STORE_UNAVAILABLE', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', 'PRECONDITION_FAILED', 'TOO_MANY')"


def upgrade() -> None:
    op.create_table(
        "staff",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("agencies", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.Column("changed_at", store.types.Moment(), nullable=False),
        sa.Column("disabled_at", store.types.Moment(), nullable=True),
        sa.CheckConstraint("role IN ('administrator', 'operator', 'viewer')", name="role_listed"),
        sa.CheckConstraint("length(name) <= 100", name="name_length"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "staff_session",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.Column("seen_at", store.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("staff_session_of", "staff_session", ["staff_id"])
    op.create_table(
        "disclosure",
        sa.Column("id", _ID, nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", store.types.Moment(), nullable=False),
        sa.Column("until", store.types.Moment(), nullable=False),
        sa.CheckConstraint("length(reason) <= 1000", name="reason_length"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("disclosure_of", "disclosure", ["staff_id", "subject"])
    op.create_table(
        "task",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("started_at", store.types.Moment(), nullable=False),
        sa.Column("beat_at", store.types.Moment(), nullable=False),
        sa.Column("ended_at", store.types.Moment(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="state_listed"),
        sa.CheckConstraint(_REASONS, name="reason_listed"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("task_of", "task", ["staff_id", "id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back to an older schema: restore a backup")
