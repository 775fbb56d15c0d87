"""Transforms of this app's own: epoch-millisecond moments, and what kind of code dossierNo is."""

import re
from datetime import datetime, timedelta
from typing import Any

from canonical.clock import HCM
from canonical.mapping.transforms import Bad, Transform
from canonical.reasons import Reason

_EPOCH = datetime(1970, 1, 1, 7, tzinfo=HCM)
# Agency identifier below H50 in either form, day of reception, counter (domain/dossier.md 1.3:
# NĐ 61/2018). A counter shorter than four digits is a book number of the app's own.
_NATIONAL = re.compile(r"(?:\d{3}\.\d{2}\.\d{2,3}\.H50|H50(?:\.\d{2,3})*)-(?:\d{6}|\d{8})-\d{4,}")


def moment(value: Any) -> datetime:
    """A moment from whole milliseconds since 1970 UTC; anything else is DATE_INVALID.

    `epoch_ms` takes digits in a text for a number; here a text is a date in another form.
    """
    if type(value) is not int:
        raise Bad(Reason.DATE_INVALID)
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError as error:
        raise Bad(Reason.DATE_INVALID) from error


def national_number(value: Any) -> str | None:
    """The dossier number where it is a national code below H50; else none."""
    told = _number(value)
    return told if _NATIONAL.fullmatch(told) else None


def local_number(value: Any) -> str | None:
    """The dossier number where it is the desk's own receipt number; else none."""
    told = _number(value)
    return None if _NATIONAL.fullmatch(told) else told


def _number(value: Any) -> str:
    if not isinstance(value, str):
        raise Bad(Reason.FIELD_TYPE)
    return value.strip()


TRANSFORMS: dict[str, Transform] = {
    "moment": moment,
    "national_number": national_number,
    "local_number": local_number,
}
