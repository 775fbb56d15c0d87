"""Budgets of failures: how often something secret may be guessed wrong, by one name and in all.

Whoever guesses changes names; so failures are counted against the name and against everybody
together, in stretches of ten minutes. Old stretches are dropped.
"""

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

WINDOW_S = 600


class Budget(Struct, frozen=True):
    """How many failures there may be in one stretch.

    Attributes:
        whole: The key under which all of them are counted; no name's key is equal to it.
        per_key: By one name.
        in_all: By everybody together.
    """

    whole: str
    per_key: int
    in_all: int

    def is_left(self, tx: Tx, key: str, now_s: float) -> bool:
        """Whether one more try may be made."""
        found = tx.execute(
            text(
                "SELECT key, failures FROM lookup_failure WHERE bucket = :b AND key IN (:one, :all)"
            ),
            {"b": int(now_s // WINDOW_S), "one": key, "all": self.whole},
        )
        limits = {self.whole: self.in_all}
        return all(row[1] < limits.get(row[0], self.per_key) for row in found)

    def note(self, tx: Tx, key: str, now_s: float) -> None:
        """Count a failure against the name and everybody."""
        bucket = int(now_s // WINDOW_S)
        for counted in sorted((key, self.whole)):  # always in this order: nobody waits in a circle
            tx.execute(
                text(
                    "INSERT INTO lookup_failure (bucket, key, failures) VALUES (:b, :key, 1)"
                    " ON CONFLICT (bucket, key)"
                    " DO UPDATE SET failures = lookup_failure.failures + 1"
                ),
                {"b": bucket, "key": counted},
            )
        tx.execute(text("DELETE FROM lookup_failure WHERE bucket < :b"), {"b": bucket - 1})
