"""A log line: one JSON object, a sentence for people beside the fields for machines, no values.

The loggers are the tests' own: import-linter, run in the same process, disables those it finds.
"""

import json
import logging
from collections.abc import Iterator

import pytest

from hub import logs


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    found = logging.getLogger()
    handlers, level = found.handlers[:], found.level
    yield found
    found.handlers[:] = handlers
    found.setLevel(level)


def test_a_line_has_its_sentence_its_event_and_its_fields(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.install("INFO")
    logging.getLogger("trial.lines").warning(
        "A run failed", extra={"event": "run.failed", "connection": "mau", "reason": "NET_DNS"}
    )
    told = json.loads(capsys.readouterr().err)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "level": "warning",
        "message": "A run failed",
        "event": "run.failed",
        "connection": "mau",
        "reason": "NET_DNS",
    }


def test_an_exception_is_its_type_and_its_place_without_its_text(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.install("INFO")
    try:
        int("failing row contains Nguyễn Văn Thử")
    except ValueError:
        logging.getLogger("trial.errors").exception("It failed", extra={"event": "x"})
    line = capsys.readouterr().err
    told = json.loads(line)
    assert told["error"] == "ValueError"
    assert "test_logs.py" in told["at"][-1]
    assert "Nguyễn" not in line
