"""Is every kind that threads convert into made ready before them (canonical.prepared)?"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
ROOMS = ("canonical", "store", "sync", "gateway", "hub", "adapters")
# Told at run time: the facets of canonical.fields, or the type of one of their fields.
OF_A_FACET = {("canonical/record.py", "shape"), ("canonical/explain.py", "hint")}
RACE = """
import sys, threading, msgspec
from canonical.fields import FIELDS_OF
sys.setswitchinterval(1e-6)
start = threading.Barrier(6)
told = {"code": "1", "status": "accepted", "procedure": {"code": "1"}, "rating": {"score": 1}}

def convert():
    start.wait()
    for kind in FIELDS_OF.values():
        try:
            msgspec.convert(told, kind)
        except msgspec.ValidationError:
            pass

threads = [threading.Thread(target=convert) for _ in range(6)]
for one in threads: one.start()
for one in threads: one.join()
"""


def calls() -> Iterator[tuple[str, ast.Call]]:
    for room in ROOMS:
        for path in sorted((HOUSE / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield path.relative_to(HOUSE).as_posix(), node


def kind_of(call: ast.Call) -> ast.expr | None:
    """What a call of msgspec's converts into; None for any other call."""
    name = ast.unparse(call.func)
    if name == "msgspec.convert":
        return call.args[1]
    if name.startswith("msgspec.") and name.endswith(".decode"):
        return next((word.value for word in call.keywords if word.arg == "type"), None)
    return None


def is_in_a_function(path: str, call: ast.Call) -> bool:
    tree = ast.parse((HOUSE / path).read_text("utf-8"))
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= call.lineno <= (node.end_lineno or 0)
        for node in ast.walk(tree)
    )


def test_every_kind_that_is_converted_into_is_prepared_where_it_is_imported() -> None:
    prepared = {
        ast.unparse(kind)
        for _, call in calls()
        if ast.unparse(call.func) == "prepare"
        for kind in call.args
    }
    found = [
        (path, ast.unparse(kind))
        for path, call in calls()
        if (kind := kind_of(call)) is not None and is_in_a_function(path, call)
    ]
    assert len(found) > 5
    assert {one for one in found if one[1] not in prepared} <= OF_A_FACET


@pytest.mark.parametrize("_", range(4))
def test_threads_that_are_the_first_to_convert_do_not_end_the_process(_: int) -> None:
    done = subprocess.run([sys.executable, "-c", RACE], cwd=HOUSE, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
