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
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from canonical.decide import Disposition
from canonical.fields import Channel, Facet
from canonical.reasons import Reason
from canonical.standing import Kind
from canonical.states import Status
from store.types import Moment

# SQLite numbers rows by itself only for a column that is exactly INTEGER PRIMARY KEY.
_Id = BigInteger().with_variant(Integer(), "sqlite")
POSITION_BITS = 20
CHANGE_KINDS = ("created", "changed", "corrected", "joined", "split", "gone", "restored")


def _one_of(column: str, values: Any, *, nullable: bool = False) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    rule = f"{column} IN ({listed})"
    if nullable:
        rule = f"{column} IS NULL OR {rule}"
    return CheckConstraint(rule, name=f"{column}_listed")


def _at_most(column: str, characters: int) -> CheckConstraint:
    return CheckConstraint(f"length({column}) <= {characters}", name=f"{column}_length")


def _text(*, nullable: bool = False, **more: Any) -> Any:
    return Field(sa_column=Column(Text, nullable=nullable, **more))


def _moment(*, nullable: bool = False) -> Any:
    return Field(sa_column=Column(Moment, nullable=nullable))


def _big(*, nullable: bool = False, **more: Any) -> Any:
    return Field(sa_column=Column(BigInteger, nullable=nullable, **more))


def _ref(target: str, *, nullable: bool = False, **more: Any) -> Any:
    kind: Any = Text if target.split(".")[0] in ("connection", "client", "blob") else BigInteger
    return Field(sa_column=Column(kind, ForeignKey(target), nullable=nullable, **more))


class Connection(SQLModel, table=True):
    """One configured link to a department's system."""

    __table_args__ = (
        _one_of("state", ("enabled", "paused")),
        _one_of("role", ("desk", "handling", "money")),
        _at_most("id", 100),
        _at_most("namespace", 100),
    )
    id: str = _text(primary_key=True)
    system: str = _text()
    namespace: str = _text()
    role: str = _text()
    endpoint: str = _text()
    state: str = _text()
    options: str = _text()  # JSON object
    secrets: bytes | None = Field(default=None, sa_column=Column(LargeBinary))  # sealed JSON
    tables: str = _text()  # JSON: additions to the mapping's code tables
    mapping_version: int = _big()
    created_at: str = _moment()


class ConnectionMapping(SQLModel, table=True):
    """What each mapping version of a connection was, for replay and proof."""

    __tablename__ = "connection_mapping"
    __table_args__ = (PrimaryKeyConstraint("connection_id", "version"),)
    connection_id: str = _ref("connection.id")
    version: int = _big()
    digest: str = _text()
    body: str = _text()  # JSON: the mapping document and the connection's tables
    created_at: str = _moment()


class Checkpoint(SQLModel, table=True):
    """Where the next run of a connection begins; committed with the page it belongs to."""

    connection_id: str = _ref("connection.id", primary_key=True)
    body: str = _text()  # JSON
    updated_at: str = _moment()


class Lease(SQLModel, table=True):
    """Who may write for a connection now; the token rises with every taking."""

    name: str = _text(primary_key=True)
    holder: str = _text()
    token: int = _big()
    expires_at: str = _moment()


class Run(SQLModel, table=True):
    """One run of a connection."""

    __table_args__ = (
        _one_of("state", ("running", "done", "failed")),
        _one_of("reason", Reason, nullable=True),
        Index("run_by_connection", "connection_id", "id"),
    )
    id: int | None = Field(default=None, sa_column=Column(_Id, primary_key=True))
    connection_id: str = _ref("connection.id")
    state: str = _text()
    started_at: str = _moment()
    ended_at: str | None = _moment(nullable=True)
    pages: int = _big()
    records: int = _big()
    reason: str | None = _text(nullable=True)
    detail: str | None = _text(nullable=True)
    drift: str = _text()  # JSON list of wire names nobody mapped


class Client(SQLModel, table=True):
    """Someone who may use the doors."""

    id: str = _text(primary_key=True)
    name: str = _text(unique=True)
    secret_digest: str = _text()
    scopes: str = _text()  # JSON list
    connections: str = _text()  # JSON list
    agencies: str = _text()  # JSON list; empty = the whole province
    created_at: str = _moment()
    revoked_at: str | None = _moment(nullable=True)


class CatalogueVersion(SQLModel, table=True):
    """Agencies, successions, procedures and the province's own days, whole, once per change.

    Every receipt names the version it was decided under, so that a proof can use the same.
    """

    __tablename__ = "catalogue_version"
    version: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    body: str = _text()  # canonical.catalogue.encode
    actor: str = _text()
    created_at: str = _moment()


class AgencySeen(SQLModel, table=True):
    """Every agency code that any dossier names."""

    __tablename__ = "agency_seen"
    code: str = _text(primary_key=True)


