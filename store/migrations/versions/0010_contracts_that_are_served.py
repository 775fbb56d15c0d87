"""When the contract that a department serves was last looked at, and what was found.

Revision: 0010, after: 0009
"""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_REASONS = "reason IS NULL OR reason IN ('ENC_INVALID', 'FIELD_MISSING', 'FIELD_TYPE', 'FIELD_TOO_LONG', 'FIELD_UNKNOWN', 'DATE_INVALID', 'DATE_FUTURE', 'STATUS_UNKNOWN', 'REF_UNKNOWN', 'VERSION_CONFLICT', 'CODE_REUSED', 'AGENCY_FORBIDDEN', 'MAPPING_ERROR', 'CHAR_FORBIDDEN', 'CRASH_POISON', 'TRANSITION_ODD', 'TIE_DOUBTFUL', 'UNLISTED_PROCEDURE', 'DUE_MISSING', 'ORDER_ODD', 'NET_REFUSED', 'NET_DNS', 'NET_RESET', 'TIMEOUT_TOTAL', 'TLS_INVALID', 'HTTP_4XX', 'HTTP_5XX', 'RATE_LIMITED', 'AUTH_EXPIRED', 'AUTH_DENIED', 'REDIRECT_REFUSED', 'EGRESS_DENIED', 'CTYPE_UNEXPECTED', 'BODY_TRUNCATED', 'BODY_TOO_LARGE', 'BODY_MALFORMED', 'XML_FORBIDDEN', 'SOAP_FAULT', 'SOURCE_ERROR', 'PAGE_LOOP', 'PAGE_SHORT', 'CURSOR_LOST', 'SCHEMA_DRIFT', 'STORE_UNAVAILABLE', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', 'PRECONDITION_FAILED', 'TOO_MANY')"


def upgrade() -> None:
    op.create_table(
        "contract_look",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("looked_at", store.types.Moment(), nullable=False),
        sa.Column("mapping_version", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(_REASONS, name="reason_listed"),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"]),
        sa.PrimaryKeyConstraint("connection_id"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back to an older schema: restore a backup")
