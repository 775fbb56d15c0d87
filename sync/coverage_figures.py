"""Where dossiers count in profile `seed` today: agency, year of acceptance, bucket."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from msgspec import Struct

from canonical import clock
from canonical.indicators import Judged, bucket
from canonical.standing import Kind, Segment
from store.coverage import Counted

BUCKETS_VI = {
    "early": "trước hạn",
    "on_time": "đúng hạn",
    "late": "trễ hạn",
    "open_in_term": "đang giải quyết, trong hạn",
    "open_overdue": "đang giải quyết, quá hạn",
    "waiting": "tạm dừng chờ",
    "returned": "trả lại",
    "withdrawn": "công dân rút",
    "undetermined": "chưa xác định",
}


class Figure(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """One published figure, and how many of the dossiers in question count in it.

    Attributes:
        agency: That received them.
        start: First day of the period, a year; `end` the last.
        as_of: Judged at the end of this day.
    """

    profile: str
    agency: str
    start: date
    end: date
    as_of: date
    bucket: str
    dossiers: int
    vi: str
    en: str


def judged_of(row: Counted) -> Judged:
    """A stored judgement as indicators are counted from."""
    cut = [Segment(row.accepted_on, Kind.OPEN, None, None, row.first_due_on)]
    for span in row.spans:
        cut.append(
            Segment(span.from_day, Kind(span.kind), span.end_on, span.closed_on, span.due_on)
        )
        cut.append(Segment(span.to_day, Kind.OPEN, None, None, row.first_due_on))
    cut.append(Segment(row.from_day, Kind(row.kind), row.end_on, row.closed_on, row.due_on))
    return Judged(row.accepted_on, row.channel == "online", tuple(cut))


def figures_of(rows: Iterable[Counted], now: datetime) -> list[Figure]:
    """The figures in which these dossiers count, the greatest first."""
    today = clock.day_of(now)
    found: Counter[tuple[str, int, str]] = Counter()
    for row in rows:
        year = row.accepted_on.year
        as_of = min(date(year, 12, 31), today)
        segment = judged_of(row).on(as_of)
        name = bucket(segment, as_of) if segment is not None else None
        if name is not None:
            found[row.agency, year, name] += 1
    return [
        Figure(
            "seed",
            agency,
            date(year, 1, 1),
            date(year, 12, 31),
            min(date(year, 12, 31), today),
            name,
            count,
            f"{agency} năm {year}, {BUCKETS_VI[name]}: {count}",
            f"{agency} in {year}, {name}: {count}",
        )
        for (agency, year, name), count in sorted(found.items(), key=lambda one: (-one[1], one[0]))
    ]
