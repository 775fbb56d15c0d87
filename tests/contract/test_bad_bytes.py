"""Whatever bytes a department sends: rows, or one of the hub's own errors; never a crash."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters import registry
from canonical.errors import Garbled, HubError
from canonical.reasons import Reason
from canonical.text import Malformed
from tests.contract import reading
from tests.contract.test_samples import SAMPLES

ODD = [None, True, False, 0, -1, 2**70, 1.5, float("inf"), "", " ", "x" * 20_000, "\0", [], {}]
ODD += [
    [[]],
    [None],
    {"a": None},
    "31/02/2016",
    "99991231",
    "0000-00-00",
    "٣",
    "\ud800",
    ["x", "x"],
]
CUT = {Reason.BODY_TRUNCATED, Reason.BODY_MALFORMED, Reason.ENC_INVALID}
TEXTS = [odd for odd in ODD if isinstance(odd, str) and odd.isprintable()]

by_sample = pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda p: f"{p.parent.parent.name}/{p.name}"
)


def reads(sample: Path, raws: Iterator[bytes]) -> Iterator[tuple[bytes, list[Any] | HubError]]:
    system = registry.load_folder(sample.parent.parent)
    mapping = reading.mapping_of(system)
    shape = sample.name.split(".")[1]
    for raw in raws:
        try:
            yield raw, reading.read(system, mapping, shape, raw)
        except HubError as error:
            yield raw, error
        except Malformed:  # a lone surrogate: `to_record` says so, the whole body is refused
            yield raw, Garbled(Reason.BODY_MALFORMED)


@by_sample
def test_a_body_cut_anywhere_is_never_taken_for_a_whole_one(sample: Path) -> None:
    raw = sample.read_bytes().rstrip()
    if sample.suffix not in (".xml", ".json"):
        pytest.skip("a table has no end of its own; its manifest says how much there is")
    cuts = sorted({len(raw) * n // 50 for n in range(1, 50)} | {len(raw) - 1, 1})
    for cut, found in reads(sample, (raw[:place] for place in cuts)):
        assert isinstance(found, Garbled), f"taken, though cut after {len(cut)} bytes"
        assert found.reason in CUT, found


@by_sample
def test_damaged_bytes_are_refused_or_read_and_nothing_else(sample: Path) -> None:
    raw = sample.read_bytes()
    dice = random.Random(len(raw))

    def damaged() -> Iterator[bytes]:
        for _ in range(60):
            broken = bytearray(raw)
            for _ in range(dice.randrange(1, 4)):
                place = dice.randrange(len(broken))
                broken[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
            yield bytes(broken)
        yield from (b"", b"\xff\xfe", b"null", b"[]", b"{}", b"0", b"<a/>", b"[" * 5000, raw + raw)

    for _ in reads(sample, damaged()):
        pass


@by_sample
def test_an_odd_value_anywhere_is_read_or_refused_and_nothing_else(sample: Path) -> None:
    raw = sample.read_bytes()
    try:
        if sample.suffix == ".json":
            told = json.loads(raw)
            changes = [(path, odd) for path in _paths(told) for odd in ODD]
            raws = (_odd_json(told, path, odd) for path, odd in _some(changes))
        else:
            root = etree.fromstring(raw)
            spots = range(len(list(root.iter())))
            changes = [(spot, odd) for spot in spots for odd in (*TEXTS, "gone", "twice", "child")]
            raws = (_odd_xml(root, spot, odd) for spot, odd in _some(changes))
    except (ValueError, etree.XMLSyntaxError):
        pytest.skip("the sample itself is neither JSON nor XML")
    for _ in reads(sample, raws):
        pass


def _some(changes: list[Any]) -> list[Any]:
    """At most 400 of them, always the same ones."""
    return changes if len(changes) < 400 else random.Random(400).sample(changes, 400)


def _odd_json(told: Any, path: tuple[Any, ...], odd: Any) -> bytes:
    changed = copy.deepcopy(told)
    spot = changed
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = odd
    return json.dumps(changed).encode()


def _paths(told: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value; of a list its first three elements."""
    items = told.items() if isinstance(told, dict) else ()
    if isinstance(told, list):
        items = list(enumerate(told))[:3]
    for key, value in items:
        yield (*above, key)
        yield from _paths(value, (*above, key))


def _odd_xml(root: Any, place: int, change: str) -> bytes:
    tree = copy.deepcopy(root)
    spot = list(tree.iter())[place]
    above = spot.getparent()
    if change == "gone" and above is not None:
        above.remove(spot)
    elif change == "twice" and above is not None:
        above.append(copy.deepcopy(spot))
    elif change == "child":
        etree.SubElement(spot, "la")
    else:
        spot.text = change
    return etree.tostring(tree)
