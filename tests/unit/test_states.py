"""The ten national states: numbers, texts, which ones wait or end, which steps are usual."""

import pytest

from canonical.states import (
    ENDED,
    TERMINAL,
    TEXT_VI,
    WAITING,
    Status,
    from_national,
    is_usual,
    national_code,
)

# TrangThaiHoSo as the national portal numbers it.
NATIONAL = {
    "1": ("submitted", "Mới đăng ký"),
    "2": ("accepted", "Được tiếp nhận"),
    "3": ("refused", "Không được tiếp nhận"),
    "4": ("in_progress", "Đang xử lý"),
    "5": ("supplement", "Yêu cầu bổ sung giấy tờ"),
    "6": ("financial", "Yêu cầu thực hiện nghĩa vụ tài chính"),
    "7": ("withdrawn", "Công dân yêu cầu rút hồ sơ"),
    "8": ("stopped", "Dừng xử lý"),
    "9": ("finished", "Đã xử lý xong"),
    "10": ("handed_over", "Đã trả kết quả"),
}


@pytest.mark.parametrize(("number", "state"), NATIONAL.items(), ids=list(NATIONAL))
def test_every_national_number_has_its_state_and_its_text(number, state):
    word, text = state
    assert from_national(number) is Status(word)
    assert national_code(Status(word)) == number
    assert TEXT_VI[Status(word)] == text


def test_there_are_no_other_states():
    assert [state.value for state in Status] == [word for word, _ in NATIONAL.values()]
    assert set(TEXT_VI) == set(Status)


@pytest.mark.parametrize(
    "other", ["", "0", "11", "01", "-1", "1.0", " 1", "１", "١", "x", "9" * 5000]
)
def test_no_other_text_is_a_national_number(other):
    assert from_national(other) is None


def test_waiting_and_ended_states_do_not_meet():
    assert {Status.SUPPLEMENT, Status.FINANCIAL} == WAITING
    assert not WAITING & ENDED
    assert TERMINAL.issubset(ENDED)
    assert {Status.FINISHED} == ENDED - TERMINAL  # a finished paper still lies at the desk


@pytest.mark.parametrize("state", Status)
def test_staying_put_is_always_usual(state):
    assert is_usual(state, state)


@pytest.mark.parametrize(
    ("before", "after", "usual"),
    [
        ("submitted", "accepted", True),
        ("submitted", "refused", True),
        ("accepted", "in_progress", True),
        ("accepted", "handed_over", True),  # done at the desk at once
        ("in_progress", "supplement", True),
        ("supplement", "in_progress", True),
        ("supplement", "accepted", True),  # papers complete, accepted after all
        ("financial", "finished", True),
        ("finished", "handed_over", True),
        ("stopped", "handed_over", True),  # the papers go back over the desk
        ("refused", "submitted", True),  # handed in again
        ("accepted", "submitted", False),
        ("accepted", "refused", False),
        ("in_progress", "accepted", False),
        ("finished", "in_progress", False),
        ("handed_over", "finished", False),
        ("withdrawn", "in_progress", False),
        ("stopped", "in_progress", False),
        ("refused", "in_progress", False),
    ],
)
def test_a_step_is_usual_or_odd(before, after, usual):
    assert is_usual(Status(before), Status(after)) is usual


def test_after_a_hand_over_everything_is_odd():
    assert [s for s in Status if is_usual(Status.HANDED_OVER, s)] == [Status.HANDED_OVER]
