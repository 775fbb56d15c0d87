"""Exit 0 done, 1 found something wrong, 2 cannot run: also where the command itself is misspelt."""

import sys

import pytest

from hub.main import main


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["indicators"],
        ["replay-log", "no-such-file.csv"],
        ["replay-log", "--chaos", "seven", "no-such-file.csv"],
    ],
)
def test_a_command_that_cannot_be_understood_exits_with_2_and_no_stack(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["hub", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    told = capsys.readouterr()
    assert told.out + told.err
    assert "Traceback" not in told.err


def test_help_is_done(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["hub", "--help"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert "replay-log" in capsys.readouterr().out
