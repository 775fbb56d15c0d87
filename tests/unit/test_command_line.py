"""Exit 0 done, 1 found something wrong, 2 cannot run: also where the command itself is misspelt."""

import sys

import pytest
import typer

from hub.commands.listed import GROUPS, app_for, whole
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


@pytest.mark.parametrize("word", sorted(typer.main.get_command(whole()).commands))
def test_a_command_is_found_without_the_others(word: str) -> None:
    every = typer.main.get_command(whole())
    alone = typer.main.get_command(app_for([word, "--help"]))
    assert word in alone.commands
    assert alone.commands.keys() <= every.commands.keys()
    if word not in GROUPS:
        return
    assert alone.commands[word].commands.keys() == every.commands[word].commands.keys()


def test_no_command_or_an_unknown_one_knows_them_all() -> None:
    for words in ([], ["--help"], ["no-such"]):
        assert app_for(words) is whole()
