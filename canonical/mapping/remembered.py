"""Expressions that are asked the same again and again: state words, channels, flags.

A JMESPath expression is walked node by node each time. Most look at two or three plain fields with
few values between them, so what they answered once is remembered by those values.
"""

from collections.abc import Callable
from typing import Any

_MOST = 4_096
_PLAIN = frozenset({str, int, bool, type(None)})
# Nodes whose children all look at the row itself.
_OPEN = frozenset(
    {
        "function_expression",
        "or_expression",
        "and_expression",
        "not_expression",
        "comparator",
        "multi_select_list",
        "multi_select_dict",
        "key_val_pair",
    }
)
# Nodes whose first child looks at the row, and the others at what that one found.
_STEPS = frozenset(
    {
        "subexpression",
        "index_expression",
        "projection",
        "filter_projection",
        "value_projection",
        "flatten",
        "pipe",
    }
)


def read_names(node: dict[str, Any]) -> frozenset[str] | None:
    """The fields of a row that decide what a parsed expression answers; None where it is all."""
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return frozenset({node["value"]})
    if kind == "literal":
        return frozenset()
    if kind in _STEPS:
        children = children[:1]
    elif kind not in _OPEN:
        return None
    found = [read_names(child) for child in children]
    told = [names for names in found if names is not None]
    return frozenset().union(*told) if len(told) == len(found) else None


def remembering(search: Callable[[Any], Any], names: frozenset[str]) -> Callable[[Any], Any]:
    """The same function, which remembers plain answers to plain values of these fields."""
    fields = sorted(names)
    answers: dict[tuple[Any, ...], Any] = {}

    def asked(wire: Any) -> Any:
        if not isinstance(wire, dict):
            return search(wire)
        values = [wire.get(name) for name in fields]
        kinds = [type(value) for value in values]
        if not _PLAIN.issuperset(kinds):
            return search(wire)
        place = (*kinds, *values)  # 1 and true are one key otherwise
        try:
            return answers[place]
        except KeyError:
            answer = search(wire)
        if type(answer) in _PLAIN or answer == []:
            if len(answers) >= _MOST:
                answers.clear()
            answers[place] = answer
        return answer

    return asked
