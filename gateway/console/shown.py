"""Values as a person reads them: moments, days, numbers, how long ago."""

from datetime import datetime
from typing import Any

from canonical import clock
from canonical.reasons import Reason, sentence
from gateway.console import language as words
from gateway.console.language import Say

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def moment(told: str | datetime | None) -> str:
    """`02/03/2026 09:00` at +07:00; a dash where there is none."""
    if told is None or told == "":
        return "–"
    at = clock.from_iso(told) if isinstance(told, str) else clock.local(told)
    return at.strftime("%d/%m/%Y %H:%M")


def second(told: str | datetime | None) -> str:
    """As `moment`, to the second."""
    if told is None or told == "":
        return "–"
    at = clock.from_iso(told) if isinstance(told, str) else clock.local(told)
    return at.strftime("%d/%m/%Y %H:%M:%S")


def day(told: Any) -> str:
    """`02/03/2026`."""
    if not told:
        return "–"
    text = str(told)
    return f"{text[8:10]}/{text[5:7]}/{text[:4]}"


def number(told: float | None, language: str) -> str:
    """`1.234.567` in Vietnamese, `1,234,567` in English."""
    if told is None:
        return "–"
    text = f"{told:,}"
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text


def size(told: int, language: str) -> str:
    """`12 kB`."""
    if told < 1_000:
        return f"{told} B"
    if told < 1_000_000:
        return f"{number(round(told / 1_000), language)} kB"
    return f"{number(round(told / 1_000_000, 1), language)} MB"


def span(seconds: float, say: Say) -> str:
    """`3 phút`: a stretch of time in its largest unit."""
    for unit, name in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if seconds >= unit:
            return say(f"span.{name}", count=int(seconds // unit))
    return say("span.seconds", count=max(int(seconds), 0))


def ago(told: str | datetime | None, now: datetime, say: Say) -> str:
    """`3 phút trước`; `sau 3 phút` for what is to come; a dash where there is none."""
    if told is None or told == "":
        return "–"
    at = clock.from_iso(told) if isinstance(told, str) else told
    seconds = (now - at).total_seconds()
    if seconds < 0:
        return say("span.ahead", span=span(-seconds, say))
    return say("span.ago", span=span(seconds, say))


def why(reason: str | Reason | None, language: str) -> str:
    """What a reason code says, in a sentence; the code itself where it is none of the list."""
    if not reason:
        return ""
    try:
        return sentence(Reason(reason), "en" if language == "en" else "vi")
    except ValueError:
        return str(reason)


def name(kind: str, code: str | None, say: Say) -> str:
    """What a code of a closed list is called, `state.enabled`; the code where nobody named it."""
    if code is None or code == "":
        return "–"
    key = f"{kind}.{code}"
    return say(key) if words.knows(key) else str(code)
