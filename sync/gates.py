"""What may refuse that a connection is enabled: one line per gate, all of them asked.

A gate looks and writes nothing. It says what is wrong in sentences for people, each with what a
screen needs to lead there.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct, to_builtins
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.reasons import Reason
from store.connections import ConnectionRow
from sync import coverage
from sync.connection_documents import is_tested
from sync.context import DECLARED, Context
from sync.coverage import LookFirst

Result = TypeVar("Result")
_MOST_NAMED = 10


class Objection(Struct, frozen=True):
    """Why a connection may not be enabled as it is.

    Attributes:
        gate: Which gate says so.
        detail: A sentence for operators; nothing of a dossier.
        told: What a screen shows beside it (a value, how many dossiers, which figures).
    """

    gate: str
    detail: str
    told: dict[str, Any] = {}


class NotEnabled(HubError):
    """A connection that its gates do not let through.

    Attributes:
        objections: All of them.
    """

    def __init__(self, connection_id: str, objections: list[Objection]) -> None:
        told = "; ".join(one.detail for one in objections)
        super().__init__(Reason.CONFLICT, f"{connection_id!r} is not enabled: {told}")
        self.objections = objections


Gate = Callable[[Context, Tx, ConnectionRow, ConnectionRow | None], list[Objection]]


def was_tested(
    _context: Context, _tx: Tx, row: ConnectionRow, _held: ConnectionRow | None
) -> list[Objection]:
    """A declared connection is enabled as it was tested, and not otherwise."""
    if row.system not in DECLARED or is_tested(row):
        return []
    what = "it was changed since its test" if row.tested else "it was never tested"
    return [Objection("tested", f"{what}; a declared connection is tested before it is enabled")]


def is_covered(
    context: Context, tx: Tx, row: ConnectionRow, held: ConnectionRow | None
) -> list[Objection]:
    """Every value that can arrive has a target, or is refused by name.

    A change of a connection that goes on is held against what it was: it may leave no value behind
    that had a target or a name, and mends what it can of the others.

    Raises:
        LookFirst: more is stored than may be read while the connection is locked.
    """
    found = coverage.look_in(context, tx, row, is_locked=True)
    bad = found.uncovered
    if bad and held is not None and held.state == "enabled":
        before = coverage.look_in(context, tx, held, is_locked=True)
        known = {(one.rule, one.value) for one in before.uncovered}
        bad = [one for one in bad if (one.rule, one.value) not in known]
    told = [Objection("coverage", f"{one.vi} / {one.en}", to_builtins(one)) for one in bad]
    if len(told) > _MOST_NAMED:
        more = len(told) - _MOST_NAMED
        detail = f"và {more} giá trị khác (`hub connections coverage {row.id}`) / and {more} more"
        told = [*told[:_MOST_NAMED], Objection("coverage", detail, {"more": more})]
    return told


GATES: tuple[Gate, ...] = (was_tested, is_covered)


def pass_gates(
    context: Context, tx: Tx, row: ConnectionRow, held: ConnectionRow | None = None
) -> None:
    """Whether a connection may be enabled as this row says.

    Args:
        context: The hub's parts.
        tx: The transaction in which it is written.
        row: The connection as it is to be.
        held: As it is; None for a new one.

    Raises:
        NotEnabled: with everything that any gate objects to.
    """
    found = [one for gate in GATES for one in gate(context, tx, row, held)]
    if found:
        raise NotEnabled(row.id, found)


def in_write(context: Context, work: Callable[[Tx], Result]) -> Result:
    """As the store's, for work that may enable a connection.

    What a gate has to read of the stored records is read while nothing is locked; the work is then
    done anew, and the gate reads only what came since.
    """
    while True:
        try:
            return context.store.in_write(work)
        except LookFirst as first:
            for row in first.rows:
                coverage.look(context, row)
