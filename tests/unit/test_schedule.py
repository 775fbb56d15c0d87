from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from canonical.errors import HubError
from sync.schedule import Cron, read_cron


def at(text: str) -> datetime:
    """A moment; +07:00 unless it says otherwise. Monday is 2026-03-02."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else datetime.fromisoformat(f"{text}+07:00")


@pytest.mark.parametrize(
    ("cron", "now", "latest", "following"),
    [
        ("*/15 * * * *", "2026-03-02T09:14:59", "2026-03-02T09:00", "2026-03-02T09:15"),
        ("*/15 * * * *", "2026-03-02T09:15:00", "2026-03-02T09:15", "2026-03-02T09:30"),
        # Counted at +07:00, whatever zone the moment comes in.
        ("0 7 * * *", "2026-03-02T00:30+00:00", "2026-03-02T07:00", "2026-03-03T07:00"),
        ("0 7 * * *", "2026-03-01T23:30+00:00", "2026-03-01T07:00", "2026-03-02T07:00"),
        # A burst long ago: its last one.
        ("* 7 * * *", "2026-03-02T20:00", "2026-03-02T07:59", "2026-03-03T07:00"),
        ("0 0 29 2 *", "2027-06-01T00:00", "2024-02-29T00:00", "2028-02-29T00:00"),
        ("0 0 1 1 *", "2026-01-01T00:00", "2026-01-01T00:00", "2027-01-01T00:00"),
        # Days of the week as cron counts them: 1 is Monday, 0 and 7 are Sunday.
        ("0 7 * * 1", "2026-03-04T00:00", "2026-03-02T07:00", "2026-03-09T07:00"),
        ("0 7 * * 0", "2026-03-04T00:00", "2026-03-01T07:00", "2026-03-08T07:00"),
        ("0 7 * * 7", "2026-03-04T00:00", "2026-03-01T07:00", "2026-03-08T07:00"),
        ("0 7 * * 1-5", "2026-03-08T12:00", "2026-03-06T07:00", "2026-03-09T07:00"),
        ("0 7 * * 5-7", "2026-03-04T00:00", "2026-03-01T07:00", "2026-03-06T07:00"),
        ("0 7 * * */2", "2026-03-04T00:00", "2026-03-03T07:00", "2026-03-05T07:00"),
        ("0 7 * * MON-FRI", "2026-03-08T12:00", "2026-03-06T07:00", "2026-03-09T07:00"),
        ("0 7 * * tue,4", "2026-03-04T00:00", "2026-03-03T07:00", "2026-03-05T07:00"),
        ("0 7 * * mon-5/2", "2026-03-03T00:00", "2026-03-02T07:00", "2026-03-04T07:00"),
    ],
)
def test_the_newest_due_time_and_the_next(cron: str, now: str, latest: str, following: str) -> None:
    read = Cron(cron)
    assert read.latest(at(now)) == at(latest)
    assert read.after(at(now)) == at(following)


def test_a_due_time_is_not_its_own_successor() -> None:
    cron = Cron("*/10 * * * *")
    due = at("2026-03-02T09:10")
    assert cron.after(due) == due + timedelta(minutes=10)
    assert cron.latest(due - timedelta(microseconds=1)) == due - timedelta(minutes=10)


def test_walking_on_meets_every_due_time_once() -> None:
    cron = Cron("*/7 8-17 * * 1-5")
    met = [cron.latest(at("2026-03-02T08:00"))]
    while len(met) < 200:
        assert met[-1] is not None
        met.append(cron.after(met[-1]))
    assert all(a is not None and b is not None and a < b for a, b in pairwise(met))
    assert all(cron.latest(moment) == moment for moment in met if moment is not None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "61 * * * * *",
        "@daily",
        "61 * * * *",
        "0 7 * * 8",
        "0 7 * * 5-1",
        "0 7 * * x",
        "0 7 * * 1/x",
        "0 7 * * */0",
        "0 0 31 2 *",
        "0 7 1 * 1",
        "0 7 L * *",
        "mười lăm phút một lần",
    ],
)
def test_what_is_no_schedule_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(HubError, match="is no schedule"):
        Cron(text)


def test_a_sixth_field_before_the_others_is_the_second() -> None:
    found = Cron("*/20 * * * * *").after(datetime(2026, 3, 2, 1, 0, 5, tzinfo=UTC))
    assert found == datetime(2026, 3, 2, 1, 0, 20, tzinfo=UTC)
    assert Cron("0 7 * * *").text == "0 7 * * *"


def test_a_schedule_is_read_once() -> None:
    assert read_cron("0 7 * * *") is read_cron("0 7 * * *")
    assert read_cron("0 7 * * *").latest(datetime(2026, 3, 2, tzinfo=UTC)) is not None
