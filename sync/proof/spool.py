"""What was read from raw bytes on its way to the parts: in files, sealed like the raw bytes.

Every process writes its own files, one per part, in the order of decisions; whoever computes a part
reads all files of it side by side.
"""

import heapq
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from canonical.record import Record, Tombstone
from store.intake import RecordRow
from store.vault import Vault
from sync.taken import Origin

PART, APART = "part", "apart"
_BLOCK_BYTES = 128 * 1024
_HELD_BYTES = 6 * 1024 * 1024
_LENGTH = 4


class Told(Struct, frozen=True, array_like=True):
    """What one receipt said of the legs of one part, as it was decided.

    Attributes:
        rank: Its place among all decisions, from 0.
        origin: The receipt whose records it takes up again, and when that came.
        opens: Whether its record opens the next generation of its leg.
        is_replay: Whether it takes records up again from the quarantine.
        is_remap: Whether it tells records anew: they wait for the note that names their legs.
        legs: Of a note, (namespace, code) of the legs that are told anew.
        moved: Those of them whose records are of other legs now.
    """

    rank: int
    receipt_id: int
    connection: str
    received_at: datetime
    catalogue: int
    agencies: list[str]
    keeps_duplicates: bool
    origin: Origin | None
    opens: bool
    is_replay: bool
    records: list[Record]
    tombstones: list[Tombstone]
    is_remap: bool = False
    legs: list[tuple[str, str]] = []
    moved: list[tuple[str, str]] = []

    def items(self) -> list[Record | Tombstone]:
        """All of them, in their order."""
        if not self.tombstones:
            return list(self.records)
        return sorted([*self.records, *self.tombstones], key=lambda item: item.position)


class Apart(Struct, frozen=True, array_like=True):
    """Records of one receipt that were set apart, before anything known again is left out."""

    rank: int
    receipt_id: int
    connection: str
    keeps_duplicates: bool
    rows: list[RecordRow]


class Spool:
    """One process's files."""

    def __init__(self, folder: Path, writer: int, vault: Vault) -> None:
        self._folder, self._writer, self._vault = folder, writer, vault
        self._held: dict[tuple[str, int], bytearray] = {}
        self._size = 0
        self._encoder = msgspec.msgpack.Encoder()

    def put(self, kind: str, part: int, told: Told | Apart) -> None:
        """Write one thing down, for a part."""
        body = self._encoder.encode(told)
        held = self._held.setdefault((kind, part), bytearray())
        held += len(body).to_bytes(_LENGTH, "big")
        held += body
        self._size += len(body)
        if len(held) >= _BLOCK_BYTES:
            self._write(kind, part)
        elif self._size > _HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Everything is in the files."""
        for kind, part in sorted(self._held):
            self._write(kind, part)

    def _write(self, kind: str, part: int) -> None:
        held = self._held.pop((kind, part))
        self._size -= len(held)
        block = self._vault.seal(bytes(held))
        # Opened anew each time: there may be more parts than a process may open files.
        with (self._folder / f"{kind}-{part}-{self._writer}").open("ab") as file:
            file.write(len(block).to_bytes(_LENGTH, "big") + block)


_TOLD = msgspec.msgpack.Decoder(Told)
_APART = msgspec.msgpack.Decoder(Apart)


def told_of(folder: Path, part: int, vault: Vault) -> Iterator[Told]:
    """What receipts said of a part, in the order of decisions."""
    streams = [
        (_TOLD.decode(body) for body in _bodies(path, vault))
        for path in folder.glob(f"{PART}-{part}-*")
    ]
    return heapq.merge(*streams, key=lambda told: told.rank)


def apart_of(folder: Path, part: int, vault: Vault) -> list[Apart]:
    """What was set apart, in the order of decisions."""
    found = [
        _APART.decode(body)
        for path in folder.glob(f"{APART}-{part}-*")
        for body in _bodies(path, vault)
    ]
    return sorted(found, key=lambda apart: apart.rank)


def _bodies(path: Path, vault: Vault) -> Iterator[bytes]:
    with path.open("rb") as file:
        while head := file.read(_LENGTH):
            block = vault.open(file.read(int.from_bytes(head, "big")))
            place = 0
            while place < len(block):
                begun = place + _LENGTH
                place = begun + int.from_bytes(block[place:begun], "big")
                yield block[begun:place]
