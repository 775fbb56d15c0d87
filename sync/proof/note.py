"""The hub's own note of the legs that are told anew: a receipt like any other, sealed and proved.

The receipts just before it, of shape `act:NAME:remap:POSITIONS`, hold what is told of them; all are
decided by one commit, and take effect with the note.
"""

import msgspec
from msgspec import Struct

Name = tuple[str, str]  # namespace, code


class Note(Struct, frozen=True):
    """Which legs are told anew.

    Attributes:
        legs: All of them, every generation: those that records come to among them.
        moved: Those whose records are of other legs now: they claim nothing any more. One of
            which nothing can be read stays with those it was tied to.
    """

    legs: list[Name]
    moved: list[Name]


_DECODER = msgspec.json.Decoder(Note)


def encode(told: Note) -> bytes:
    """A note as it is kept."""
    return msgspec.json.encode(told)


def decode(raw: bytes) -> Note:
    """A note that `encode` wrote."""
    return _DECODER.decode(raw)
