"""A year of the working calendar as a page shows it: what each day is, and why."""

from calendar import monthrange
from datetime import date

from msgspec import Struct

from canonical.calendar import KNOWN_UNTIL, Calendar, Day, Override
from canonical.catalogue import Books


class ShownDay(Struct, frozen=True):
    """One day.

    Attributes:
        kind: working | weekend | holiday | swap_off (a working day given away) | swap_on (worked
            in its place) | own (hours of the province's own).
        is_own: Whether the province's catalogue says so.
        said: Hours of its own, as the catalogue spells them; "" where it has none.
    """

    on: date
    kind: str
    is_own: bool = False
    said: str = ""


class Month(Struct, frozen=True):
    """One month in weeks, Monday first; None where the week belongs to another month."""

    number: int
    weeks: list[list[ShownDay | None]]


def year(books: Books, number: int) -> list[Month]:
    """The months of a year, which the calendar must hold."""
    calendar = books.working_days
    overrides = dict(calendar.overrides)
    return [_month(books, calendar, overrides, number, month) for month in range(1, 13)]


def special(months: list[Month]) -> list[ShownDay]:
    """Its days that are not what their weekday says."""
    days = [day for month in months for week in month.weeks for day in week if day is not None]
    return [day for day in days if day.kind not in ("working", "weekend")]


def is_known(number: int) -> bool:
    """Whether the swap days of a year are known; public holidays always are."""
    return number <= KNOWN_UNTIL


def _month(
    books: Books, calendar: Calendar, overrides: dict[date, Override], year: int, month: int
) -> Month:
    first, length = monthrange(year, month)
    cells: list[ShownDay | None] = [None] * first
    on = (date(year, month, day) for day in range(1, length + 1))
    cells += [_day(books, calendar, overrides, one) for one in on]
    cells += [None] * (-len(cells) % 7)
    return Month(month, [cells[at : at + 7] for at in range(0, len(cells), 7)])


def _day(books: Books, calendar: Calendar, overrides: dict[date, Override], on: date) -> ShownDay:
    override, own = overrides.get(on), books.data.days.get(on)
    is_own = own is not None
    has_hours = bool(calendar.weekly[on.weekday()])
    if override is Day.WORKED:
        kind = "swap_on"
    elif override is Day.OFF:
        kind = "holiday" if on in calendar.off else "swap_off"
    elif override is not None:
        return ShownDay(on, "own", is_own, own or "")
    elif on in calendar.off:
        kind = "holiday"
    else:
        kind = "working" if has_hours else "weekend"
    return ShownDay(on, kind, is_own)
