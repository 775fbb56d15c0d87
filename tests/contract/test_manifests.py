"""Every adapter folder is complete and says honestly how far it is proven."""

import importlib
import json
import re
from pathlib import Path

import pytest

from adapters import registry
from adapters.manifest import ManifestFault, load_manifest
from adapters.simulation import MOODS
from tests.contract import reading
from tests.contract.test_samples import expected_of

WORD = re.compile(r"[a-z][a-z0-9_]*\Z")
CRON = re.compile(r"(\S+ ){4}\S+\Z")


def test_the_folder_says_who_it_is(folder: Path) -> None:
    manifest = load_manifest(folder)
    named = {"canonical_push": "canonical", "_template": "template"}
    assert manifest.id == named.get(folder.name, folder.name)
    assert WORD.match(manifest.id)
    assert manifest.title.strip()
    assert manifest.owner.strip()
    assert CRON.match(manifest.schedule)
    assert 0 < manifest.timeout_s <= 120
    assert not set(manifest.options) & set(manifest.secrets)
    assert manifest.proven_against == "live" or manifest.quality.strip(), "what is not proven?"


def test_the_folder_has_its_papers(folder: Path) -> None:
    readme = (folder / "README.md").read_text("utf-8")
    assert readme.startswith("# ")
    assert len(readme) > 600, "one page: what it holds, whom to ring, oddities, how to try it"
    assert (folder / "contract" / "SOURCES.md").read_text("utf-8").strip()
    for path in folder.rglob("*"):
        if path.suffix in {".py", ".toml", ".md"}:
            assert "TODO" not in path.read_text("utf-8"), path


def test_the_code_is_what_the_manifest_says(folder: Path) -> None:
    manifest = load_manifest(folder)
    system = registry.load_folder(folder)
    assert (system.connect is not None) == manifest.pulls
    assert (system.door is not None) == bool(manifest.door)
    if manifest.pulls:
        simulator = importlib.import_module(f"adapters.{folder.name}.simulator")
        assert callable(simulator.build)
    if (folder / "reader.py").is_file():
        mapping = reading.mapping_of(system)
        assert not manifest.native_shape or manifest.native_shape in mapping.shapes


def test_every_mood_left_out_has_a_reason(folder: Path) -> None:
    manifest = load_manifest(folder)
    for key, reason in manifest.moods_not_applicable.items():
        mood, _, mode = key.partition("@")
        assert mood in MOODS
        assert not mode or mode in manifest.modes
        assert len(reason) > 5


def test_there_are_samples_and_one_is_bad(folder: Path) -> None:
    if not (folder / "reader.py").is_file():
        pytest.skip(
            f"{folder.name}: no wire words of its own, the canonical record is its contract"
        )
    samples = sorted(folder.glob("samples/*.*.response.*"))
    assert len(samples) >= 3
    told = [json.loads(expected_of(sample).read_text("utf-8")) for sample in samples]
    lists = [entries for entries in told if isinstance(entries, list)]
    assert any("rejected" in entry for entries in lists for entry in entries)
    kept = {path.name for path in samples} | {expected_of(path).name for path in samples}
    strange = {path.name for path in (folder / "samples").iterdir()} - kept
    assert not {name for name in strange if name.endswith(".expected.json")}, (
        "nothing to expect from"
    )


def test_the_template_is_not_a_system() -> None:
    assert "template" not in registry.list_systems()
    assert "canonical" in registry.list_systems()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('version_by = "time"', "unknown"),
        ('role = "owner"', "role"),
        ('contract = "contract/none.wsdl"', "not there"),
        ("timeout_s = true", "timeout_s"),
        ("title = ", "manifest.toml"),
    ],
)
def test_a_manifest_is_read_strictly(tmp_path: Path, line: str, fault: str) -> None:
    good = {
        "id": '"x"',
        "title": '"X"',
        "owner": '"X"',
        "protocol": '"rest"',
        "contract": '"our own design"',
        "proven_against": '"simulator"',
    }
    text = "\n".join(f"{k} = {v}" for k, v in good.items() if k != line.split(" =")[0])
    (tmp_path / "manifest.toml").write_text(f"{text}\n{line}\n", "utf-8")
    with pytest.raises(ManifestFault, match=fault):
        load_manifest(tmp_path)


def test_an_unknown_system_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        registry.load("no_such_system")
