"""How one source of a mapping row finds its value in a wire row: a plain path, or an expression."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from canonical.mapping.bounded import compile_expression
from canonical.mapping.remembered import read_names, remembering
from canonical.mapping.transforms import Bad
from canonical.reasons import Reason

PLAIN_PATH = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")
Getter = Callable[[Any], Any]


def getter(source: str) -> Getter:
    """What reads a source. Raises ExpressionFault."""
    if PLAIN_PATH.match(source):
        names = source.split(".")
        if len(names) == 1:
            name = names[0]
            return lambda wire: wire.get(name) if isinstance(wire, dict) else None
        return lambda wire: _walk(wire, names)
    expression = compile_expression(source)
    read = read_names(expression.parsed)
    return expression.search if read is None else remembering(expression.search, read)


def first_of(getters: Sequence[Getter]) -> Getter:
    """What reads the first of several that says something."""

    def first(wire: Any) -> Any:
        for get in getters:
            found = get(wire)
            if not is_empty(found):
                return found
        return None

    return first


def _walk(wire: Any, names: list[str]) -> Any:
    for name in names:
        if is_empty(wire):
            return None
        if not isinstance(wire, dict):
            # A list where one object was agreed: taking none of it would lose what it says.
            raise Bad(Reason.FIELD_TYPE)
        wire = wire.get(name)
    return wire


def is_empty(found: Any) -> bool:
    """Null and blank text say nothing: an empty XML element may come as either."""
    return found is None or (isinstance(found, str) and not found.strip())
