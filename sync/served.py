"""The contract that a department serves now beside the pinned one: what changed, whom it touches.

Nothing is held back for it: records that no longer fit their mapping wait in the quarantine, as
always, and only those.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from canonical.drifting import Reads
from canonical.errors import HubError
from canonical.linking import ContractChange
from canonical.live_shape import from_json
from canonical.ports import System
from canonical.reasons import Reason
from store import drifts
from store.connections import ConnectionRow
from store.drifts import LiveRow
from sync.context import Context
from sync.drift_texts import sentence_of

MOST = 40  # changes that are named one by one
_ALL = ("", "-")  # procedures that are none


class Touching(Struct, frozen=True):
    """One change, and whom it touches.

    Attributes:
        places: The mapping rows that read what changed.
        procedures: Whose records are known to hold it.
    """

    change: ContractChange
    places: list[str]
    procedures: list[str]

    @property
    def field(self) -> str:
        """What it is about, once among the changes of a contract."""
        one = self.change
        if not one.path:
            return one.operation or "…"
        way = "" if one.way == "answered" else f" ({one.way})"
        return f"{one.operation}{way}: {one.path}"

    def told(self) -> dict[str, object]:
        """What a finding keeps of it."""
        one = self.change
        return {
            "change": one.kind,
            "before": one.before,
            "after": one.after,
            "places": self.places,
            "procedures": self.procedures,
        }

    def sentence(self) -> tuple[str, str]:
        """Vietnamese and English."""
        return sentence_of("contract", self.field, self.told())


class Served(Struct, frozen=True):
    """What a look at a served contract found.

    Attributes:
        address: Where it is served.
        version: The connection's mapping version, which says what is pinned.
        fingerprint: Of the served one; "" where it could not be had.
        is_same: Whether it has the pinned one's fingerprint.
        changes: How it is not the pinned one, what touches mapping rows first.
        error: Why it could not be had.
    """

    address: str
    version: int
    fingerprint: str
    is_same: bool
    changes: list[Touching]
    error: HubError | None = None


async def look(context: Context, row: ConnectionRow) -> Served | None:
    """Fetch the served contract and compare it; None where nobody says where it is served.

    Stores nothing, and raises nothing of the department's.
    """
    system = await asyncio.to_thread(context.system_of, row)
    served = system.served
    address = served.address(row.endpoint, row.options) if served is not None else ""
    if served is None or not address or context.contracts is None:
        return None
    try:
        files = await served.fetch(row.settings(context.vault))
        compare = context.contracts.compare
        found = await asyncio.to_thread(compare, served.files, served.main, files)
    except HubError as error:
        return Served(address, row.mapping_version, "", is_same=False, changes=[], error=error)
    changes = [one for one in found.changes if _matters(one, served.called)]
    touching = await asyncio.to_thread(_touching, context, row, system, changes)
    return Served(address, row.mapping_version, found.fingerprint, found.is_same, touching)


def _matters(change: ContractChange, called: Collection[str]) -> bool:
    """Whether people are told: of what is not called only that it is new or gone."""
    is_whole = not change.path and change.kind in ("new", "lost")
    return is_whole or not called or change.operation in called


def _touching(
    context: Context, row: ConnectionRow, system: System, changes: Sequence[ContractChange]
) -> list[Touching]:
    if not changes:
        return []
    with context.store.read() as tx:
        reads = context.learner.lens(tx, row.id, row.mapping_version, system).reads
        shapes = drifts.load_shapes(tx, row.id)
    served = system.served
    read = served.read if served is not None else ()
    found = [
        _of(one, reads if not read or one.operation in read else {}, shapes) for one in changes
    ]
    found.sort(key=lambda one: not one.places)
    if len(found) <= MOST:
        return found
    more = ContractChange("", "", "", "more", after=[str(len(found) - MOST)])
    return [*found[:MOST], Touching(more, [], [])]


def _of(change: ContractChange, reads: Mapping[str, Reads], shapes: Sequence[LiveRow]) -> Touching:
    places: set[str] = set()
    procedures: set[str] = set()
    for shape, read in reads.items():
        paths = [path for path in read.paths if _touches(change, path, read)]
        places.update(place for path in paths for place in read.paths[path])
        procedures.update(
            one.procedure
            for one in shapes
            if one.shape == shape and one.procedure not in _ALL and _holds(one, paths)
        )
    return Touching(change, sorted(places), sorted(procedures))


def _holds(shape: LiveRow, paths: Sequence[str]) -> bool:
    fields = from_json(shape.rows, shape.body).fields
    return any(path in fields or path.replace("[]", "") in fields for path in paths)


def _touches(change: ContractChange, path: str, reads: Reads) -> bool:
    """Whether a change concerns what a mapping row reads at a path of its record.

    Where in an answer its records lie is not asked: a row reads what ends like a field's path.
    """
    if change.way == "sent" or change.kind in ("new", "more"):
        return False
    if not any(_meets(body, path) for body in _bodies(change)):
        return change.kind == "retyped" and not change.path
    if change.kind != "value":
        return True
    table = reads.tables.get(path)
    return table is not None and not table.knows(change.after)


def _bodies(change: ContractChange) -> Iterator[Sequence[str]]:
    for one in (change.path, *change.inner):
        if one:
            yield one.split(".")


def _meets(body: Sequence[str], path: str) -> bool:
    """Whether a record's path begins with what a field's path ends with."""
    plain = path.replace("[]", "")
    names = plain.split(".")
    if not all(name.replace("_", "").replace("-", "").lstrip("@").isalnum() for name in names):
        words = "".join(c if c.isalnum() or c in "_@-" else " " for c in path).split()
        return body[-1] in words
    most = min(len(body), len(names))
    return any(list(body[-k:]) == names[:k] for k in range(1, most + 1))


def is_touched(found: Served) -> bool:
    """Whether anything that a mapping row reads has changed."""
    return any(one.places for one in found.changes)


def reason_of(found: Served) -> Reason | None:
    """Why the contract could not be had."""
    return found.error.reason if found.error is not None else None
