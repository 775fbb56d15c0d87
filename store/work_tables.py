"""Tables of the work that goes on by itself: plans, deliveries, filings, reconciliation, alarms.

Everything an engine could forget stands here: what is due, how often it was tried, what stopped it.
"""

from datetime import date
from typing import Any

from sqlalchemy import (
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from canonical.reasons import Reason
from store.columns import ID, at_most, big, moment, one_of, ref, text_column

PROMOTION_STATES = ("kept", "running", "paused", "done")
BREAKER_STATES = ("closed", "open", "half_open")
LANES = ("live", "backlog", "replay")
FILING_STATES = ("due", "sending", "unknown", "person", "filed", "refused", "cancelled")
DISCREPANCIES = ("missing", "extra", "stale", "diverged", "deleted")
ALARM_KINDS = (
    "bulk_quarantine",
    "credentials",
    "breaker",
    "dead_delivery",
    "filing",
    "suspect",
    "reconciliation",
    "schema_drift",
    "cursor_lost",
    "overlay",
    "secret_expiry",
)
DRIFT_KINDS = ("new", "lost", "renamed", "retyped", "value", "date_form", "contract")
DRIFT_ENDS = ("accepted", "gone", "mapped")


def _sealed() -> Any:
    return Field(default=None, sa_column=Column(LargeBinary))


class Plan(SQLModel, table=True):
    """When a connection is asked, and what keeps it from being asked.

    A connection without a row has never been due and takes its manifest's schedule.
    """

    __table_args__ = (
        one_of("breaker", BREAKER_STATES),
        one_of("waits_for", Reason, nullable=True),
    )
    connection_id: str = ref("connection.id", primary_key=True)
    schedule: str | None = text_column(nullable=True)  # cron; the manifest's where null
    fired_for: str | None = moment(nullable=True)  # the newest due time any node has taken up
    due_at: str | None = moment(nullable=True)  # a run is wanted from now on; null: none is
    cause: str | None = text_column(nullable=True)  # of that run (store.tables.RUN_CAUSES)
    failures: int = big()  # runs that failed, one after another
    breaker: str = text_column()
    retry_at: str | None = moment(nullable=True)  # not to be asked before
    waits_for: str | None = text_column(nullable=True)  # a reason a person must settle
    suspect_since: str | None = moment(nullable=True)  # nothing came where something was due
    watched_at: str | None = moment(nullable=True)  # when that was last looked at
    updated_at: str = moment()


class Alarm(SQLModel, table=True):
    """Something a person must look at: one row while it lasts, however often it is met."""

    __table_args__ = (
        one_of("kind", ALARM_KINDS),
        Index(
            "alarm_open",
            "kind",
            "key",
            unique=True,
            postgresql_where=text("until IS NULL"),
            sqlite_where=text("until IS NULL"),
        ),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    kind: str = text_column()
    key: str = text_column()  # the connection, receiver or filing it is about
    since: str = moment()
    last_at: str = moment()
    until: str | None = moment(nullable=True)
    count: int = big()
    detail: str = text_column()


class Receiver(SQLModel, table=True):
    """Someone the hub tells of changes, or of figures."""

    __table_args__ = (
        one_of("state", ("enabled", "paused")),
        one_of("breaker", BREAKER_STATES),
        one_of("waits_for", Reason, nullable=True),
        at_most("id", 100),
    )
    id: str = text_column(primary_key=True)
    system: str = text_column()
    endpoint: str = text_column()
    options: str = text_column()  # JSON object
    secrets: bytes | None = _sealed()  # sealed JSON
    agencies: str = text_column()  # JSON list; empty = the whole province
    state: str = text_column()
    not_before: str | None = moment(nullable=True)  # older changes are skipped, silently
    shards: int = big()
    live_from: int = big()  # changes after this one are live, those before it the backlog
    failures: int = big()
    breaker: str = text_column()
    retry_at: str | None = moment(nullable=True)
    waits_for: str | None = text_column(nullable=True)
    created_at: str = moment()


class ReceiverShard(SQLModel, table=True):
    """How far one shard of a receiver has come; dossier id modulo the shards is a shard.

    Every change up to `seq` (and, below `live_from`, up to `backlog_seq`) that is the shard's was
    delivered, skipped, dropped by a person, or is a row of `delivery`.
    """

    __tablename__ = "receiver_shard"
    __table_args__ = (PrimaryKeyConstraint("receiver_id", "shard"),)
    receiver_id: str = ref("receiver.id")
    shard: int = big()
    seq: int = big()
    backlog_seq: int = big()
    delivered: int = big()
    skipped: int = big()
    dropped: int = big()
    last_at: str | None = moment(nullable=True)


class Delivery(SQLModel, table=True):
    """One change on its way to one receiver; the row goes when the receiver has taken it.

    Rows of one dossier are sent one after another, by seq; a dead one holds the later ones back.
    """

    __table_args__ = (
        UniqueConstraint("receiver_id", "seq", name="delivery_once"),
        one_of("state", ("waiting", "dead")),
        one_of("lane", LANES),
        one_of("reason", Reason, nullable=True),
        ForeignKeyConstraint(
            ["receiver_id", "shard"], ["receiver_shard.receiver_id", "receiver_shard.shard"]
        ),
        Index("delivery_by_dossier", "receiver_id", "dossier_id", "seq"),
        Index("delivery_due", "receiver_id", "shard", "state", "due_at"),
        Index("delivery_by_lane", "receiver_id", "lane", "state", "seq"),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    receiver_id: str = text_column()
    shard: int = big()
    dossier_id: int = big()
    seq: int = ref("change.seq")
    event_id: str = text_column()
    lane: str = text_column()
    state: str = text_column()
    body: bytes | None = _sealed()  # as first sent; null before the first attempt
    attempts: int = big()
    first_at: str | None = moment(nullable=True)  # tried since (sync.deliver_fate.tried_since)
    due_at: str = moment()
    reason: str | None = text_column(nullable=True)
    detail: str | None = text_column(nullable=True)
    created_at: str = moment()


class DeliveryAhead(SQLModel, table=True):
    """A dossier of a backlog that was delivered before its turn, since a live change needed it."""

    __tablename__ = "delivery_ahead"
    __table_args__ = (PrimaryKeyConstraint("receiver_id", "dossier_id"),)
    receiver_id: str = ref("receiver.id")
    dossier_id: int = big()
    through_seq: int = big()


class Replay(SQLModel, table=True):
    """Changes told again to a receiver, by a person's wish: in batches, to be paused."""

    __table_args__ = (one_of("state", ("running", "paused", "done")),)
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    receiver_id: str = ref("receiver.id")
    filter: str = text_column()  # JSON object
    state: str = text_column()
    from_seq: int = big()
    at_seq: int = big()  # taken up so far
    until_seq: int = big()
    taken: int = big()
    actor: str = text_column()
    reason: str = text_column()
    created_at: str = moment()


class Publication(SQLModel, table=True):
    """The figures of one period as told to a receiver; a changed figure is a further revision."""

    __table_args__ = (
        UniqueConstraint(
            "receiver_id", "agency", "period_from", "period_to", "revision", name="publication_once"
        ),
        one_of("state", ("waiting", "delivered", "dead")),
        one_of("reason", Reason, nullable=True),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    receiver_id: str = ref("receiver.id")
    agency: str = text_column()
    period_from: date = Field(sa_column=Column(Date, nullable=False))
    period_to: date = Field(sa_column=Column(Date, nullable=False))
    as_of: date = Field(sa_column=Column(Date, nullable=False))
    revision: int = big()
    known_seq: int = big()  # the newest change when it was counted
    figures: str = text_column()  # JSON, as GET /api/v1/indicators answered
    why: str = text_column()  # the revision before no longer stands; "" for the first
    event_id: str = text_column()
    body: bytes | None = _sealed()
    state: str = text_column()
    attempts: int = big()
    first_at: str | None = moment(nullable=True)  # tried since (sync.deliver_fate.tried_since)
    due_at: str = moment()
    reason: str | None = text_column(nullable=True)
    detail: str | None = text_column(nullable=True)
    created_at: str = moment()
    delivered_at: str | None = moment(nullable=True)


class PublicationCount(SQLModel, table=True):
    """When all periods of a receiver of figures were last counted."""

    __tablename__ = "publication_count"
    receiver_id: str = ref("receiver.id", primary_key=True)
    counted_at: str = moment()


class FilingCursor(SQLModel, table=True):
    """How far a connection that files has followed the change feed, and when it may be called."""

    __tablename__ = "filing_cursor"
    connection_id: str = ref("connection.id", primary_key=True)
    from_seq: int = big()  # what the hub learnt of up to here is not filed
    seq: int = big()
    failures: int = big()  # calls that reached nobody, one after another
    retry_at: str | None = moment(nullable=True)  # the department is not called before
    doubt_until: str | None = moment(nullable=True)  # until then another hub may have filed


class Filing(SQLModel, table=True):
    """One dossier handed on to a department, once."""

    __table_args__ = (
        UniqueConstraint("connection_id", "namespace", "code", "generation", name="filing_once"),
        UniqueConstraint("number", name="filing_number"),
        one_of("state", FILING_STATES),
        one_of("reason", Reason, nullable=True),
        Index("filing_due", "state", "due_at"),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    connection_id: str = ref("connection.id")
    dossier_id: int = big()
    namespace: str = text_column()  # the desk's leg that is filed
    code: str = text_column()
    generation: int = big()
    number: str = text_column()  # the hub's own, stable over attempts
    state: str = text_column()
    body: bytes | None = _sealed()  # what was sent, byte for byte
    attempts: int = big()
    looked_up: int = big()  # times it was asked for since it was sent, or a paper was, in vain
    sent_at: str | None = moment(nullable=True)
    due_at: str | None = moment(nullable=True)  # null: nothing to do until something happens
    filed_code: str | None = text_column(nullable=True)  # the department's own code
    papers: int = big()
    papers_sent: int = big()
    paper_list: str = text_column()  # JSON list: each paper, and what became of it
    reason: str | None = text_column(nullable=True)
    detail: str | None = text_column(nullable=True)
    created_at: str = moment()
    updated_at: str = moment()


class Reconciliation(SQLModel, table=True):
    """One comparison of a source's own list with what the hub holds of it."""

    __table_args__ = (
        one_of("state", ("running", "done", "failed")),
        one_of("reason", Reason, nullable=True),
        Index("reconciliation_by_connection", "connection_id", "id"),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    connection_id: str = ref("connection.id")
    state: str = text_column()
    started_at: str = moment()
    ended_at: str | None = moment(nullable=True)
    compared: int = big()
    counts: str = text_column()  # JSON: discrepancy -> count
    healed: int = big()
    reason: str | None = text_column(nullable=True)
    detail: str | None = text_column(nullable=True)


class Discrepancy(SQLModel, table=True):
    """One dossier on which a source and the hub do not agree."""

    __table_args__ = (
        PrimaryKeyConstraint("reconciliation_id", "part", "code", "facet"),
        one_of("kind", DISCREPANCIES),
        at_most("code", 200),
    )
    reconciliation_id: int = ref("reconciliation.id")
    part: str = text_column()
    code: str = text_column()
    facet: str = text_column()
    kind: str = text_column()
    healed: bool = Field(sa_column_kwargs={"nullable": False})


class Absence(SQLModel, table=True):
    """A leg that its source's own list no longer told of; twice in a row and it is gone."""

    leg_id: int = ref("leg.id", primary_key=True, autoincrement=False)
    times: int = Field(sa_column=Column(Integer, nullable=False))
    reconciliation_id: int = ref("reconciliation.id")


class LiveShape(SQLModel, table=True):
    """What the records of one procedure of a connection look like: fields, kinds, forms; no value.

    An empty procedure counts over all of them.
    """

    __tablename__ = "live_shape"
    __table_args__ = (PrimaryKeyConstraint("connection_id", "shape", "procedure"),)
    connection_id: str = ref("connection.id")
    shape: str = text_column()
    procedure: str = text_column()
    rows: int = big()
    body: str = text_column()  # JSON: path -> what was seen (canonical.live_shape)
    updated_at: str = moment()


class Drift(SQLModel, table=True):
    """One way in which a connection's records are no longer what they were."""

    __table_args__ = (
        one_of("kind", DRIFT_KINDS),
        one_of("ended_by", DRIFT_ENDS, nullable=True),
        Index(
            "drift_open",
            "connection_id",
            "shape",
            "kind",
            "field",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, sa_column=Column(ID, primary_key=True))
    connection_id: str = ref("connection.id")
    shape: str = text_column()
    kind: str = text_column()
    field: str = text_column()
    told: str = text_column()  # JSON: the new name, forms, values; procedures; what is new
    since: str = moment()
    last_at: str = moment()
    rows: int = big()  # sampled records that show it
    ended_at: str | None = moment(nullable=True)
    ended_by: str | None = text_column(nullable=True)
    author: str | None = text_column(nullable=True)
    reason: str | None = text_column(nullable=True)


class Promotion(SQLModel, table=True):
    """A candidate mapping that was put into force, the report by which, and its replay."""

    __table_args__ = (
        PrimaryKeyConstraint("connection_id", "version"),
        one_of("state", PROMOTION_STATES),
    )
    connection_id: str = ref("connection.id")
    version: int = big()
    report: bytes = Field(sa_column=Column(LargeBinary, nullable=False))  # zstd over JSON
    state: str = text_column()
    after_id: int = big()  # the replay has passed the records up to this one
    tried: int = big()
    settled: int = big()
    actor: str = text_column()  # who began the replay
    reason: str = text_column()
