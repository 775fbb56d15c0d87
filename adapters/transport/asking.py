"""What a connection's options and a run's `Ask` come to: days to ask for, addresses, numbers."""

import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from canonical import clock
from canonical.errors import Refused
from canonical.ports import Ask, Settings
from canonical.reasons import Reason

# The defaults and the words of an option stand in the manifest and nowhere else.
MANIFEST = tomllib.loads((Path(__file__).parent / "manifest.toml").read_text("utf-8"))
LONGEST_TIMEOUT_S = 600.0
_DAY = "%d/%m/%Y"

# First and last day, both inclusive; None asks without dates, for everything.
Window = tuple[date, date] | None


def windows(
    ask: Ask, first_day: date | None, longest: int, back: timedelta = timedelta()
) -> Sequence[Window]:
    """The windows of one run, oldest first, without gap or overlap; always at least one.

    Args:
        ask: Its moments count as days at +07:00; the end is exclusive.
        first_day: Where a run for everything begins; None asks for everything without dates.
        longest: Days of one window, at the most.
        back: How far before the watermark to begin.
    """
    first = first_day if ask.since is None else clock.day_of(ask.since) - back
    if first is None:
        return [None]
    until = ask.now if ask.until is None else ask.until - timedelta(microseconds=1)
    last = max(first, clock.day_of(until))
    starts = range(0, (last - first).days + 1, longest)
    return [
        (first + timedelta(days=n), min(first + timedelta(days=n + longest - 1), last))
        for n in starts
    ]


def days(window: Window, first: str, last: str) -> dict[str, str]:
    """The two arguments of a window under the names the operation gives them, dd/MM/yyyy."""
    if window is None:
        return {}
    return {first: window[0].strftime(_DAY), last: window[1].strftime(_DAY)}


def address(endpoint: str, path: str) -> str:
    """The endpoint itself where it names the service, else the service below it."""
    bare = endpoint.rstrip("/")
    return bare if bare.lower().endswith(path.lower()) else bare + path


def from_day(settings: Settings) -> date | None:
    """The option of that name. Raises Refused(FIELD_TYPE)."""
    told = settings.options.get("from_day", "")
    try:
        return date.fromisoformat(told) if told else None
    except ValueError:
        raise bad_option(settings, "from_day") from None


def whole(settings: Settings, name: str, default: int, *, least: int) -> int:
    """A whole number out of an option. Raises Refused(FIELD_TYPE)."""
    try:
        number = int(settings.options.get(name) or default)
    except ValueError:
        raise bad_option(settings, name) from None
    if number < least:
        raise bad_option(settings, name)
    return number


def one_of(settings: Settings, name: str, words: Sequence[str]) -> str:
    """A word out of an option; the first where nothing is said. Raises Refused(FIELD_TYPE)."""
    told = settings.options.get(name) or words[0]
    if told not in words:
        raise bad_option(settings, name)
    return told


def timeout_s(settings: Settings) -> float:
    """The total deadline of one call, in seconds. Raises Refused(FIELD_TYPE)."""
    try:
        seconds = float(settings.options.get("timeout_s") or MANIFEST["timeout_s"])
    except ValueError:
        raise bad_option(settings, "timeout_s") from None
    if not 0 < seconds <= LONGEST_TIMEOUT_S:
        raise bad_option(settings, "timeout_s")
    return seconds


def bad_option(settings: Settings, name: str) -> Refused:
    """What to raise for an option that cannot be read; says what the option is for."""
    said = MANIFEST["options"][name]
    return Refused(Reason.FIELD_TYPE, f"option {name}: {said}", system=settings.id)
