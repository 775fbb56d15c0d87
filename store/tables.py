"""Every table of the hub (long because it is one schema, to be read in one piece).

Metadata for set-based statements, never filled one object at a time. One schema for SQLite and
PostgreSQL with the same CHECKs; validation happened before, the CHECKs are the second lock (TRAPS,
SQLModel). Ids: a record's id is its receipt's id times 2^20 plus its place in it; a dossier's id
is that of the leg it began with.
"""

from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from canonical.decide import Disposition
from canonical.fields import Channel, Facet
from canonical.reasons import Reason
from canonical.standing import Kind
from canonical.states import Status
from store.columns import ID, at_most, big, moment, one_of, ref, text_column

POSITION_BITS = 20
CHANGE_KINDS = ("created", "changed", "corrected", "joined", "split", "gone", "restored")
ACT_KINDS = ("resolve_as_new", "replay", "drop_delivery", "decide_filing")
CONNECTION_STATES = ("draft", "tested", "enabled", "paused", "retired")
RUN_CAUSES = ("schedule", "catch_up", "retry", "now", "command", "reconcile")


def _where(name: str, condition: str, *columns: str) -> Index:
    """An index of those rows alone for which a condition holds."""
    only = text(condition)
    return Index(name, *columns, postgresql_where=only, sqlite_where=only)


class Connection(SQLModel, table=True):
    """One configured link to a department's system."""

    __table_args__ = (
        one_of("state", CONNECTION_STATES),
        one_of("role", ("desk", "handling", "money")),
        at_most("id", 100),
        at_most("namespace", 100),
    )
    id: str = text_column(primary_key=True)
    system: str = text_column()
    namespace: str = text_column()
    role: str = text_column()
    endpoint: str = text_column()
    state: str = text_column()
    options: str = text_column()  # JSON object
    secrets: bytes | None = Field(default=None, sa_column=Column(LargeBinary))  # sealed JSON
    tables: str = text_column()  # JSON: additions to the mapping's code tables
    mapping_version: int = big()
    created_at: str = moment()
    version: int = big(server_default="0")  # of connection_version; 0 before the first was kept
    overlay: str | None = text_column(nullable=True)  # JSON: what is laid over the mapping
    declaration: str | None = text_column(nullable=True)  # JSON; of a system without code
    files: str | None = text_column(nullable=True)  # JSON: name -> digest of contract_file
    secret_facts: str | None = text_column(nullable=True)  # JSON: name -> keyed digest, expiry
    tested: str | None = text_column(nullable=True)  # digest of what was tested


class ConnectionVersion(SQLModel, table=True):
    """What a connection was configured as, whole, once per change. No secret is in it."""

    __tablename__ = "connection_version"
    __table_args__ = (PrimaryKeyConstraint("connection_id", "version"),)
    connection_id: str = ref("connection.id")
    version: int = big()
    mapping_version: int = big()  # in force from then on
    body: str = text_column()  # JSON, keys sorted
    author: str = text_column()
    reason: str = text_column()
    created_at: str = moment()


class ContractFile(SQLModel, table=True):
    """A file that a declared system's contract consists of, pinned by its digest."""

    __tablename__ = "contract_file"
    digest: str = text_column(primary_key=True)  # sha256:…
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: str = moment()


class KeptKey(SQLModel, table=True):
    """A key that may not change, sealed under the newest secret key once that has changed."""

    __tablename__ = "kept_key"
    name: str = text_column(primary_key=True)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ConnectionMapping(SQLModel, table=True):
    """What each mapping version of a connection was, for replay and proof."""

    __tablename__ = "connection_mapping"
    __table_args__ = (PrimaryKeyConstraint("connection_id", "version"),)
    connection_id: str = ref("connection.id")
    version: int = big()
    digest: str = text_column()
    body: str = text_column()  # JSON: the mapping document and the connection's tables
    created_at: str = moment()


class Checkpoint(SQLModel, table=True):
    """Where the next run of a connection begins; committed with the page it belongs to."""

    connection_id: str = ref("connection.id", primary_key=True)
    body: str = text_column()  # JSON
    updated_at: str = moment()


class Lease(SQLModel, table=True):
    """Who may write for a connection now; the token rises with every taking."""

    name: str = text_column(primary_key=True)
    holder: str = text_column()
    token: int = big()
    expires_at: str = moment()


