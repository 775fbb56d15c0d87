"""JMESPath within bounds: length, nodes, depth, and steps of one evaluation. Counted, not timed.

JMESPath does no input or output, but `[@,@]|[@,@]|…` doubles what it holds at every step, and
whoever then prints or compares it works for ever. So every node visited costs a step, and whatever
a function, a comparison or the answer would walk through is counted before it is walked. What
cannot grow beyond a few times its row is bounded by its tree, and is not counted.
"""

import math
from typing import Any

import jmespath
from jmespath import functions, visitor

from canonical.mapping.transforms import Bad
from canonical.reasons import Reason

MAX_TEXT = 2_000
MAX_NODES = 400
MAX_DEPTH = 60
MAX_STEPS = 50_000
# A step for so many characters of text that a function reads.
_CHARACTERS = 64
# What a value may grow to, as a multiple of the row, for its cost to be bounded by the tree alone.
_MAX_GROWTH = 16
# Nodes whose second child looks at what the first one found.
_STEPS = frozenset(
    {"subexpression", "index_expression", "pipe", "projection", "value_projection"}
    | {"filter_projection", "flatten"}
)
_FAILURES = (
    jmespath.exceptions.JMESPathError,
    ValueError,
    TypeError,
    ArithmeticError,
    RecursionError,
    AttributeError,
    KeyError,
    IndexError,
)


class TooMuch(Exception):
    """The evaluation would take more steps than any mapping needs."""


class ExpressionFault(ValueError):
    """The expression itself cannot be taken; the sentence says why."""


class Expression:
    """One compiled expression.

    Attributes:
        parsed: Its tree, as jmespath has it.
    """

    def __init__(self, source: str, parsed: dict[str, Any]) -> None:
        self.source = source
        self.parsed = parsed
        self._is_bounded = _growth(parsed) <= _MAX_GROWTH
        self._whole: Any = visitor.TreeInterpreter

    def search(self, value: Any) -> Any:
        """What it finds in a value.

        Raises:
            Bad: MAPPING_ERROR where it cannot be evaluated, or not within its steps.
        """
        try:
            if self._is_bounded:
                return self._whole().visit(self.parsed, value)
            counted = _Counted()
            found = counted.visit(self.parsed, value)
            counted.charge(found)
            return found
        except (*_FAILURES, TooMuch) as error:
            raise Bad(Reason.MAPPING_ERROR) from error


def compile_expression(source: str) -> Expression:
    """An expression ready to search with.

    Raises:
        ExpressionFault: too long, no JMESPath, too many parts, or nested too deep.
    """
    if len(source) > MAX_TEXT:
        raise ExpressionFault(f"an expression of more than {MAX_TEXT} characters")
    try:
        parsed: dict[str, Any] = jmespath.compile(source).parsed
    except jmespath.exceptions.JMESPathError as error:
        raise ExpressionFault(f"{source!r}: {type(error).__name__}") from error
    except (RecursionError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise ExpressionFault(f"{source[:80]!r}: not JMESPath, or nested too deep") from error
    nodes, depth = _measure(parsed)
    if nodes > MAX_NODES or depth > MAX_DEPTH:
        raise ExpressionFault(
            f"{source[:80]!r}: more than {MAX_NODES} parts, or nested deeper than {MAX_DEPTH}"
        )
    return Expression(source, parsed)


_Tree: Any = visitor.TreeInterpreter  # untyped


class _Counted(_Tree):  # type: ignore[misc]  # its base is untyped
    """The interpreter, which counts."""

    def __init__(self) -> None:
        super().__init__()
        self.left = MAX_STEPS
        self._functions = _Functions(self)

    def visit(self, node: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """One node."""
        self._spend(1)
        return super().visit(node, *args, **kwargs)

    def visit_comparator(self, node: dict[str, Any], value: Any) -> Any:
        """As the base has it; both sides are counted, since comparing walks through them."""
        left, right = (self.visit(child, value) for child in node["children"])
        self.charge(left)
        self.charge(right)
        compare = self.COMPARATOR_FUNC[node["value"]]
        if node["value"] in self._EQUALITY_OPS:
            return compare(left, right)
        if _has_order(left) and _has_order(right):
            return compare(left, right)
        return None

    def visit_flatten(self, node: dict[str, Any], value: Any) -> Any:
        """A flattened list is as long as all it held."""
        found = super().visit_flatten(node, value)
        if isinstance(found, list):
            self._spend(len(found))
        return found

    def charge(self, value: Any) -> None:
        """Spend a step for everything in a value, counted as often as it stands there."""
        waiting = [value]
        while waiting:
            found = waiting.pop()
            self._spend(1)
            if isinstance(found, str):
                self._spend(len(found) // _CHARACTERS)
            elif isinstance(found, dict):
                self._spend(len(found))
                waiting.extend(found.values())
            elif isinstance(found, list):
                self._spend(len(found))
                waiting.extend(found)

    def _spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooMuch


class _Functions:
    """JMESPath's own functions; what they are given and what they give is counted."""

    def __init__(self, counted: _Counted) -> None:
        self._counted = counted
        self._plain = functions.Functions()

    def call_function(self, name: str, arguments: list[Any]) -> Any:
        """One call."""
        for argument in arguments:
            self._counted.charge(argument)
        if name == "join" and len(arguments) == 2 and isinstance(arguments[0], str):
            between, joined = arguments
            for _ in joined if isinstance(joined, list) else ():
                self._counted.charge(between)
        found = self._plain.call_function(name, arguments)
        self._counted.charge(found)
        return found


def _has_order(value: Any) -> bool:
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)


def _measure(node: Any) -> tuple[int, int]:
    """How many nodes a tree has, and how deep it is; without recursion."""
    nodes = deepest = 0
    waiting: list[tuple[Any, int]] = [(node, 1)]
    while waiting:
        found, depth = waiting.pop()
        if not isinstance(found, dict):
            continue
        nodes += 1
        deepest = max(deepest, depth)
        waiting.extend((child, depth + 1) for child in found.get("children", []))
    return nodes, deepest


def _is_short(nodes: list[Any]) -> bool:
    """Whether a text is written in the expression and as short as a sign between words."""
    if not nodes or nodes[0]["type"] != "literal":
        return False
    return isinstance(nodes[0]["value"], str) and len(nodes[0]["value"]) <= _MAX_GROWTH


def _growth(node: Any) -> int:
    """How often what an expression looks at can stand in what it makes, at the most.

    Looking never makes more of a value, naming it several times does, and so does doing that again
    to what was made. Nearly every expression of a mapping grows a few times and no more: its cost
    is bounded by its tree, and counting would only make it slower.
    """
    kind, children = node["type"], [c for c in node.get("children", []) if isinstance(c, dict)]
    if kind == "filter_projection":  # its third child is a comparison of each element
        return _growth(children[0]) * _growth(children[1]) * max(_growth(children[2]), 1)
    grown = [_growth(child) for child in children]
    if kind in _STEPS:
        return math.prod(grown)
    if kind == "function_expression" and any(c["type"] == "expref" for c in children):
        return math.prod(grown)
    if kind == "function_expression" and node["value"] == "join" and not _is_short(children[:1]):
        return _MAX_GROWTH + 1  # what stands between grows with the list
    if kind == "function_expression":
        return max(sum(grown), 1) * 2  # signs that are escaped in a text
    if kind in ("field", "literal", "current", "identity", "index", "slice"):
        return 1
    return max(sum(grown), 1)
