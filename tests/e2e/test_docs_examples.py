"""docs/api.md as a newcomer follows it: its commands, in their order, against an empty hub."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.served import free_port

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A newcomer waits until the hub serves, and reads one answer per line.
BEFORE = """
set -e
curl() { command curl --noproxy '*' --max-time 30 "$@"; echo; }
"""
WAIT = """
SERVER=$!
trap 'kill $SERVER; wait $SERVER || true' EXIT
for _ in $(seq 150); do
  command curl --noproxy '*' -fs %s/readyz >&2 && break || sleep 0.2
done
"""


def script_of(base: str) -> str:
    """The guide's commands as one script."""
    told = [BEFORE]
    for block in BLOCK.findall(GUIDE.read_text("utf-8")):
        told.append(block.replace("http://127.0.0.1:8080", base))
        if "hub serve &" in block:
            told.append(WAIT % base)
    return "\n".join(told)


def follow(folder: Path) -> list[Any]:
    """What the doors answered, in order: JSON where it is JSON, else the line."""
    base = f"http://127.0.0.1:{free_port()}"
    shim = folder / "bin" / "hub"
    shim.parent.mkdir()
    run = "from hub.main import main; main()"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{run}" "$@"\n', "utf-8")
    shim.chmod(0o755)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HUB_")},
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(GUIDE.parents[1]),
        "HUB_DATA_DIR": str(folder / "data"),
        "HUB_PORT": base.rpartition(":")[2],
        "HUB_LOG_LEVEL": "WARNING",
    }
    done = subprocess.run(
        ["bash", "-c", script_of(base)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = []
    for line in done.stdout.splitlines():
        try:
            answers.append(json.loads(line))
        except ValueError:
            answers.append(line)
    return answers


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    for tool in ("bash", "curl", "sed"):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} on this machine")
    return follow(tmp_path_factory.mktemp("guide"))


def test_every_command_of_the_guide_answers_as_it_says(answers: list[Any]) -> None:
    said = [one for one in answers if isinstance(one, dict)]
    first, batch, receipt, *rest = said
    assert first["counts"]["applied"] == 1
    assert [(r["disposition"], r["reason"]) for r in batch["records"]] == [
        ("applied", None),
        ("quarantined", "STATUS_UNKNOWN"),
    ]
    assert receipt["digest"].startswith("sha256:")
    found, rest = rest[:3], rest[3:]
    own = first["records"][0]["dossier"]
    assert [[i["id"] for i in page["items"]] for page in found] == [[own]] * 3
    listed, one, history, changes, counted, seen, refused = rest
    assert [i["id"] for i in listed["items"]] == [own]
    assert (one["id"], one["status"]) == (own, "supplement")
    assert [i["status"] for i in history["items"]] == ["in_progress", "supplement"]
    assert [i["kind"] for i in changes["items"]] == ["created", "changed"]
    assert (counted["total"], counted["buckets"]["waiting"]) == (1, 1)
    assert seen["status_text"] == "Yêu cầu bổ sung giấy tờ"
    assert (refused["status"], refused["reason"]) == (400, "BODY_MALFORMED")


def test_the_soap_call_of_the_guide_is_taken(answers: list[Any]) -> None:
    told = "".join(one for one in answers if isinstance(one, str))
    assert "<disposition>applied</disposition>" in told
    assert "Fault" not in told
