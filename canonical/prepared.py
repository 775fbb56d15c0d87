"""Kinds of structs made ready while their module is imported, before threads convert into them.

msgspec makes its plan of a kind at the first use. A second thread that comes meanwhile reads a plan
half made, and the whole process dies of it (msgspec 0.22; tests/architecture/test_prepared.py).
"""

from typing import Any

import msgspec


def prepare(*kinds: Any) -> None:
    """Have msgspec's plan of these types made, with all they are made of."""
    for kind in kinds:
        msgspec.json.Decoder(kind)
