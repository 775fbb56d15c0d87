"""Whether an ended code is being used again for another case (reason CODE_REUSED)."""

from canonical import codes
from canonical.leg import Fold, newest
from canonical.record import Record
from canonical.states import TERMINAL
from canonical.text import folded


def is_reused(fold: Fold, record: Record) -> bool:
    """True where the leg has ended and two of procedure, applicant and accepted day differ."""
    status = newest(fold, "status")
    if status is None or status.value not in TERMINAL:
        return False
    return sum((_procedure(fold, record), _applicant(fold, record), _accepted(fold, record))) >= 2


def _held(fold: Fold, path: str) -> str | None:
    told = newest(fold, path)
    return told.value if told is not None else None


def _procedure(fold: Fold, record: Record) -> bool:
    held, said = _held(fold, "procedure.code"), record.says.get("procedure.code")
    return bool(held and said) and codes.procedure_key(str(held)) != codes.procedure_key(str(said))


def _applicant(fold: Fold, record: Record) -> bool:
    for path in ("applicant.id_number", "applicant.name"):
        held, said = _held(fold, path), record.says.get(path)
        if held and said:
            return folded(held) != folded(said)
    return False


def _accepted(fold: Fold, record: Record) -> bool:
    held, said = _held(fold, "accepted_at"), record.says.get("accepted_at")
    return bool(held and said) and str(held)[:10] != str(said)[:10]