class Blob(SQLModel, table=True):
    """Raw bytes as received: once per digest, compressed, then encrypted."""

    digest: str = _text(primary_key=True)
    size_bytes: int = _big()
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Receipt(SQLModel, table=True):
    """One push request or one polled page, as received, and what became of its records."""

    __table_args__ = (
        _one_of("state", ("decided", "pending")),
        CheckConstraint(
            "applied >= 0 AND superseded >= 0 AND duplicate >= 0 AND quarantined >= 0"
            " AND pending >= 0",
            name="counts_positive",
        ),
        CheckConstraint("(state = 'pending') = (pending > 0)", name="pending_means_pending"),
        Index("receipt_by_connection", "connection_id", "id"),
        Index(
            "receipt_pending",
            "id",
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
    )
    id: int | None = Field(default=None, sa_column=Column(_Id, primary_key=True))
    public_id: str = _text(unique=True)
    connection_id: str = _ref("connection.id")
    client_id: str | None = _ref("client.id", nullable=True)
    run_id: int | None = _ref("run.id", nullable=True)
    shape: str = _text()
    mapping_version: int = _big()
    catalogue_version: int = _big()
    received_at: str = _moment()
    digest: str = _ref("blob.digest")
    size_bytes: int = _big()
    state: str = _text()
    applied: int = _big()
    superseded: int = _big()
    duplicate: int = _big()
    quarantined: int = _big()
    pending: int = _big()
    duplicates: str = _text()  # JSON [[position, code, leg id]…] of a push; [] of a poll
    attempts: int = _big()
    decided_no: int | None = _big(nullable=True, unique=True)  # its place among all decisions
    seal: str = _text()  # keyed digest over what the intake said (intake.seal_of)


class Record(SQLModel, table=True):
    """One record and its one disposition."""

    __table_args__ = (
        _one_of("disposition", [d for d in Disposition if d is not Disposition.DUPLICATE]),
        _one_of("reason", Reason, nullable=True),
        _one_of("facet", Facet, nullable=True),
        CheckConstraint("version IS NULL OR version >= 0", name="version_positive"),
        CheckConstraint(
            "(disposition = 'quarantined') = (reason IS NOT NULL)", name="reason_if_quarantined"
        ),
        _at_most("code", 200),
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
    receipt_id: int = _ref("receipt.id")
    connection_id: str = _ref("connection.id")
    leg_id: int | None = _ref("leg.id", nullable=True)
    code: str | None = _text(nullable=True)
    part: str = _text()
    facet: str | None = _text(nullable=True)
    version: int | None = _big(nullable=True)
    sort_at: str | None = _moment(nullable=True)
    digest: str | None = _text(nullable=True)
    disposition: str = _text()
    reason: str | None = _text(nullable=True)
    field: str | None = _text(nullable=True)
    resolved_by: int | None = _big(nullable=True)  # the act that settled it later
    seen: int = _big()  # how often a poll brought it; a quarantined one is kept once
    last_receipt_id: int = _big()  # the receipt that brought it last


class Act(SQLModel, table=True):
    """One thing a person decided: kept as a record of its own."""

    __table_args__ = (_one_of("kind", ("resolve_as_new",)),)
    id: int | None = Field(default=None, sa_column=Column(_Id, primary_key=True))
    kind: str = _text()
    record_id: int = _ref("record.id")
    actor: str = _text()
    reason: str = _text()
    at: str = _moment()


class Leg(SQLModel, table=True):
    """What one system holds of a case, folded."""

    __table_args__ = (
        UniqueConstraint("namespace", "code", "generation", name="leg_key"),
        CheckConstraint("generation >= 1", name="generation_positive"),
        _at_most("code", 200),
    )
    id: int | None = Field(default=None, sa_column=Column(_Id, primary_key=True))
    namespace: str = _text()
    code: str = _text()
    generation: int = _big()
    connection_id: str = _ref("connection.id")
    fold: str = _text()  # canonical.leg.encode
    same_time: bool = Field(sa_column_kwargs={"nullable": False})
    gone_at: str | None = _moment(nullable=True)


class ClaimRow(SQLModel, table=True):
    """A tie: what a leg claims to be. Withdrawn ones stay, so every code ever given answers."""

    __tablename__ = "claim"
    __table_args__ = (
        PrimaryKeyConstraint("leg_id", "kind", "key"),
        _one_of("kind", ("national", "receipt", "link")),
        Index(
            "claim_live", "kind", "key", postgresql_where=text("live"), sqlite_where=text("live")
        ),
        Index("claim_by_code", "code"),
    )
    leg_id: int = _ref("leg.id")
    kind: str = _text()
    key: str = _text()
    code: str = _text()
    live: bool = Field(sa_column_kwargs={"nullable": False})


class ClaimCrowd(SQLModel, table=True):
    """A claim so many legs make that it tells nothing (a receipt number "0"); it ties nobody."""

    __tablename__ = "claim_crowd"
    __table_args__ = (PrimaryKeyConstraint("kind", "key"),)
    kind: str = _text()
    key: str = _text()


class Member(SQLModel, table=True):
    """Which dossier a leg belongs to now."""

    __table_args__ = (Index("member_by_dossier", "dossier_id"),)
    leg_id: int = _ref("leg.id", primary_key=True, autoincrement=False)
    dossier_id: int = _big()


class Dossier(SQLModel, table=True):
    """The citizen's case as the outside face shows it; id = the leg it began with."""

    __table_args__ = (
        _one_of("status", Status, nullable=True),
        _one_of("channel", Channel, nullable=True),
        Index("dossier_by_agency", "agency", "status", "id"),
        Index("dossier_by_received", "received_agency", "status", "id"),
    )
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    public_id: str = _text(unique=True)
    merged_into: int | None = _big(nullable=True)
    agency: str | None = _text(nullable=True)
    received_agency: str | None = _text(nullable=True)
    procedure_code: str | None = _text(nullable=True)
    status: str | None = _text(nullable=True)
    channel: str | None = _text(nullable=True)
    accepted_on: date | None = Field(default=None, sa_column=Column(Date))
    due_on: date | None = Field(default=None, sa_column=Column(Date))
    body: str = _text()  # JSON object: fields, legs, spoke; no PIN
    findings: str = _text()  # JSON list
    pins: str = _text()  # JSON list of keyed digests
    created_seq: int = _big()
    changed_seq: int = _big()


class Judgement(SQLModel, table=True):
    """What a dossier counts as from its last turn on; earlier stretches are spans."""

    __table_args__ = (
        _one_of("kind", Kind),
        Index("judgement_received", "received_agency", "accepted_on"),
        Index("judgement_handling", "handling_agency", "accepted_on"),
        Index("judgement_closed", "received_agency", "closed_on"),
    )
    dossier_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    received_agency: str = _text()
    handling_agency: str | None = _text(nullable=True)
    procedure_code: str = _text()
    channel: str | None = _text(nullable=True)
    accepted_on: date = Field(sa_column=Column(Date, nullable=False))
    first_due_on: date | None = Field(default=None, sa_column=Column(Date))
    from_day: date = Field(sa_column=Column(Date, nullable=False))
    kind: str = _text()
    end_on: date | None = Field(default=None, sa_column=Column(Date))
    closed_on: date | None = Field(default=None, sa_column=Column(Date))
    due_on: date | None = Field(default=None, sa_column=Column(Date))


class JudgementSpan(SQLModel, table=True):
    """An earlier stretch of a dossier that was not simply open under its first promise."""

    __tablename__ = "judgement_span"
    __table_args__ = (PrimaryKeyConstraint("dossier_id", "from_day"), _one_of("kind", Kind))
    dossier_id: int = _big()
    from_day: date = Field(sa_column=Column(Date, nullable=False))
    to_day: date = Field(sa_column=Column(Date, nullable=False))
    kind: str = _text()
    end_on: date | None = Field(default=None, sa_column=Column(Date))
    closed_on: date | None = Field(default=None, sa_column=Column(Date))
    due_on: date | None = Field(default=None, sa_column=Column(Date))


class Timeline(SQLModel, table=True):
    """One entry of a leg's timeline."""

    __table_args__ = (
        PrimaryKeyConstraint("leg_id", "key"),
        _one_of("status", Status),
        _one_of("facet", Facet),
        CheckConstraint("from_record OR in_history", name="told_somewhere"),
    )
    leg_id: int = _ref("leg.id")
    key: str = _text()
    facet: str = _text()
    status: str = _text()
    at: str = _moment()
    officer: str | None = _text(nullable=True)
    unit: str | None = _text(nullable=True)
    note: str | None = _text(nullable=True)
    record_id: int = _big()
    from_record: bool = Field(sa_column_kwargs={"nullable": False})
    in_history: bool = Field(sa_column_kwargs={"nullable": False})
    arrived_late: bool = Field(sa_column_kwargs={"nullable": False})
    known_seq: int = _big()
    retracted_by: int | None = _big(nullable=True)
    retracted_seq: int | None = _big(nullable=True)


class Change(SQLModel, table=True):
    """The change feed: gapless, in commit order; the outbox of every delivery."""

    __table_args__ = (_one_of("kind", CHANGE_KINDS), Index("change_by_dossier", "dossier_id"))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    dossier_id: int = _big()
    kind: str = _text()
    at: str = _moment()
    into_id: int | None = _big(nullable=True)
    receipt_id: int | None = _big(nullable=True)


class Feed(SQLModel, table=True):
    """The one row whose lock puts changes, and decisions, in order."""

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    seq: int = _big()
    decided: int = _big()
    catalogue: int = _big()


class Idempotency(SQLModel, table=True):
    """The answer once given for an Idempotency-Key."""

    __table_args__ = (PrimaryKeyConstraint("client_id", "key"),)
    client_id: str = _ref("client.id")
    key: str = _text()
    body_digest: str = _text()
    status: int = _big()
    content_type: str = _text()
    body: str = _text()
    created_at: str = _moment()


class LookupFailure(SQLModel, table=True):
    """Failed PIN look-ups per stretch of time: dossier codes are guessable."""

    __tablename__ = "lookup_failure"
    __table_args__ = (PrimaryKeyConstraint("bucket", "key"),)
    bucket: int = _big()
    key: str = _text()
    failures: int = _big()


def table(model: type[SQLModel]) -> Any:
    """The SQLAlchemy table behind a model."""
    return model.__table__  # type: ignore[attr-defined]
