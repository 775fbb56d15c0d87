"""Every sample of every department reads as the file beside it says."""

import json
from pathlib import Path

import pytest

from adapters import registry
from tests.contract import reading
from tests.contract.department import folders

SAMPLES = sorted(path for folder in folders() for path in folder.glob("samples/*.*.response.*"))


def expected_of(sample: Path) -> Path:
    case, shape, *_ = sample.name.split(".")
    return sample.with_name(f"{case}.{shape}.expected.json")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda p: f"{p.parent.parent.name}/{p.name}")
def test_a_sample_reads_as_the_file_beside_it_says(sample: Path) -> None:
    system = registry.load_folder(sample.parent.parent)
    shape = sample.name.split(".")[1]
    raw = sample.read_bytes()
    told = reading.told(system, shape, raw)
    assert told == json.loads(expected_of(sample).read_text("utf-8"))
    assert told == reading.told(system, shape, raw), "the same bytes gave other rows"
