"""The first schema (long because Alembic writes a column a line).

Revision: 0001, after: nothing
"""

import sqlalchemy as sa
from alembic import op

import store.types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agency_seen", sa.Column("code", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("code")
    )
    op.create_table(
        "blob",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "catalogue_version",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dossier_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", store.types.Moment(), nullable=False),
        sa.Column("into_id", sa.BigInteger(), nullable=True),
        sa.Column("receipt_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('created', 'changed', 'corrected', 'joined', 'split', 'gone', 'restored')",
            name="kind_listed",
        ),
        sa.PrimaryKeyConstraint("seq"),
    )
    with op.batch_alter_table("change", schema=None) as batch_op:
        batch_op.create_index("change_by_dossier", ["dossier_id"], unique=False)

    op.create_table(
        "claim_crowd",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
    )
    op.create_table(
        "client",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("connections", sa.Text(), nullable=False),
        sa.Column("agencies", sa.Text(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.Column("revoked_at", store.types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
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
        sa.CheckConstraint("role IN ('desk', 'handling', 'money')", name="role_listed"),
        sa.CheckConstraint("state IN ('enabled', 'paused')", name="state_listed"),
        sa.CheckConstraint("length(id) <= 100", name="id_length"),
        sa.CheckConstraint("length(namespace) <= 100", name="namespace_length"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "dossier",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("agency", sa.Text(), nullable=True),
        sa.Column("received_agency", sa.Text(), nullable=True),
        sa.Column("procedure_code", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("pins", sa.Text(), nullable=False),
        sa.Column("created_seq", sa.BigInteger(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "channel IS NULL OR channel IN ('direct', 'online', 'post')", name="channel_listed"
        ),
        sa.CheckConstraint(
            "status IS NULL OR status IN ('submitted', 'accepted', 'refused', 'in_progress', 'supplement', 'financial', 'withdrawn', 'stopped', 'finished', 'handed_over')",
            name="status_listed",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_id"),
    )
    with op.batch_alter_table("dossier", schema=None) as batch_op:
        batch_op.create_index("dossier_by_agency", ["agency", "status", "id"], unique=False)
        batch_op.create_index(
            "dossier_by_received", ["received_agency", "status", "id"], unique=False
        )

    op.create_table(
        "feed",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=False),
        sa.Column("catalogue", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "judgement",
        sa.Column("dossier_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_agency", sa.Text(), nullable=False),
        sa.Column("handling_agency", sa.Text(), nullable=True),
        sa.Column("procedure_code", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=False),
        sa.Column("first_due_on", sa.Date(), nullable=True),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("end_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('not_received', 'open', 'waiting', 'done', 'returned', 'withdrawn', 'undetermined')",
            name="kind_listed",
        ),
        sa.PrimaryKeyConstraint("dossier_id"),
    )
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.create_index("judgement_closed", ["received_agency", "closed_on"], unique=False)
        batch_op.create_index(
            "judgement_handling", ["handling_agency", "accepted_on"], unique=False
        )
        batch_op.create_index(
            "judgement_received", ["received_agency", "accepted_on"], unique=False
        )

    op.create_table(
        "judgement_span",
        sa.Column("dossier_id", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("end_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('not_received', 'open', 'waiting', 'done', 'returned', 'withdrawn', 'undetermined')",
            name="kind_listed",
        ),
        sa.PrimaryKeyConstraint("dossier_id", "from_day"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", store.types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "lookup_failure",
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "key"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", store.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
        ),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    op.create_table(
        "connection_mapping",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
        ),
        sa.PrimaryKeyConstraint("connection_id", "version"),
    )
    op.create_table(
        "idempotency",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", store.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("client_id", "key"),
    )
    op.create_table(
        "leg",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("fold", sa.Text(), nullable=False),
        sa.Column("same_time", sa.Boolean(), nullable=False),
        sa.Column("gone_at", store.types.Moment(), nullable=True),
        sa.CheckConstraint("generation >= 1", name="generation_positive"),
        sa.CheckConstraint("length(code) <= 200", name="code_length"),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("namespace", "code", "generation", name="leg_key"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", store.types.Moment(), nullable=False),
        sa.Column("ended_at", store.types.Moment(), nullable=True),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("drift", sa.Text(), nullable=False),
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
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index("run_by_connection", ["connection_id", "id"], unique=False)

    op.create_table(
        "claim",
        sa.Column("leg_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('national', 'receipt', 'link')", name="kind_listed"),
        sa.ForeignKeyConstraint(
            ["leg_id"],
            ["leg.id"],
        ),
        sa.PrimaryKeyConstraint("leg_id", "kind", "key"),
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index("claim_by_code", ["code"], unique=False)
        batch_op.create_index(
            "claim_live",
            ["kind", "key"],
            unique=False,
            postgresql_where=sa.text("live"),
            sqlite_where=sa.text("live"),
        )

    op.create_table(
        "member",
        sa.Column("leg_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dossier_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["leg_id"],
            ["leg.id"],
        ),
        sa.PrimaryKeyConstraint("leg_id"),
    )
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.create_index("member_by_dossier", ["dossier_id"], unique=False)

    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("mapping_version", sa.BigInteger(), nullable=False),
        sa.Column("catalogue_version", sa.BigInteger(), nullable=False),
        sa.Column("received_at", store.types.Moment(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("superseded", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("decided_no", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.CheckConstraint("(state = 'pending') = (pending > 0)", name="pending_means_pending"),
        sa.CheckConstraint("state IN ('decided', 'pending')", name="state_listed"),
        sa.CheckConstraint(
            "applied >= 0 AND superseded >= 0 AND duplicate >= 0 AND quarantined >= 0 AND pending >= 0",
            name="counts_positive",
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
        ),
        sa.ForeignKeyConstraint(
            ["digest"],
            ["blob.digest"],
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("decided_no"),
        sa.UniqueConstraint("public_id"),
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index("receipt_by_connection", ["connection_id", "id"], unique=False)
        batch_op.create_index(
            "receipt_pending",
            ["id"],
            unique=False,
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        )

    op.create_table(
        "timeline",
        sa.Column("leg_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("facet", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at", store.types.Moment(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("from_record", sa.Boolean(), nullable=False),
        sa.Column("in_history", sa.Boolean(), nullable=False),
        sa.Column("arrived_late", sa.Boolean(), nullable=False),
        sa.Column("known_seq", sa.BigInteger(), nullable=False),
        sa.Column("retracted_by", sa.BigInteger(), nullable=True),
        sa.Column("retracted_seq", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "facet IN ('snapshot', 'reception', 'step', 'result', 'money', 'rating')",
            name="facet_listed",
        ),
        sa.CheckConstraint(
            "status IN ('submitted', 'accepted', 'refused', 'in_progress', 'supplement', 'financial', 'withdrawn', 'stopped', 'finished', 'handed_over')",
            name="status_listed",
        ),
        sa.CheckConstraint("from_record OR in_history", name="told_somewhere"),
        sa.ForeignKeyConstraint(
            ["leg_id"],
            ["leg.id"],
        ),
        sa.PrimaryKeyConstraint("leg_id", "key"),
    )
    op.create_table(
        "record",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("leg_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("facet", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("sort_at", store.types.Moment(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.BigInteger(), nullable=True),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("last_receipt_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(disposition = 'quarantined') = (reason IS NOT NULL)", name="reason_if_quarantined"
        ),
        sa.CheckConstraint(
            "disposition IN ('applied', 'superseded', 'quarantined', 'pending')",
            name="disposition_listed",
        ),
        sa.CheckConstraint(
            "facet IS NULL OR facet IN ('snapshot', 'reception', 'step', 'result', 'money', 'rating')",
            name="facet_listed",
        ),
        sa.CheckConstraint(
            "reason IS NULL OR reason IN ('ENC_INVALID', 'FIELD_MISSING', 'FIELD_TYPE', 'FIELD_TOO_LONG', 'FIELD_UNKNOWN', 'DATE_INVALID', 'DATE_FUTURE', 'STATUS_UNKNOWN', 'REF_UNKNOWN', 'VERSION_CONFLICT', 'CODE_REUSED', 'AGENCY_FORBIDDEN', 'MAPPING_ERROR', 'CHAR_FORBIDDEN', 'CRASH_POISON', 'TRANSITION_ODD', 'TIE_DOUBTFUL', 'UNLISTED_PROCEDURE', 'DUE_MISSING', 'ORDER_ODD', 'NET_REFUSED', 'NET_DNS', 'NET_RESET', 'TIMEOUT_TOTAL', 'TLS_INVALID', 'HTTP_4XX', 'HTTP_5XX', 'RATE_LIMITED', 'AUTH_EXPIRED', 'AUTH_DENIED', 'REDIRECT_REFUSED', 'EGRESS_DENIED', 'CTYPE_UNEXPECTED', 'BODY_TRUNCATED', 'BODY_TOO_LARGE', 'BODY_MALFORMED', 'XML_FORBIDDEN', 'SOAP_FAULT', 'SOURCE_ERROR', 'PAGE_LOOP', 'PAGE_SHORT', 'CURSOR_LOST', 'SCHEMA_DRIFT', 'STORE_UNAVAILABLE', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', 'PRECONDITION_FAILED', 'TOO_MANY')",
            name="reason_listed",
        ),
        sa.CheckConstraint("length(code) <= 200", name="code_length"),
        sa.CheckConstraint("version IS NULL OR version >= 0", name="version_positive"),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
        ),
        sa.ForeignKeyConstraint(
            ["leg_id"],
            ["leg.id"],
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"],
            ["receipt.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index("record_by_leg", ["leg_id", "id"], unique=False)
        batch_op.create_index(
            "record_quarantined",
            ["connection_id", "code", "reason", "field"],
            unique=False,
            postgresql_where=sa.text("disposition = 'quarantined'"),
            sqlite_where=sa.text("disposition = 'quarantined'"),
        )

    op.create_table(
        "act",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", store.types.Moment(), nullable=False),
        sa.CheckConstraint("kind IN ('resolve_as_new')", name="kind_listed"),
        sa.ForeignKeyConstraint(
            ["record_id"],
            ["record.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO feed (id, seq, decided, catalogue) VALUES (1, 0, 0, 0)")


def downgrade() -> None:
    op.drop_table("act")
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.drop_index(
            "record_quarantined",
            postgresql_where=sa.text("disposition = 'quarantined'"),
            sqlite_where=sa.text("disposition = 'quarantined'"),
        )
        batch_op.drop_index("record_by_leg")

    op.drop_table("record")
    op.drop_table("timeline")
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.drop_index(
            "receipt_pending",
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_index("receipt_by_connection")

    op.drop_table("receipt")
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.drop_index("member_by_dossier")

    op.drop_table("member")
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_index(
            "claim_live", postgresql_where=sa.text("live"), sqlite_where=sa.text("live")
        )
        batch_op.drop_index("claim_by_code")

    op.drop_table("claim")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index("run_by_connection")

    op.drop_table("run")
    op.drop_table("leg")
    op.drop_table("idempotency")
    op.drop_table("connection_mapping")
    op.drop_table("checkpoint")
    op.drop_table("lookup_failure")
    op.drop_table("lease")
    op.drop_table("judgement_span")
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.drop_index("judgement_received")
        batch_op.drop_index("judgement_handling")
        batch_op.drop_index("judgement_closed")

    op.drop_table("judgement")
    op.drop_table("feed")
    with op.batch_alter_table("dossier", schema=None) as batch_op:
        batch_op.drop_index("dossier_by_received")
        batch_op.drop_index("dossier_by_agency")

    op.drop_table("dossier")
    op.drop_table("connection")
    op.drop_table("client")
    op.drop_table("claim_crowd")
    with op.batch_alter_table("change", schema=None) as batch_op:
        batch_op.drop_index("change_by_dossier")

    op.drop_table("change")
    op.drop_table("catalogue_version")
    op.drop_table("blob")
    op.drop_table("agency_seen")
