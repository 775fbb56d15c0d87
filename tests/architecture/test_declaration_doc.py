"""Does docs/declaration.md name every key of a declaration, and no other?"""

import re
from pathlib import Path

import pytest

from adapters.declared import bodies, checks, declaration
from canonical.mapping import compile as mapping
from canonical.mapping import transforms

PAGE = (Path(__file__).parents[2] / "docs" / "declaration.md").read_text("utf-8")
PARTS = [
    one
    for one in vars(declaration).values()
    if isinstance(one, type) and issubclass(one, declaration._Part) and one is not declaration._Part
]
FIRST_CELLS = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
NAMED = {name for cell in FIRST_CELLS for name in re.findall(r"`([a-z_]+)`", cell)}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_of_a_declaration_is_in_the_reference(part: type) -> None:
    fields = set(part.__struct_fields__)  # type: ignore[attr-defined]
    assert fields <= NAMED, fields - NAMED


def test_the_reference_names_no_key_that_is_not_there() -> None:
    fields = {name for part in PARTS for name in part.__struct_fields__}
    assert NAMED - fields - mapping._ROW_KEYS == set()


def test_every_word_of_the_language_is_in_the_reference() -> None:
    for name in (*transforms._PLAIN, *bodies.ENCODINGS, *mapping._ROW_KEYS):
        assert f"`{name}`" in PAGE or f"`{name}:" in PAGE, name
    for name in checks._OF_A_PAGE | checks._OF_THE_REST | checks._OF_AN_ANSWER:
        assert f"`{{{name}}}`" in PAGE, name
