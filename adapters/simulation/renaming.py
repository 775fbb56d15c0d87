"""A field under a new name, as a department's next release may bring it: for all, or one procedure.

Options `rename` ("old:new") and `rename_procedure` (a code; all where it is not given) say which;
the mood `drift` turns it on.
"""

from collections.abc import Mapping
from typing import Any


class Renaming:
    """What the mood `drift` does to a row."""

    def __init__(self, options: Mapping[str, str], procedure_field: str, default: str) -> None:
        """A renaming.

        Args:
            options: The simulation's.
            procedure_field: Where a row names its procedure.
            default: "old:new" where no option says.

        Raises:
            ValueError: the option is not of the form old:new.
        """
        old, mark, new = options.get("rename", default).partition(":")
        if not (old and mark and new):
            raise ValueError("rename: old:new is wanted")
        self._old, self._new = old, new
        self._field = procedure_field
        self._procedure = options.get("rename_procedure", "")

    def of(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with its field under the new name, where it is meant."""
        is_meant = not self._procedure or row.get(self._field) == self._procedure
        if not is_meant or self._old not in row:
            return row
        return {self._new if name == self._old else name: value for name, value in row.items()}
