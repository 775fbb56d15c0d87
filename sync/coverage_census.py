"""What a connection's stored records say in its coded fields, counted receipt by receipt.

Of what is read only a count per value is kept, and which dossiers say those that are not covered.
"""

import threading
from collections.abc import Callable
from hashlib import blake2b

from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.mapping.coded import Coded, Codes
from canonical.ports import Row, System
from canonical.text import Malformed
from store import coverage
from store.connections import ConnectionRow
from sync import shapes
from sync.context import Context
from sync.reading import GONE

Progress = Callable[[int, int], None]
_MOST_VALUES = 10_000  # of one field; a code list is shorter, more is none
_MORE = "…"


class Census:
    """The values of one connection under one mapping, counted up to a receipt."""

    def __init__(self, codes: Codes, system: System, row: ConnectionRow) -> None:
        self.codes, self.system = codes, system
        self.lock = threading.Lock()
        self.after = self.known = self.receipts = self.records = self.unreadable = 0
        self._row = row
        self.values: list[set[str]] = [set() for _ in codes.fields]
        self.records_of: dict[tuple[str, str], int] = {}  # (rule, value)
        self.dossiers: dict[tuple[str, str], set[tuple[str, str]]] = {}  # of those not covered
        self._by_shape: dict[str, list[tuple[int, Coded]]] = {}
        for place, field in enumerate(codes.fields):
            self._by_shape.setdefault(field.shape, []).append((place, field))
        self._bodies: set[int] = set()

    def is_whole(self, tx: Tx) -> bool:
        """Whether no receipt came to light behind its back: ids need not commit in their order."""
        return coverage.count_until(tx, self._row.id, self.after) == self.known

    def go_on(self, context: Context, tx: Tx, progress: Progress | None = None) -> None:
        """Read what came since."""
        total, _, until = coverage.left_to_read(tx, self._row.id, self.after)
        found = coverage.kept(tx, self._row.id, self.after, until)
        for done, one in enumerate(found, start=1):
            self._take(context, tx, one)
            if progress is not None:
                progress(done, total)
        self.after, self.known = until, self.known + total

    def _take(self, context: Context, tx: Tx, one: coverage.Kept) -> None:
        shape = shapes.told(one.shape)
        body = int.from_bytes(blake2b(f"{one.digest}{one.shape}".encode(), digest_size=8).digest())
        if shape.name in (GONE, shapes.RETOLD) or shape.is_act or body in self._bodies:
            return  # what says nothing, or nothing that another receipt does not say
        self._bodies.add(body)
        self.receipts += 1
        try:
            # A declaration may have changed since: bytes are taken apart as they were then.
            system = context.system_of(self._row, one.mapping_version, tx)
            rows = system.rows(shape.name, context.vault.open(one.data))
        except (Malformed, HubError, ValueError):
            self.unreadable += 1
            return
        for position, row in enumerate(rows):
            if isinstance(row, Row) and (shape.positions is None or position in shape.positions):
                self.count(row)

    def count(self, row: Row) -> None:
        """Take in what one wire row says."""
        self.records += 1
        said: set[tuple[str, str]] = set()
        for place, field in self._by_shape.get(row.shape, ()):
            values = self.values[place]
            for key in field.keys(row.values):
                told = key
                if key not in values:
                    if len(values) >= _MOST_VALUES:
                        told = _MORE
                    values.add(told)
                said.add((field.rule, told))
                if not self.codes.is_covered(field, told):
                    code = self.codes.code(row.shape, row.values)
                    if code is not None:
                        part = self.codes.parts.get(row.shape, "")
                        self.dossiers.setdefault((field.rule, told), set()).add((part, code))
        for one in said:
            self.records_of[one] = self.records_of.get(one, 0) + 1
