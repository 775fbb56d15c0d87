"""What one process of a proof works with: its own look at the store, and what it has looked up."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical.catalogue import Books
from canonical.errors import HubError
from canonical.reasons import Reason
from store import catalogue, clients, connections, legs, proof, remaps
from store.connections import ConnectionRow
from sync.context import Context
from sync.proof.plan import Route, load_route
from sync.proof.spool import Spool

_BOOKS_KEPT = 4


class Place(Struct, frozen=True):
    """Where the files of one pass lie, and into how much it is cut."""

    folder: Path
    parts: int
    quarantines: int


class Hand:
    """One process's means.

    Attributes:
        tx: The same consistent look at the store that every other process of this proof has.
        number: Which process it is.
        key: Of digests that only this proof compares; nobody can know it beforehand.
    """

    def __init__(self, context: Context, tx: Tx, number: int, key: bytes) -> None:
        self.context = context
        self.tx = tx
        self.number = number
        self.key = key
        self._connections: dict[str, ConnectionRow | None] = {}
        self._agencies: dict[str, frozenset[str]] = {}
        self._books: dict[int, Books] = {}
        self._routes: dict[Path, Route] = {}

    def spool(self, place: Place) -> Spool:
        """New files of this process, or more of those it has."""
        return Spool(place.folder, self.number, self.context.vault)

    def route(self, place: Place) -> Route:
        """Which part a leg belongs to."""
        if place.folder not in self._routes:
            self._routes = {place.folder: load_route(place.folder, place.parts)}
        return self._routes[place.folder]

    def connection(self, connection_id: str) -> ConnectionRow:
        """A connection. Raises HubError where it is missing."""
        if connection_id not in self._connections:
            found = connections.load_connection(self.tx, connection_id)
            self._connections[connection_id] = found
        row = self._connections[connection_id]
        if row is None:
            raise HubError(Reason.NOT_FOUND, "its connection is missing")
        return row

    def agencies(self, client_id: str) -> frozenset[str]:
        """What a client was granted."""
        if client_id not in self._agencies:
            sender = clients.load_any(self.tx, client_id)
            self._agencies[client_id] = sender.agencies if sender is not None else frozenset()
        return self._agencies[client_id]

    def books(self, version: int) -> Books:
        """A version of the catalogue."""
        if version not in self._books:
            if len(self._books) >= _BOOKS_KEPT:
                self._books.clear()
            self._books[version] = catalogue.load_books(self.tx, version)
        return self._books[version]

    @cached_property
    def roles(self) -> Mapping[str, str]:
        """Connection id -> what its legs are to a case."""
        return legs.roles(self.tx)

    @cached_property
    def _remaps(self) -> tuple[list[tuple[int, int]], Mapping[int, list[tuple[int, int]]]]:
        return remaps.notes(self.tx), remaps.by_origin(self.tx)

    def note_behind(self, decided_no: int) -> int:
        """The note that receipts told anew by this decision wait for; 0 where there is none."""
        notes = self._remaps[0]
        place = bisect_left(notes, (decided_no, 0))
        return notes[place][1] if place < len(notes) else 0

    def retold_before(self, receipt_id: int, decided_no: int) -> list[int]:
        """The receipts by which rows of this one were told anew before."""
        return [own for at, own in self._remaps[1].get(receipt_id, ()) if at < decided_no]

    @cached_property
    def acts(self) -> Mapping[str, int]:
        """Subject -> act, of what was taken up again."""
        return proof.acts_of_replays(self.tx)

    @cached_property
    def poisoned(self) -> Mapping[int, set[int]]:
        """Receipt id -> positions of records that broke processing."""
        return proof.poisoned(self.tx)
