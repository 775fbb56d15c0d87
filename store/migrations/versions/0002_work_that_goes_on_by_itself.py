"""Work that goes on by itself (long because Alembic writes a column a line).

Revision: 0002, after: 0001
"""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("since", store.types.Moment(), nullable=False),
        sa.Column("last_at", store.types.Moment(), nullable=False),
        sa.Column("until", store.types.Moment(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('bulk_quarantine', 'credentials', 'breaker', 'dead_delivery', 'filing', 'suspect', 'reconciliation', 'schema_drift', 'cursor_lost')",
            name="kind_listed",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.create_index(
            "alarm_open",
            ["kind", "key"],
            unique=True,
            postgresql_where=sa.text("until IS NULL"),
            sqlite_where=sa.text("until IS NULL"),
        )

    op.create_table(
        "receiver",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("agencies", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_before", store.types.Moment(), nullable=True),
        sa.Column("shards", sa.BigInteger(), nullable=False),
        sa.Column("live_from", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("breaker", sa.Text(), nullable=False),
        sa.Column("retry_at", store.types.Moment(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.CheckConstraint("breaker IN ('closed', 'open', 'half_open')", name="breaker_listed"),
        sa.CheckConstraint("state IN ('enabled', 'paused')", name="state_listed"),
        sa.CheckConstraint(
            "waits_for IS NULL OR waits_for IN ('ENC_INVALID', 'FIELD_MISSING', 'FIELD_TYPE', 'FIELD_TOO_LONG', 'FIELD_UNKNOWN', 'DATE_INVALID', 'DATE_FUTURE', 'STATUS_UNKNOWN', 'REF_UNKNOWN', 'VERSION_CONFLICT', 'CODE_REUSED', 'AGENCY_FORBIDDEN', 'MAPPING_ERROR', 'CHAR_FORBIDDEN', 'CRASH_POISON', 'TRANSITION_ODD', 'TIE_DOUBTFUL', 'UNLISTED_PROCEDURE', 'DUE_MISSING', 'ORDER_ODD', 'NET_REFUSED', 'NET_DNS', 'NET_RESET', 'TIMEOUT_TOTAL', 'TLS_INVALID', 'HTTP_4XX', 'HTTP_5XX', 'RATE_LIMITED', 'AUTH_EXPIRED', 'AUTH_DENIED', 'REDIRECT_REFUSED', 'EGRESS_DENIED', 'CTYPE_UNEXPECTED', 'BODY_TRUNCATED', 'BODY_TOO_LARGE', 'BODY_MALFORMED', 'XML_FORBIDDEN', 'SOAP_FAULT', 'SOURCE_ERROR', 'PAGE_LOOP', 'PAGE_SHORT', 'CURSOR_LOST', 'SCHEMA_DRIFT', 'STORE_UNAVAILABLE', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', 'PRECONDITION_FAILED', 'TOO_MANY')",
            name="waits_for_listed",
        ),
        sa.CheckConstraint("length(id) <= 100", name="id_length"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "delivery_ahead",
        sa.Column("receiver_id", sa.Text(), nullable=False),
        sa.Column("dossier_id", sa.BigInteger(), nullable=False),
        sa.Column("through_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["receiver.id"],
        ),
        sa.PrimaryKeyConstraint("receiver_id", "dossier_id"),
    )
    op.create_table(
        "filing",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("dossier_id", sa.BigInteger(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("looked_up", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", store.types.Moment(), nullable=True),
        sa.Column("due_at", store.types.Moment(), nullable=True),
        sa.Column("filed_code", sa.Text(), nullable=True),
        sa.Column("papers", sa.BigInteger(), nullable=False),
        sa.Column("papers_sent", sa.BigInteger(), nullable=False),
        sa.Column("paper_list", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.Column("updated_at", store.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "reason IS NULL OR reason IN ('ENC_INVALID', 'FIELD_MISSING', 'FIELD_TYPE', 'FIELD_TOO_LONG', 'FIELD_UNKNOWN', 'DATE_INVALID', 'DATE_FUTURE', 'STATUS_UNKNOWN', 'REF_UNKNOWN', 'VERSION_CONFLICT', 'CODE_REUSED', 'AGENCY_FORBIDDEN', 'MAPPING_ERROR', 'CHAR_FORBIDDEN', 'CRASH_POISON', 'TRANSITION_ODD', 'TIE_DOUBTFUL', 'UNLISTED_PROCEDURE', 'DUE_MISSING', 'ORDER_ODD', 'NET_REFUSED', 'NET_DNS', 'NET_RESET', 'TIMEOUT_TOTAL', 'TLS_INVALID', 'HTTP_4XX', 'HTTP_5XX', 'RATE_LIMITED', 'AUTH_EXPIRED', 'AUTH_DENIED', 'REDIRECT_REFUSED', 'EGRESS_DENIED', 'CTYPE_UNEXPECTED', 'BODY_TRUNCATED', 'BODY_TOO_LARGE', 'BODY_MALFORMED', 'XML_FORBIDDEN', 'SOAP_FAULT', 'SOURCE_ERROR', 'PAGE_LOOP', 'PAGE_SHORT', 'CURSOR_LOST', 'SCHEMA_DRIFT', 'STORE_UNAVAILABLE', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', 'PRECONDITION_FAILED', 'TOO_MANY')",
            name="reason_listed",
        ),
        sa.CheckConstraint(
            "state IN ('due', 'sending', 'unknown', 'person', 'filed', 'refused', 'cancelled')",
            name="state_listed",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection_id", "namespace", "code", "generation", name="filing_once"),
        sa.UniqueConstraint("number", name="filing_number"),
    )
    with op.batch_alter_table("filing", schema=None) as batch_op:
        batch_op.create_index("filing_due", ["state", "due_at"], unique=False)

    op.create_table(
        "filing_cursor",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("retry_at", store.types.Moment(), nullable=True),
        sa.Column("doubt_until", store.types.Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
        ),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    op.create_table(
        "plan",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("fired_for", store.types.Moment(), nullable=True),
        sa.Column("due_at", store.types.Moment(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("breaker", sa.Text(), nullable=False),
        sa.Column("retry_at", store.types.Moment(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("suspect_since", store.types.Moment(), nullable=True),
        sa.Column("watched_at", store.types.Moment(), nullable=True),
        sa.Column("updated_at", store.types.Moment(), nullable=False),
        sa.CheckConstraint("breaker IN ('closed', 'open', 'half_open')", name="breaker_listed"),
        sa.CheckConstraint(
            "waits_for IS NULL OR waits_for IN ('ENC_INVALID', 'FIELD_MISSING', 'FIELD_TYPE', 'FIELD_TOO_LONG', 'FIELD_UNKNOWN', 'DATE_INVALID', 'DATE_FUTURE', 'STATUS_UNKNOWN', 'REF_UNKNOWN', 'VERSION_CONFLICT', 'CODE_REUSED', 'AGENCY_FORBIDDEN', 'MAPPING_ERROR', 'CHAR_FORBIDDEN', 'CRASH_POISON', 'TRANSITION_ODD', 'TIE_DOUBTFUL', 'UNLISTED_PROCEDURE', 'DUE_MISSING', 'ORDER_ODD', 'NET_REFUSED', 'NET_DNS', 'NET_RESET', 'TIMEOUT_TOTAL', 'TLS_INVALID', 'HTTP_4XX', 'HTTP_5XX', 'RATE_LIMITED', 'AUTH_EXPIRED', 'AUTH_DENIED', 'REDIRECT_REFUSED', 'EGRESS_DENIED', 'CTYPE_UNEXPECTED', 'BODY_TRUNCATED', 'BODY_TOO_LARGE', 'BODY_MALFORMED', 'XML_FORBIDDEN', 'SOAP_FAULT', 'SOURCE_ERROR', 'PAGE_LOOP', 'PAGE_SHORT', 'CURSOR_LOST', 'SCHEMA_DRIFT', 'STORE_UNAVAILABLE', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', 'PRECONDITION_FAILED', 'TOO_MANY')",
            name="waits_for_listed",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
        ),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    op.create_table(
        "publication",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("receiver_id", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("known_seq", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("first_at", store.types.Moment(), nullable=True),
        sa.Column("due_at", store.types.Moment(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.Column("delivered_at", store.types.Moment(), nullable=True),
        sa.CheckConstraint(
            "reason IS NULL OR reason IN ('ENC_INVALID', 'FIELD_MISSING', 'FIELD_TYPE', 'FIELD_TOO_LONG', 'FIELD_UNKNOWN', 'DATE_INVALID', 'DATE_FUTURE', 'STATUS_UNKNOWN', 'REF_UNKNOWN', 'VERSION_CONFLICT', 'CODE_REUSED', 'AGENCY_FORBIDDEN', 'MAPPING_ERROR', 'CHAR_FORBIDDEN', 'CRASH_POISON', 'TRANSITION_ODD', 'TIE_DOUBTFUL', 'UNLISTED_PROCEDURE', 'DUE_MISSING', 'ORDER_ODD', 'NET_REFUSED', 'NET_DNS', 'NET_RESET', 'TIMEOUT_TOTAL', 'TLS_INVALID', 'HTTP_4XX', 'HTTP_5XX', 'RATE_LIMITED', 'AUTH_EXPIRED', 'AUTH_DENIED', 'REDIRECT_REFUSED', 'EGRESS_DENIED', 'CTYPE_UNEXPECTED', 'BODY_TRUNCATED', 'BODY_TOO_LARGE', 'BODY_MALFORMED', 'XML_FORBIDDEN', 'SOAP_FAULT', 'SOURCE_ERROR', 'PAGE_LOOP', 'PAGE_SHORT', 'CURSOR_LOST', 'SCHEMA_DRIFT', 'STORE_UNAVAILABLE', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', 'PRECONDITION_FAILED', 'TOO_MANY')",
            name="reason_listed",
        ),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'dead')", name="state_listed"),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["receiver.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "receiver_id", "agency", "period_from", "period_to", "revision", name="publication_once"
        ),
    )
    op.create_table(
        "publication_count",
        sa.Column("receiver_id", sa.Text(), nullable=False),
        sa.Column("counted_at", store.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["receiver.id"],
        ),
        sa.PrimaryKeyConstraint("receiver_id"),
    )
    op.create_table(
        "receiver_shard",
        sa.Column("receiver_id", sa.Text(), nullable=False),
        sa.Column("shard", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("backlog_seq", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("last_at", store.types.Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["receiver.id"],
        ),
        sa.PrimaryKeyConstraint("receiver_id", "shard"),
    )
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", store.types.Moment(), nullable=False),
        sa.Column("ended_at", store.types.Moment(), nullable=True),
        sa.Column("compared", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("healed", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason IS NULL OR reason IN ('ENC_INVALID', 'FIELD_MISSING', 'FIELD_TYPE', 'FIELD_TOO_LONG', 'FIELD_UNKNOWN', 'DATE_INVALID', 'DATE_FUTURE', 'STATUS_UNKNOWN', 'REF_UNKNOWN', 'VERSION_CONFLICT', 'CODE_REUSED', 'AGENCY_FORBIDDEN', 'MAPPING_ERROR', 'CHAR_FORBIDDEN', 'CRASH_POISON', 'TRANSITION_ODD', 'TIE_DOUBTFUL', 'UNLISTED_PROCEDURE', 'DUE_MISSING', 'ORDER_ODD', 'NET_REFUSED', 'NET_DNS', 'NET_RESET', 'TIMEOUT_TOTAL', 'TLS_INVALID', 'HTTP_4XX', 'HTTP_5XX', 'RATE_LIMITED', 'AUTH_EXPIRED', 'AUTH_DENIED', 'REDIRECT_REFUSED', 'EGRESS_DENIED', 'CTYPE_UNEXPECTED', 'BODY_TRUNCATED', 'BODY_TOO_LARGE', 'BODY_MALFORMED', 'XML_FORBIDDEN', 'SOAP_FAULT', 'SOURCE_ERROR', 'PAGE_LOOP', 'PAGE_SHORT', 'CURSOR_LOST', 'SCHEMA_DRIFT', 'STORE_UNAVAILABLE', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', 'PRECONDITION_FAILED', 'TOO_MANY')",
            name="reason_listed",
        ),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="state_listed"),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("reconciliation", schema=None) as batch_op:
        batch_op.create_index("reconciliation_by_connection", ["connection_id", "id"], unique=False)

    op.create_table(
        "replay",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("receiver_id", sa.Text(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("at_seq", sa.BigInteger(), nullable=False),
        sa.Column("until_seq", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.CheckConstraint("state IN ('running', 'paused', 'done')", name="state_listed"),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["receiver.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "absence",
        sa.Column("leg_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("reconciliation_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["leg_id"],
            ["leg.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliation.id"],
        ),
        sa.PrimaryKeyConstraint("leg_id"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("receiver_id", sa.Text(), nullable=False),
        sa.Column("shard", sa.BigInteger(), nullable=False),
        sa.Column("dossier_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("first_at", store.types.Moment(), nullable=True),
        sa.Column("due_at", store.types.Moment(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.CheckConstraint("lane IN ('live', 'backlog', 'replay')", name="lane_listed"),
        sa.CheckConstraint(
            "reason IS NULL OR reason IN ('ENC_INVALID', 'FIELD_MISSING', 'FIELD_TYPE', 'FIELD_TOO_LONG', 'FIELD_UNKNOWN', 'DATE_INVALID', 'DATE_FUTURE', 'STATUS_UNKNOWN', 'REF_UNKNOWN', 'VERSION_CONFLICT', 'CODE_REUSED', 'AGENCY_FORBIDDEN', 'MAPPING_ERROR', 'CHAR_FORBIDDEN', 'CRASH_POISON', 'TRANSITION_ODD', 'TIE_DOUBTFUL', 'UNLISTED_PROCEDURE', 'DUE_MISSING', 'ORDER_ODD', 'NET_REFUSED', 'NET_DNS', 'NET_RESET', 'TIMEOUT_TOTAL', 'TLS_INVALID', 'HTTP_4XX', 'HTTP_5XX', 'RATE_LIMITED', 'AUTH_EXPIRED', 'AUTH_DENIED', 'REDIRECT_REFUSED', 'EGRESS_DENIED', 'CTYPE_UNEXPECTED', 'BODY_TRUNCATED', 'BODY_TOO_LARGE', 'BODY_MALFORMED', 'XML_FORBIDDEN', 'SOAP_FAULT', 'SOURCE_ERROR', 'PAGE_LOOP', 'PAGE_SHORT', 'CURSOR_LOST', 'SCHEMA_DRIFT', 'STORE_UNAVAILABLE', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', 'PRECONDITION_FAILED', 'TOO_MANY')",
            name="reason_listed",
        ),
        sa.CheckConstraint("state IN ('waiting', 'dead')", name="state_listed"),
        sa.ForeignKeyConstraint(
            ["receiver_id", "shard"],
            ["receiver_shard.receiver_id", "receiver_shard.shard"],
        ),
        sa.ForeignKeyConstraint(
            ["seq"],
            ["change.seq"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("receiver_id", "seq", name="delivery_once"),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(
            "delivery_by_dossier", ["receiver_id", "dossier_id", "seq"], unique=False
        )
        batch_op.create_index(
            "delivery_due", ["receiver_id", "shard", "state", "due_at"], unique=False
        )

    op.create_table(
        "discrepancy",
        sa.Column("reconciliation_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("facet", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("healed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('missing', 'extra', 'stale', 'diverged', 'deleted')", name="kind_listed"
        ),
        sa.CheckConstraint("length(code) <= 200", name="code_length"),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliation.id"],
        ),
        sa.PrimaryKeyConstraint("reconciliation_id", "part", "code", "facet"),
    )
    _change_acts()
    # Plain SQL: a batch of Alembic's copies a SQLite table without its CHECKs.
    op.execute(
        "ALTER TABLE run ADD COLUMN cause TEXT NOT NULL DEFAULT 'command' CONSTRAINT cause_listed"
        " CHECK (cause IN ('schedule', 'catch_up', 'retry', 'now', 'command', 'reconcile'))"
    )
    op.add_column("run", sa.Column("nominal_at", store.types.Moment(), nullable=True))
    op.add_column("receipt", sa.Column("origin_id", sa.BigInteger(), nullable=True))
    _count_by_index()


def _count_by_index() -> None:
    """What /metrics counts every few seconds."""
    op.create_index("run_by_outcome", "run", ["connection_id", "state", "reason"])
    op.create_index("delivery_by_lane", "delivery", ["receiver_id", "lane", "state", "seq"])
    op.create_index(
        "dossier_merged",
        "dossier",
        ["merged_into"],
        postgresql_where=sa.text("merged_into IS NOT NULL"),
        sqlite_where=sa.text("merged_into IS NOT NULL"),
    )


def _change_acts() -> None:
    """An act may now be about something else than a record."""
    op.rename_table("act", "act_before")
    op.create_table(
        "act",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", store.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('resolve_as_new', 'replay', 'drop_delivery', 'decide_filing')",
            name="act_kind_listed",
        ),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"]),
        sa.PrimaryKeyConstraint("id", name="act_key"),
    )
    op.execute(
        "INSERT INTO act (id, kind, record_id, actor, reason, at)"
        " SELECT id, kind, record_id, actor, reason, at FROM act_before"
    )
    op.drop_table("act_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('act', 'id'),"
            " (SELECT coalesce(max(id), 0) + 1 FROM act), false)"
        )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back to an older schema: restore a backup")
