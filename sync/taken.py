"""One body that came in, and what became of it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from canonical.ports import Fate
from store.connections import ConnectionRow
from sync.batch import Source


class Origin(Struct, frozen=True):
    """The receipt whose records are taken up again, and when it came.

    Attributes:
        first_id: The receipt they first came in, where that is another: there they stand.
        is_retold: Whether they are told anew, as if for the first time.
        in_turn: Whether they are held against what came in after them; told anew from the
            beginning, in order, nothing has come yet.
    """

    receipt_id: int
    received_at: datetime
    first_id: int | None = None
    is_retold: bool = False
    in_turn: bool = True

    @property
    def place_id(self) -> int:
        """The receipt in whose place among all its records stand."""
        return self.receipt_id if self.first_id is None else self.first_id


class Taken(Struct, frozen=True):
    """One body that arrived: whose, what, when.

    Attributes:
        shape: Name by which it is read, and which of its rows (sync.shapes).
        agencies: The sender's grant; empty for the whole province.
        keeps_duplicates: A push lists its duplicates one by one; a poll counts them.
        origin: What its records first came in; None where they came now.
    """

    connection: ConnectionRow
    shape: str
    raw: bytes
    received_at: datetime
    client_id: str | None = None
    run_id: int | None = None
    agencies: frozenset[str] = frozenset()
    keeps_duplicates: bool = True
    origin: Origin | None = None

    @property
    def said_at(self) -> datetime:
        """When its records came: that is their time, where the source tells none."""
        return self.received_at if self.origin is None else self.origin.received_at


class Outcome(Struct, frozen=True):
    """What became of a body.

    Attributes:
        receipt: The receipt's public id.
        fates: One per record, in order.
        dossiers: position -> public id of the dossier it belongs to.
        refused: How many were refused, those included that a poll had brought before.
    """

    receipt: str
    received_at: str
    counts: dict[str, int]
    fates: Sequence[Fate]
    dossiers: dict[int, str]
    is_list: bool = True
    refused: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether it is durable and not yet decided."""
        return self.counts["pending"] > 0


def source_of(taken: Taken) -> Source:
    """Who speaks in a body, and for whom it may speak."""
    return Source(
        taken.connection.id,
        taken.connection.namespace,
        taken.agencies,
        taken.keeps_duplicates,
        taken.origin.place_id if taken.origin is not None else None,
        in_turn=taken.origin is None or taken.origin.in_turn,
    )
