"""What filing.toml makes of single values: the Department's forms, or `Bad`; pure."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from canonical.codes import procedure_key
from canonical.mapping.transforms import Bad, Transform
from canonical.reasons import Reason

UNKNOWN_DAY = "99991231"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Bad(Reason.FIELD_TYPE)
    return value.strip()


def at_most(characters: int) -> Transform:
    """A text that fits; a longer one is refused and never cut."""

    def check(value: Any) -> str:
        told = _text(value)
        if len(told) > characters:
            raise Bad(Reason.FIELD_TOO_LONG)
        return told

    return check


def last_word(value: Any) -> str:
    """Tên: the last word of a Vietnamese name."""
    return _text(value).split()[-1]


def all_but_last_word(value: Any) -> str:
    """Họ và tên đệm: what stands before the last word. Refused where a name is one word."""
    words = _text(value).split()
    if len(words) < 2:
        raise Bad(Reason.FIELD_MISSING)
    return " ".join(words[:-1])


def without_zone(value: Any) -> datetime:
    """The same hour without its zone."""
    if not isinstance(value, datetime):
        raise Bad(Reason.DATE_INVALID)
    return value.replace(tzinfo=None)


def as_day(value: Any) -> str:
    """A moment as dd/MM/yyyy."""
    if not isinstance(value, datetime):
        raise Bad(Reason.DATE_INVALID)
    return value.strftime("%d/%m/%Y")


def yes(value: Any) -> str:
    """What was ticked, as text; "false" stands in no table and is refused there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value)


def key_of_procedure(value: Any) -> str:
    """The procedure's own code, whatever its spelling."""
    return procedure_key(_text(value))


def held(name: str) -> Transform:
    """One field of every licence held, pipe-joined, in order; each licence must say it."""

    def joined(value: Any) -> str:
        return _joined(value, lambda licence: _held_text(licence.get(name)))

    return joined


def held_on(name: str) -> Transform:
    """One day of every licence held, pipe-joined as yyyyMMdd; 99991231 where it is unknown."""

    def joined(value: Any) -> str:
        return _joined(value, lambda licence: _held_day(licence.get(name)))

    return joined


def _joined(value: Any, one: Callable[[dict[str, Any]], str]) -> str:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Bad(Reason.FIELD_TYPE)
    return "|".join(one(item) for item in value)


def _held_text(value: Any) -> str:
    if value is None:
        raise Bad(Reason.FIELD_MISSING)
    told = _text(value)
    if not told:
        raise Bad(Reason.FIELD_MISSING)
    if "|" in told:  # it would be read as two licences
        raise Bad(Reason.CHAR_FORBIDDEN)
    return told


def _held_day(value: Any) -> str:
    if value is None:
        return UNKNOWN_DAY
    told = _text(value)
    if not _DAY.match(told):
        raise Bad(Reason.DATE_INVALID)
    try:
        return datetime.strptime(told, "%Y-%m-%d").strftime("%Y%m%d")  # noqa: DTZ007 - a day
    except ValueError:
        raise Bad(Reason.DATE_INVALID) from None


_HELD = ("so", "hang", "don_vi_cap", "noi_cap")
_HELD_ON = ("ngay_cap", "ngay_het_han", "ngay_trung_tuyen")
WORDING: dict[str, Transform] = {
    "at_most_25": at_most(25),
    "at_most_50": at_most(50),
    "last_word": last_word,
    "all_but_last_word": all_but_last_word,
    "without_zone": without_zone,
    "as_day": as_day,
    "yes": yes,
    "procedure_key": key_of_procedure,
    **{f"held.{name}": held(name) for name in _HELD},
    **{f"held_on.{name}": held_on(name) for name in _HELD_ON},
}
