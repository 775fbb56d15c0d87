"""The lock files (docs/decisions/0002): pinned, with digests, without addresses, in step."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-run.lock")


def entries(name: str) -> dict[str, str]:
    """Package -> everything the lock says of it."""
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)
    return {block.split("==")[0]: block for block in blocks if block.strip()}


def version(entry: str) -> str:
    return entry.split("==")[1].split()[0]


def bare(requirement: str) -> str:
    return re.split(r"[\[<>=~! ;]", requirement)[0].lower().replace("_", "-").replace(".", "-")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_package_with_digests_and_names_no_address(name):
    found = entries(name)
    assert len(found) > 50
    assert [p for p, entry in found.items() if "--hash=sha256:" not in entry] == []
    assert "://" not in "".join(found.values())
    assert [p for p, entry in found.items() if not version(entry)[0].isdigit()] == []


def test_running_and_testing_use_the_same_versions():
    tested = {package: version(entry) for package, entry in entries("requirements.lock").items()}
    run = {package: version(entry) for package, entry in entries("requirements-run.lock").items()}
    assert {p: v for p, v in run.items() if tested.get(p) != v} == {}


def test_the_locks_hold_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    run = {bare(asked) for asked in project["project"]["dependencies"]}
    dev = {bare(asked) for asked in project["dependency-groups"]["dev"]}
    assert run - entries("requirements-run.lock").keys() == set()
    assert (run | dev) - entries("requirements.lock").keys() == set()
