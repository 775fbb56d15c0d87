"""What people read on a terminal."""

import pytest

from hub import output


def cells(line: str) -> list[str]:
    return [one.strip() for one in line.strip("┃│\n").replace("┃", "│").split("│")]


def test_rows_that_say_different_things_stand_under_their_own_headings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.show([{"id": "gov"}, {"id": "portal", "dead": 2}], as_json=False, title="Nơi nhận")
    head, *rows = [line for line in capsys.readouterr().out.splitlines() if line[0] in "┃│"]
    assert cells(head) == ["id", "đã bỏ cuộc"]
    assert [cells(row) for row in rows] == [["gov", ""], ["portal", "2"]]


def test_a_value_in_square_brackets_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.show([{"id": "[red]a[/red]"}], as_json=False)
    assert "[red]a[/red]" in capsys.readouterr().out
