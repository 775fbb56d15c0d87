"""The citizen's look-up: PINs compared by keyed digest, and a budget of failures for everybody.

Dossier codes are guessable (unit, date, counter), so a limit per code is not enough: failures are
also counted over the whole system (TRAPS, Vietnam).
"""

import hashlib
import hmac
import json
import unicodedata

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from canonical import codes
from store.failures import Budget
from store.reads import find_by_code
from store.vault import Vault

PER_CODE = 10
_BUDGET = Budget("*", per_key=PER_CODE, in_all=2_000)


class LookedUp(Struct, frozen=True):
    """A dossier a citizen may see."""

    id: int
    body: str


def failures_left(tx: Tx, code: str, now_s: float) -> bool:
    """Whether this code, and the system, may still be tried in this stretch of ten minutes."""
    return _BUDGET.is_left(tx, _key(code), now_s)


def note_failure(tx: Tx, code: str, now_s: float) -> None:
    """Count a failed look-up against the code and the system."""
    _BUDGET.note(tx, _key(code), now_s)


def find_with_pin(tx: Tx, vault: Vault, code: str, pin: str) -> LookedUp | None:
    """The dossier with this code, where one of its legs holds this PIN; else None.

    A leg without a PIN is found through the leg of the same dossier that has one. An unknown code
    costs as much as a wrong PIN.
    """
    right = None
    compared = 0
    for shown in find_by_code(tx, code):
        pins = tx.execute(text("SELECT pins FROM dossier WHERE id = :id"), {"id": shown.id})
        for kept in json.loads(pins.scalar_one()):
            leg_name, _, mac = kept.rpartition("=")
            compared += 1
            if hmac.compare_digest(mac, vault.pin_mac(leg_name, pin)):
                right = LookedUp(shown.id, shown.body)
    if not compared:
        vault.pin_mac("none", pin)
    return right


def _key(code: str) -> str:
    """One budget for all spellings that find one dossier."""
    code = codes.national_code(unicodedata.normalize("NFC", code))
    return hashlib.sha256(code.encode()).hexdigest()[:32]
