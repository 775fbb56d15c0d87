"""What may refuse that a connection is enabled: one line per gate, all of them asked.

A gate looks and writes nothing. It says what is wrong in sentences for people, each with what a
screen needs to lead there.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.reasons import Reason
from store.connections import ConnectionRow
from sync.connection_documents import is_tested
from sync.context import DECLARED, Context


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


Gate = Callable[[Context, Tx, ConnectionRow], list[Objection]]


def was_tested(_context: Context, _tx: Tx, row: ConnectionRow) -> list[Objection]:
    """A declared connection is enabled as it was tested, and not otherwise."""
    if row.system not in DECLARED or is_tested(row):
        return []
    what = "it was changed since its test" if row.tested else "it was never tested"
    return [Objection("tested", f"{what}; a declared connection is tested before it is enabled")]


GATES: tuple[Gate, ...] = (was_tested,)


def pass_gates(context: Context, tx: Tx, row: ConnectionRow) -> None:
    """Whether a connection may be enabled as this row says.

    Raises:
        NotEnabled: with everything that any gate objects to.
    """
    found = [one for gate in GATES for one in gate(context, tx, row)]
    if found:
        raise NotEnabled(row.id, found)
