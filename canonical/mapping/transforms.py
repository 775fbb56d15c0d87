"""Named transforms of the mapping language: each turns one wire value, or says why it cannot.

A transform never guesses: what is outside its declared form raises `Bad` with a reason code.
`name:argument` in a mapping row gives the argument, e.g. `date:%d/%m/%Y %H:%M:%S`.
"""

import functools
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from canonical.clock import HCM
from canonical.reasons import Reason


class Bad(Exception):
    """A value outside its declared form."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


Transform = Callable[[Any], Any]
_WHOLE = re.compile(r"-?[0-9]{1,400}\Z")
_DIALLED = re.compile(r"\+?[0-9 ().-]+\Z")
_GROUPED = re.compile(r"-?[1-9][0-9]{0,2}([.,])[0-9]{3}(?:\1[0-9]{3})*\Z")


def trim(value: Any) -> Any:
    """Text without white space around it."""
    return value.strip() if isinstance(value, str) else value


def text(value: Any) -> str:
    """A number or text as text."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Bad(Reason.FIELD_TYPE)
    return str(value)


def nfc(value: Any) -> Any:
    """Composed Unicode."""
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def spaces(value: Any) -> Any:
    """Text with one blank wherever there was white space, and none around it."""
    return " ".join(value.split()) if isinstance(value, str) else value


def upper(value: Any) -> Any:
    """Upper case."""
    return value.upper() if isinstance(value, str) else value


def lower(value: Any) -> Any:
    """Lower case."""
    return value.lower() if isinstance(value, str) else value


def integer(value: Any) -> int:
    """A whole number, from an int or decimal digits."""
    if isinstance(value, bool):
        raise Bad(Reason.FIELD_TYPE)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _WHOLE.match(value.strip()):
        return int(value)
    raise Bad(Reason.FIELD_TYPE)


def dong(value: Any) -> int:
    """Money in đồng: digits, with `.` or `,` between groups of three; no fraction."""
    if isinstance(value, str):
        bare = value.strip()
        value = re.sub("[.,]", "", bare) if _GROUPED.match(bare) else bare
    return integer(value)


def epoch_ms(value: Any) -> datetime:
    """A moment from milliseconds since 1970 UTC."""
    number = integer(value)
    try:
        return datetime.fromtimestamp(0, HCM) + timedelta(milliseconds=number)
    except OverflowError as error:
        raise Bad(Reason.DATE_INVALID) from error


def epoch_s(value: Any) -> datetime:
    """A moment from seconds since 1970 UTC."""
    number = integer(value)
    try:
        return datetime.fromtimestamp(0, HCM) + timedelta(seconds=number)
    except OverflowError as error:
        raise Bad(Reason.DATE_INVALID) from error


def iso(value: Any) -> datetime:
    """A moment from ISO 8601 text with date and time; naive is +07:00."""
    if not isinstance(value, str) or len(value) < 16:
        raise Bad(Reason.DATE_INVALID)
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise Bad(Reason.DATE_INVALID) from error


def date(form: str) -> Transform:
    """A moment from text in one strptime form, at +07:00; a form without a time means midnight."""

    def read(value: Any) -> datetime:
        if not isinstance(value, str):
            raise Bad(Reason.DATE_INVALID)
        try:
            found = datetime.strptime(value.strip(), form)  # noqa: DTZ007 - the zone is set below
        except ValueError as error:
            raise Bad(Reason.DATE_INVALID) from error
        # strptime takes 1/2/2016 and doubled blanks for %d/%m/%Y %H:%M; the form has neither.
        if value.strip() != found.strftime(form):
            raise Bad(Reason.DATE_INVALID)
        return found if found.tzinfo else found.replace(tzinfo=HCM)

    return read


def end_of_day(value: Any) -> datetime:
    """17:00 on the day of a moment: the close of office, where a source promises only a day."""
    if not isinstance(value, datetime):
        raise Bad(Reason.DATE_INVALID)
    return value.replace(hour=17, minute=0, second=0, microsecond=0)


def phone(value: Any) -> Any:
    """A Vietnamese number as digits, 0912345678; what is not one stays as it came."""
    told = text(value).strip()
    if not _DIALLED.match(told):  # letters would be read as on a keypad, "xxx" as 999
        return told
    return _dialled(told)


@functools.lru_cache(maxsize=8_192)  # every poll of a case tells its number again
def _dialled(told: str) -> str:
    import phonenumbers

    try:
        number = phonenumbers.parse(told, "VN")
    except phonenumbers.NumberParseException:
        return told
    if not phonenumbers.is_possible_number(number) or number.country_code != 84:
        return told
    return f"0{number.national_number}"


def tax_code(value: Any) -> str:
    """A Vietnamese tax code (MST) in compact form, checked."""
    from stdnum.exceptions import ValidationError
    from stdnum.vn import mst

    try:
        return str(mst.validate(text(value)))
    except ValidationError as error:
        raise Bad(Reason.FIELD_TYPE) from error


_PLAIN: dict[str, Transform] = {
    "trim": trim,
    "text": text,
    "nfc": nfc,
    "spaces": spaces,
    "upper": upper,
    "lower": lower,
    "int": integer,
    "dong": dong,
    "epoch_ms": epoch_ms,
    "epoch_s": epoch_s,
    "iso": iso,
    "end_of_day": end_of_day,
    "phone": phone,
    "tax_code": tax_code,
}
_WITH_ARGUMENT: dict[str, Callable[[str], Transform]] = {"date": date}


def names() -> list[str]:
    """The transforms there are, for a form; one that takes an argument with its colon."""
    return [*_PLAIN, *(f"{name}:" for name in _WITH_ARGUMENT)]


def named(name: str, own: dict[str, Transform] | None = None) -> Transform:
    """The transform a mapping row names.

    Args:
        name: `trim`, `date:%d/%m/%Y`, or one of the adapter's own.
        own: The adapter's `TRANSFORMS`.

    Raises:
        KeyError: nobody defines that name.
    """
    if own and name in own:
        return own[name]
    if name in _PLAIN:
        return _PLAIN[name]
    head, mark, argument = name.partition(":")
    # A form without a sign of strptime's (dd/MM/yyyy) would refuse every date there is.
    if mark and head in _WITH_ARGUMENT and "%" in argument:
        return _WITH_ARGUMENT[head](argument)
    raise KeyError(name)
