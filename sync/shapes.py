"""What a receipt's shape says: by which name its bytes are read, and which of its rows are meant.

    dossiers                     the body as it came, all of it
    part:dossiers:3,7-9          of a page that was asked for again, these rows alone
    act:dossiers:replay:3,7-9    rows of an earlier receipt, taken up again from the quarantine
    act:dossiers:remap:3,7-9     rows of an earlier receipt, told anew by the mapping in force
    act:dossiers:3               one row from the quarantine, which opens the next generation
    retold                       the hub's own note of the legs that are told anew

The shape is sealed with its receipt, so a proof reads the same rows again.
"""

from collections.abc import Iterable

from msgspec import Struct

_PART, _ACT, _REPLAY, _REMAP = "part", "act", "replay", "remap"
RETOLD = "retold"


class Told(Struct, frozen=True):
    """A shape taken apart.

    Attributes:
        name: By which the bytes are read.
        positions: The rows that are meant; None for all.
        is_replay: Whether they are taken up again from the quarantine.
        opens: Whether they open the next generation of their leg.
        is_remap: Whether they are told anew, by another mapping than the first time.
    """

    name: str
    positions: frozenset[int] | None = None
    is_replay: bool = False
    opens: bool = False
    is_remap: bool = False

    @property
    def is_act(self) -> bool:
        """Whether a person decided it."""
        return self.is_replay or self.opens or self.is_remap


def told(shape: str) -> Told:
    """What a shape says."""
    kind, mark, rest = shape.partition(":")
    if not mark or kind not in (_PART, _ACT):
        return Told(shape)
    name, _, listed = rest.rpartition(":")
    positions = frozenset(_listed(listed))
    if kind == _PART:
        return Told(name, positions)
    inner, mark, last = name.rpartition(":")
    if mark and last == _REPLAY:
        return Told(inner, positions, is_replay=True)
    if mark and last == _REMAP:
        return Told(inner, positions, is_remap=True)
    return Told(name, positions, opens=True)


def part(name: str, positions: Iterable[int]) -> str:
    """The shape of some rows of a page."""
    return f"{_PART}:{name}:{ranges(positions)}"


def replay(name: str, positions: Iterable[int]) -> str:
    """The shape of rows taken up again."""
    return f"{_ACT}:{name}:{_REPLAY}:{ranges(positions)}"


def remap(name: str, positions: Iterable[int]) -> str:
    """The shape of rows told anew."""
    return f"{_ACT}:{name}:{_REMAP}:{ranges(positions)}"


def opening(name: str, position: int) -> str:
    """The shape of a row that opens the next generation of its leg."""
    return f"{_ACT}:{name}:{position}"


def ranges(positions: Iterable[int]) -> str:
    """Positions as people write them: `3,7-9`."""
    spans: list[list[int]] = []
    for position in sorted(set(positions)):
        if spans and spans[-1][1] == position - 1:
            spans[-1][1] = position
        else:
            spans.append([position, position])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def _listed(text: str) -> Iterable[int]:
    for span in text.split(","):
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1)