class Run(SQLModel, table=True):
    """One run of a connection."""

    __table_args__ = (
        one_of("state", ("running", "done", "failed")),
        one_of("cause", RUN_CAUSES),
        one_of("reason", Reason, nullable=True),
        Index("run_by_connection", "connection_id", "id"),
        Index("run_by_outcome", "connection_id", "state", "reason"),
        _where("run_done", "state = 'done'", "connection_id", "ended_at"),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    connection_id: str = ref("connection.id")
    state: str = text_column()
    started_at: str = moment()
    ended_at: str | None = moment(nullable=True)
    pages: int = big()
    records: int = big()
    reason: str | None = text_column(nullable=True)
    detail: str | None = text_column(nullable=True)
    drift: str = text_column()  # JSON list of wire names nobody mapped
    cause: str = text_column(server_default="command")  # why it was begun
    nominal_at: str | None = moment(nullable=True)  # the due time of the schedule it answers


class Client(SQLModel, table=True):
    """Someone who may use the doors."""

    id: str = text_column(primary_key=True)
    name: str = text_column(unique=True)
    secret_digest: str = text_column()
    scopes: str = text_column()  # JSON list
    connections: str = text_column()  # JSON list
    agencies: str = text_column()  # JSON list; empty = the whole province
    created_at: str = moment()
    revoked_at: str | None = moment(nullable=True)
    earlier_digest: str | None = text_column(nullable=True)  # of the secret before this one
    earlier_until: str | None = moment(nullable=True)  # until when that one is let in, too
    expires_at: str | None = moment(nullable=True)  # of the secret


class CatalogueVersion(SQLModel, table=True):
    """Agencies, successions, procedures and the province's own days, whole, once per change.

    Every receipt names the version it was decided under, so that a proof can use the same.
    """

    __tablename__ = "catalogue_version"
    version: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    body: str = text_column()  # canonical.catalogue.encode
    actor: str = text_column()
    created_at: str = moment()


class AgencySeen(SQLModel, table=True):
    """Every agency code that any dossier names."""

    __tablename__ = "agency_seen"
    code: str = text_column(primary_key=True)


class Blob(SQLModel, table=True):
    """Raw bytes as received: once per digest, compressed, then encrypted."""

    digest: str = text_column(primary_key=True)
    size_bytes: int = big()
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Receipt(SQLModel, table=True):
    """One push request or one polled page, as received, and what became of its records."""

    __table_args__ = (
        one_of("state", ("decided", "pending")),
        CheckConstraint(
            "applied >= 0 AND superseded >= 0 AND duplicate >= 0 AND quarantined >= 0"
            " AND pending >= 0",
            name="counts_positive",
        ),
        CheckConstraint("(state = 'pending') = (pending > 0)", name="pending_means_pending"),
        Index("receipt_by_connection", "connection_id", "id"),
        _where(
            "receipt_heard",
            "origin_id IS NULL AND shape <> 'gone'",
            "connection_id",
            "received_at",
        ),
        Index(
            "receipt_pending",
            "id",
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    public_id: str = text_column(unique=True)
    connection_id: str = ref("connection.id")
    client_id: str | None = ref("client.id", nullable=True)
    run_id: int | None = ref("run.id", nullable=True)
    shape: str = text_column()
    mapping_version: int = big()
    catalogue_version: int = big()
    received_at: str = moment()
    digest: str = ref("blob.digest")
    size_bytes: int = big()
    state: str = text_column()
    applied: int = big()
    superseded: int = big()
    duplicate: int = big()
    quarantined: int = big()
    pending: int = big()
    duplicates: str = text_column()  # JSON [[position, code, leg id]…] of a push; [] of a poll
    attempts: int = big()
    decided_no: int | None = big(nullable=True, unique=True)  # its place among all decisions
    origin_id: int | None = big(nullable=True)  # the receipt whose records it takes up again
    seal: str = text_column()  # keyed digest over what the intake said (intake.seal_of)


class Record(SQLModel, table=True):
    """One record and its one disposition."""

    __table_args__ = (
        one_of("disposition", [d for d in Disposition if d is not Disposition.DUPLICATE]),
        one_of("reason", Reason, nullable=True),
        one_of("facet", Facet, nullable=True),
        CheckConstraint("version IS NULL OR version >= 0", name="version_positive"),
        CheckConstraint(
            "(disposition = 'quarantined') = (reason IS NOT NULL)", name="reason_if_quarantined"
        ),
        at_most("code", 200),
        Index("record_by_leg", "leg_id", "id"),
        Index(
            "record_quarantined",
            "connection_id",
            "code",
            "reason",
            "field",
            postgresql_where=text("disposition = 'quarantined'"),
            sqlite_where=text("disposition = 'quarantined'"),
        ),
    )
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    receipt_id: int = ref("receipt.id")
    connection_id: str = ref("connection.id")
    leg_id: int | None = ref("leg.id", nullable=True)
    code: str | None = text_column(nullable=True)
    part: str = text_column()
    facet: str | None = text_column(nullable=True)
    version: int | None = big(nullable=True)
    sort_at: str | None = moment(nullable=True)
    digest: str | None = text_column(nullable=True)
    disposition: str = text_column()
    reason: str | None = text_column(nullable=True)
    field: str | None = text_column(nullable=True)
    resolved_by: int | None = big(nullable=True)  # the act that settled it later
    seen: int = big()  # how often a poll brought it; a quarantined one is kept once
    last_receipt_id: int = big()  # the receipt that brought it last


class Act(SQLModel, table=True):
    """One thing a person decided: kept as a record of its own."""

    __table_args__ = (one_of("kind", ACT_KINDS),)
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    kind: str = text_column()
    record_id: int | None = ref("record.id", nullable=True)
    subject: str | None = text_column(nullable=True)  # what else it was about, "delivery:12"
    actor: str = text_column()
    reason: str = text_column()
    at: str = moment()


class Leg(SQLModel, table=True):
    """What one system holds of a case, folded."""

    __table_args__ = (
        UniqueConstraint("namespace", "code", "generation", name="leg_key"),
        CheckConstraint("generation >= 1", name="generation_positive"),
        at_most("code", 200),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    namespace: str = text_column()
    code: str = text_column()
    generation: int = big()
    connection_id: str = ref("connection.id")
    fold: str = text_column()  # canonical.leg.encode
    same_time: bool = Field(sa_column_kwargs={"nullable": False})
    gone_at: str | None = moment(nullable=True)


class ClaimRow(SQLModel, table=True):
    """A tie: what a leg claims to be. Withdrawn ones stay, so every code ever given answers."""

    __tablename__ = "claim"
    __table_args__ = (
        PrimaryKeyConstraint("leg_id", "kind", "key"),
        one_of("kind", ("national", "receipt", "link")),
        Index(
            "claim_live", "kind", "key", postgresql_where=text("live"), sqlite_where=text("live")
        ),
        Index("claim_by_code", "code"),
    )
    leg_id: int = ref("leg.id")
    kind: str = text_column()
    key: str = text_column()
    code: str = text_column()
    live: bool = Field(sa_column_kwargs={"nullable": False})


class ClaimCrowd(SQLModel, table=True):
    """A claim so many legs make that it tells nothing (a receipt number "0"); it ties nobody."""

    __tablename__ = "claim_crowd"
    __table_args__ = (PrimaryKeyConstraint("kind", "key"),)
    kind: str = text_column()
    key: str = text_column()


class Member(SQLModel, table=True):
    """Which dossier a leg belongs to now."""

    __table_args__ = (Index("member_by_dossier", "dossier_id"),)
    leg_id: int = ref("leg.id", primary_key=True, autoincrement=False)
    dossier_id: int = big()


class Dossier(SQLModel, table=True):
    """The citizen's case as the outside face shows it; id = the leg it began with."""

    __table_args__ = (
        one_of("status", Status, nullable=True),
        one_of("channel", Channel, nullable=True),
        _where("dossier_by_agency", "merged_into IS NULL", "agency", "status", "id"),
        _where("dossier_by_received", "merged_into IS NULL", "received_agency", "status", "id"),
        _where("dossier_by_status", "merged_into IS NULL", "status", "id"),
        Index(
            "dossier_merged",
            "merged_into",
            postgresql_where=text("merged_into IS NOT NULL"),
            sqlite_where=text("merged_into IS NOT NULL"),
        ),
    )
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    public_id: str = text_column(unique=True)
    merged_into: int | None = big(nullable=True)
    agency: str | None = text_column(nullable=True)
    received_agency: str | None = text_column(nullable=True)
    procedure_code: str | None = text_column(nullable=True)
    status: str | None = text_column(nullable=True)
    channel: str | None = text_column(nullable=True)
    accepted_on: date | None = Field(default=None, sa_column=Column(Date))
    due_on: date | None = Field(default=None, sa_column=Column(Date))
    body: str = text_column()  # JSON object: fields, legs, spoke; no PIN
    findings: str = text_column()  # JSON list
    pins: str = text_column()  # JSON list of keyed digests
    created_seq: int = big()
    changed_seq: int = big()


class Judgement(SQLModel, table=True):
    """What a dossier counts as from its last turn on; earlier stretches are spans."""

    __table_args__ = (
        one_of("kind", Kind),
        Index("judgement_received", "received_agency", "accepted_on"),
        Index("judgement_handling", "handling_agency", "accepted_on"),
        Index("judgement_closed", "received_agency", "closed_on"),
        Index("judgement_turned", "received_agency", "from_day", "accepted_on"),
        _where(
            "judgement_running", "kind IN ('open', 'waiting')", "received_agency", "accepted_on"
        ),
    )
    dossier_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    received_agency: str = text_column()
    handling_agency: str | None = text_column(nullable=True)
    procedure_code: str = text_column()
    channel: str | None = text_column(nullable=True)
    accepted_on: date = Field(sa_column=Column(Date, nullable=False))
    first_due_on: date | None = Field(default=None, sa_column=Column(Date))
    from_day: date = Field(sa_column=Column(Date, nullable=False))
    kind: str = text_column()
    end_on: date | None = Field(default=None, sa_column=Column(Date))
    closed_on: date | None = Field(default=None, sa_column=Column(Date))
    due_on: date | None = Field(default=None, sa_column=Column(Date))


class JudgementSpan(SQLModel, table=True):
    """An earlier stretch of a dossier that was not simply open under its first promise."""

    __tablename__ = "judgement_span"
    __table_args__ = (PrimaryKeyConstraint("dossier_id", "from_day"), one_of("kind", Kind))
    dossier_id: int = big()
    from_day: date = Field(sa_column=Column(Date, nullable=False))
    to_day: date = Field(sa_column=Column(Date, nullable=False))
    kind: str = text_column()
    end_on: date | None = Field(default=None, sa_column=Column(Date))
    closed_on: date | None = Field(default=None, sa_column=Column(Date))
    due_on: date | None = Field(default=None, sa_column=Column(Date))


class Timeline(SQLModel, table=True):
    """One entry of a leg's timeline."""

    __table_args__ = (
        PrimaryKeyConstraint("leg_id", "key"),
        one_of("status", Status),
        one_of("facet", Facet),
        CheckConstraint("from_record OR in_history", name="told_somewhere"),
    )
    leg_id: int = ref("leg.id")
    key: str = text_column()
    facet: str = text_column()
    status: str = text_column()
    at: str = moment()
    officer: str | None = text_column(nullable=True)
    unit: str | None = text_column(nullable=True)
    note: str | None = text_column(nullable=True)
    record_id: int = big()
    from_record: bool = Field(sa_column_kwargs={"nullable": False})
    in_history: bool = Field(sa_column_kwargs={"nullable": False})
    arrived_late: bool = Field(sa_column_kwargs={"nullable": False})
    known_seq: int = big()
    retracted_by: int | None = big(nullable=True)
    retracted_seq: int | None = big(nullable=True)


class Change(SQLModel, table=True):
    """The change feed: gapless, in commit order; the outbox of every delivery."""

    __table_args__ = (one_of("kind", CHANGE_KINDS), Index("change_by_dossier", "dossier_id"))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    dossier_id: int = big()
    kind: str = text_column()
    at: str = moment()
    into_id: int | None = big(nullable=True)
    receipt_id: int | None = big(nullable=True)


class Feed(SQLModel, table=True):
    """The one row whose lock puts changes, and decisions, in order."""

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    seq: int = big()
    decided: int = big()
    catalogue: int = big()


class Idempotency(SQLModel, table=True):
    """The answer once given for an Idempotency-Key."""

    __table_args__ = (PrimaryKeyConstraint("client_id", "key"),)
    client_id: str = ref("client.id")
    key: str = text_column()
    body_digest: str = text_column()
    status: int = big()
    content_type: str = text_column()
    body: str = text_column()
    created_at: str = moment()


class LookupFailure(SQLModel, table=True):
    """Failed PIN look-ups per stretch of time: dossier codes are guessable."""

    __tablename__ = "lookup_failure"
    __table_args__ = (PrimaryKeyConstraint("bucket", "key"),)
    bucket: int = big()
    key: str = text_column()
    failures: int = big()


def table(model: type[SQLModel]) -> Any:
    """The SQLAlchemy table behind a model."""
    return model.__table__  # type: ignore[attr-defined]
