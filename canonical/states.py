"""The ten national states of a dossier (TrangThaiHoSo, domain/statuses.md 2.1) and their texts."""

from enum import StrEnum


class Status(StrEnum):
    """A canonical state; `national_code` gives the national number as text."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    IN_PROGRESS = "in_progress"
    SUPPLEMENT = "supplement"
    FINANCIAL = "financial"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    FINISHED = "finished"
    HANDED_OVER = "handed_over"


_NUMBER = {status: str(number) for number, status in enumerate(Status, start=1)}
_OF_NUMBER = {number: status for status, number in _NUMBER.items()}

TEXT_VI: dict[Status, str] = {
    Status.SUBMITTED: "Mới đăng ký",
    Status.ACCEPTED: "Được tiếp nhận",
    Status.REFUSED: "Không được tiếp nhận",
    Status.IN_PROGRESS: "Đang xử lý",
    Status.SUPPLEMENT: "Yêu cầu bổ sung giấy tờ",
    Status.FINANCIAL: "Yêu cầu thực hiện nghĩa vụ tài chính",
    Status.WITHDRAWN: "Công dân yêu cầu rút hồ sơ",
    Status.STOPPED: "Dừng xử lý",
    Status.FINISHED: "Đã xử lý xong",
    Status.HANDED_OVER: "Đã trả kết quả",
}

WAITING = frozenset({Status.SUPPLEMENT, Status.FINANCIAL})
ENDED = frozenset(
    {Status.REFUSED, Status.WITHDRAWN, Status.STOPPED, Status.FINISHED, Status.HANDED_OVER}
)
# A state after which a local code may be given to another case (DESIGN 2, CODE_REUSED).
TERMINAL = frozenset({Status.REFUSED, Status.WITHDRAWN, Status.STOPPED, Status.HANDED_OVER})

# From -> to that the one-stop procedure knows (NĐ 61/2018 and domain/statuses.md); anything else
# is noted TRANSITION_ODD, never refused.
_USUAL: dict[Status, frozenset[Status]] = {
    Status.SUBMITTED: frozenset(Status) - {Status.SUBMITTED},
    Status.ACCEPTED: frozenset(Status) - {Status.SUBMITTED, Status.REFUSED},
    Status.REFUSED: frozenset({Status.SUBMITTED, Status.ACCEPTED}),
    Status.IN_PROGRESS: frozenset(Status) - {Status.SUBMITTED, Status.ACCEPTED, Status.REFUSED},
    Status.SUPPLEMENT: frozenset(Status) - {Status.SUBMITTED},
    Status.FINANCIAL: frozenset(Status) - {Status.SUBMITTED, Status.REFUSED},
    Status.WITHDRAWN: frozenset(),
    Status.STOPPED: frozenset({Status.HANDED_OVER}),
    Status.FINISHED: frozenset({Status.HANDED_OVER}),
    Status.HANDED_OVER: frozenset(),
}


def is_usual(before: Status, after: Status) -> bool:
    """Whether the step between two states is one the procedure knows; staying put always is."""
    return before == after or after in _USUAL[before]


def national_code(status: Status) -> str:
    """The national number of a state, "1" to "10"."""
    return _NUMBER[status]


def from_national(code: str) -> Status | None:
    """The state a national number "1" to "10" stands for; None for anything else."""
    return _OF_NUMBER.get(code)
