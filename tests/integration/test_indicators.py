"""Profile `seed` through the doors: every bucket's rule, with its border days at +07:00."""

from typing import Any

import pytest

from tests.trial import Trial, dossier

ACCEPTED = "2026-03-02T09:00:00+07:00"
DUE = "2026-03-10T17:00:00+07:00"


def at(day: int, time: str = "10:00") -> str:
    return f"2026-03-{day:02d}T{time}:00+07:00"


def extension(to: int, told_on: int) -> dict[str, Any]:
    return {"new_due_at": at(to), "at": at(told_on)}


def done(day: int, time: str = "10:00", **over: Any) -> dict[str, Any]:
    return {"status": "finished", "finished_at": at(day, time), **over}


def told(day: int, status: str) -> dict[str, Any]:
    return {"status": status, "at": at(day)}


# name -> (record, as_of day of March, bucket; None where it does not count)
RULES: dict[str, tuple[dict[str, Any], int, str | None]] = {
    "the day before": (done(9), 31, "early"),
    "the last minute of the day before": (done(9, "23:59"), 31, "early"),
    "10 March 00:10, still 9 March in UTC": (done(10, "00:10"), 31, "on_time"),
    "on the day, 23:30, after office hours": (done(10, "23:30"), 31, "on_time"),
    "11 March 00:10, still 10 March in UTC": (done(11, "00:10"), 31, "late"),
    "handed over where the end of work is unsaid": (
        {"status": "handed_over", "handed_over_at": at(12)},
        31,
        "late",
    ),
    "finished in time, fetched late": (
        {"status": "handed_over", "finished_at": at(10), "handed_over_at": at(20)},
        31,
        "on_time",
    ),
    "no promise, finished": (done(30, due_at=None), 31, "on_time"),
    "no promise, open": ({"due_at": None}, 31, "open_in_term"),
    "open on its last day": ({}, 10, "open_in_term"),
    "open the day after": ({}, 11, "open_overdue"),
    "due 00:30 counts the whole day": ({"due_at": at(10, "00:30")}, 10, "open_in_term"),
    "a declared extension": (done(15, extensions=[extension(20, 8)]), 31, "early"),
    "declared too late for that day": ({"extensions": [extension(20, 15)]}, 12, "open_overdue"),
    "declared by that day": ({"extensions": [extension(20, 15)]}, 16, "open_in_term"),
    "the last declared extension counts": (
        done(22, extensions=[extension(25, 16), extension(20, 8)]),
        31,
        "early",
    ),
    "waits for papers, though overdue": ({"status": "supplement"}, 31, "waiting"),
    "waits for money": ({"status": "financial"}, 31, "waiting"),
    "returned": ({"status": "stopped", "stopped_at": at(5)}, 31, "returned"),
    "returned, day unsaid": ({"status": "stopped"}, 31, "returned"),
    "returned after that day": ({"status": "stopped", "stopped_at": at(20)}, 9, "open_in_term"),
    "withdrawn": ({"status": "withdrawn", "withdrawn_at": at(5)}, 31, "withdrawn"),
    "finished beside returned does not decide": (
        {"status": "stopped", "stopped_at": at(5), "finished_at": at(7)},
        31,
        "returned",
    ),
    "of several ends the latest": (
        {"status": "handed_over", "stopped_at": at(5), "finished_at": at(9)},
        31,
        "early",
    ),
    "finished without any date": ({"status": "finished"}, 31, "undetermined"),
    "handed over without any date": ({"status": "handed_over"}, 31, "undetermined"),
    "handed in, not received": ({"status": "submitted", "accepted_at": None}, 31, None),
    "handed in, whatever its accepted_at says": ({"status": "submitted"}, 31, None),
    "refused at the door": ({"status": "refused", "refused_at": at(2)}, 31, None),
    "not accepted yet on that day": ({}, 1, None),
    "as it stood: waiting before its end": (
        done(9, history=[told(4, "supplement"), told(6, "in_progress")]),
        5,
        "waiting",
    ),
    "as it stood: at work again": (
        done(9, history=[told(4, "supplement"), told(6, "in_progress")]),
        6,
        "open_in_term",
    ),
    "as it stood: an end told too early is contradicted by the later one": (
        done(9, history=[told(4, "stopped"), told(5, "in_progress")]),
        4,
        "open_in_term",
    ),
}


def in_words(counted: dict[str, Any]) -> list[str]:
    """The buckets that hold something; they add up to the total and are always all nine."""
    assert sum(counted["buckets"].values()) == counted["total"]
    assert list(counted["buckets"]) == [
        "early",
        "on_time",
        "late",
        "open_in_term",
        "open_overdue",
        "waiting",
        "returned",
        "withdrawn",
        "undetermined",
    ]
    return [name for name, count in counted["buckets"].items() for _ in range(count)]


async def test_each_rule_puts_its_dossier_into_exactly_one_bucket(hub: Trial) -> None:
    batch = []
    for number, (over, _, _) in enumerate(RULES.values()):
        record = dossier(number, agency=f"H50.{100 + number}", national_code=None, **over)
        # A source tells of an end when it has happened, of everything else at once.
        ends = [over[n] for n in over if n.endswith("_at") and over[n] and n != "due_at"]
        batch.append({**record, "updated_at": max(ends, default=ACCEPTED)})
    said = await hub.push(batch)
    assert said.body["counts"]["applied"] == len(RULES)
    hub.clock.set("2026-06-01T08:00:00+07:00")
    for number, (name, (_, day, bucket)) in enumerate(RULES.items()):
        counted = await hub.indicators(
            f"H50.{100 + number}", "2026-03-01", "2026-03-31", as_of=f"2026-03-{day:02d}"
        )
        assert in_words(counted) == ([bucket] if bucket else []), name
        together = await hub.indicators("H50", "2026-03-01", "2026-03-31", as_of="2026-03-31")
    expected = sorted(b for _, day, b in RULES.values() if day == 31 and b)
    assert [b for b in expected if b not in in_words(together)] == []


@pytest.mark.parametrize(
    ("accepted", "year"),
    [
        ("2025-12-31T23:30:00+07:00", 2025),
        ("2026-01-01T00:10:00+07:00", 2026),  # 2025 in UTC
        ("2026-01-01T00:30:00", 2026),  # naive: +07:00
        ("2025-12-31T17:30:00Z", 2026),
        ("2025-12-31T16:59:59Z", 2025),
    ],
)
async def test_new_years_night_is_counted_at_plus_seven(
    hub: Trial, accepted: str, year: int
) -> None:
    await hub.take(dossier(1, accepted_at=accepted, updated_at=accepted))
    hub.clock.set("2027-01-15T08:00:00+07:00")
    for asked in (2025, 2026):
        counted = await hub.indicators("H50.12", f"{asked}-01-01", f"{asked}-12-31")
        assert counted["total"] == (asked == year)
    later = await hub.indicators("H50.12", f"{year + 1}-01-01", f"{year + 1}-01-10")
    assert later["carried_over"] == 1


async def test_an_end_on_new_years_night_closes_in_the_year_of_plus_seven(hub: Trial) -> None:
    long = {"due_at": "2026-12-31T17:00:00+07:00", "channel": "online"}
    ends = ["2025-12-31T23:30:00+07:00", "2026-01-01T00:10:00+07:00", "2026-01-01T00:30:00+07:00"]
    await hub.push(
        [
            dossier(
                n,
                **long,
                accepted_at="2025-12-01T09:00:00+07:00",
                status="finished",
                finished_at=end,
                updated_at=end,
            )
            for n, end in enumerate(ends)
        ]
    )
    hub.clock.set("2027-01-15T08:00:00+07:00")
    old = await hub.indicators("H50.12", "2025-01-01", "2025-12-31")
    new = await hub.indicators("H50.12", "2026-01-01", "2026-12-31")
    assert (old["total"], old["resolved"], old["resolved_online"]) == (3, 1, 1)
    assert in_words(old) == ["early", "open_in_term", "open_in_term"]
    assert (new["total"], new["carried_over"], new["resolved"], new["resolved_online"]) == (
        0,
        2,
        2,
        2,
    )


async def test_a_silently_moved_promise_does_not_count_and_an_extension_does(hub: Trial) -> None:
    await hub.take(dossier(1))
    moved = dossier(1, version=2, due_at=at(20), **done(15), updated_at=at(15))
    made = await hub.take(moved)
    hub.clock.set("2026-06-01T08:00:00+07:00")
    counted = await hub.indicators("H50.12", "2026-03-01", "2026-03-31")
    assert in_words(counted) == ["late"]
    # In whatever order the two promises came, the first one made stands.
    await hub.push([dossier(2, version=2, due_at=at(20), **done(15), updated_at=at(15))])
    assert (await hub.push(dossier(2))).fate == "superseded"
    counted = await hub.indicators("H50.12", "2026-03-01", "2026-03-31")
    assert in_words(counted) == ["late", "late"]
    await hub.take(
        dossier(
            1,
            version=3,
            due_at=at(20),
            **done(15),
            extensions=[extension(20, 9)],
            updated_at=at(16),
        )
    )
    counted = await hub.indicators("H50.12", "2026-03-01", "2026-03-31")
    assert sorted(in_words(counted)) == ["early", "late"]
    assert (await hub.read(made))["judged_due_at"] == at(20)


async def test_a_missing_promise_is_a_finding(hub: Trial) -> None:
    made = await hub.take(dossier(1, due_at=None))
    assert "DUE_MISSING" in [f["reason"] for f in (await hub.read(made))["findings"]]
    await hub.take(dossier(1, version=2))
    assert "DUE_MISSING" not in [f["reason"] for f in (await hub.read(made))["findings"]]


async def test_as_of_is_the_last_day_of_the_period_or_today_if_that_is_earlier(
    hub: Trial,
) -> None:
    await hub.take(dossier(1))
    for now, as_of in (
        ("2026-03-15T23:30:00+07:00", "2026-03-15"),
        ("2026-03-16T00:10:00+07:00", "2026-03-16"),
        ("2026-04-09T08:00:00+07:00", "2026-03-31"),
    ):
        hub.clock.set(now)
        counted = await hub.indicators("H50.12", "2026-03-01", "2026-03-31")
        assert counted["as_of"] == as_of


async def test_resolved_and_carried_over_count_whenever_accepted(hub: Trial) -> None:
    before = {"accepted_at": "2026-01-05T09:00:00+07:00", "due_at": at(10)}
    stopped = {"status": "stopped", "stopped_at": at(4)}
    withdrawn = {"status": "withdrawn", "withdrawn_at": at(4), "channel": "online"}
    records = [
        dossier(1, **before, **done(5), channel="online"),  # carried over, resolved online
        dossier(2, **before, **stopped),  # carried over, resolved
        dossier(3, **before),  # carried over, open
        dossier(4, **before, status="finished", finished_at="2026-02-02T09:00:00+07:00"),  # over
        dossier(5, **withdrawn),
        dossier(6, status="finished"),  # undetermined: closed, but nobody knows when
        dossier(7, status="supplement"),
    ]
    await hub.push([{**r, "updated_at": r.get("finished_at") or at(4)} for r in records])
    hub.clock.set("2026-06-01T08:00:00+07:00")
    counted = await hub.indicators("H50.12", "2026-03-01", "2026-03-31")
    assert [counted[n] for n in ("total", "carried_over", "resolved", "resolved_online")] == [
        3,
        3,
        3,
        2,
    ]


@pytest.mark.unproved
@pytest.mark.parametrize(
    ("asked", "total"),
    [
        ({}, 4),
        ({"channel": "online"}, 1),
        ({"channel": "post"}, 0),
        ({"procedure": "2.000889"}, 2),
        ({"procedure": "2.00088"}, 0),
        ({"connection": "land"}, 1),
        ({"by": "handling"}, 3),
        ({"agency": "H50.14", "by": "handling"}, 1),
        ({"agency": "H50.14"}, 0),
        ({"agency": "000.00.12.H50"}, 4),
    ],
)
async def test_each_question_narrows_by_its_own_column(
    hub: Trial, asked: dict[str, str], total: int
) -> None:
    await hub.push(
        [
            dossier(1, channel="online"),
            dossier(2, procedure={"code": "2.000889"}),
            dossier(3, procedure={"code": "2.000889.000.00.00.H50"}),
        ]
    )
    elsewhere = dossier(4, agency="H50.14", received_at_agency="H50.12")
    await hub.take(elsewhere, "land")
    agency = asked.get("agency", "H50.12")
    rest = {name: value for name, value in asked.items() if name != "agency"}
    counted = await hub.indicators(agency, "2026-03-01", "2026-03-31", **rest)
    assert counted["total"] == total


@pytest.mark.parametrize(
    ("group_by", "totals"),
    [
        ("agency", {"H50.12": 2, "H50.14": 1}),
        ("procedure", {"1.001612": 2, "2.000889": 1}),
        ("channel", {"direct": 1, "online": 1, None: 1}),
    ],
)
async def test_groups_add_up_to_the_whole(
    hub: Trial, group_by: str, totals: dict[str | None, int]
) -> None:
    await hub.push(
        [
            dossier(1, channel="online"),
            dossier(2, channel=None, **done(9)),
            dossier(3, agency="H50.14", procedure={"code": "2.000889"}),
        ]
    )
    counted = await hub.indicators("H50", "2026-03-01", "2026-03-31", group_by=group_by)
    assert {g[group_by]: g["total"] for g in counted["groups"]} == totals
    assert sum(totals.values()) == counted["total"]


async def test_sources_say_how_fresh_they_are(hub: Trial) -> None:
    hub.introduce("land")
    hub.clock.set("2026-03-05T08:00:00+07:00")
    await hub.push([])
    await hub.take(dossier(1))
    counted = await hub.indicators("H50", "2026-03-01", "2026-03-31")
    assert counted["complete"] is True
    assert counted["sources"] == [
        {"connection": "desk", "fresh_to": "2026-03-05T08:00:00+07:00", "suspect": False},
        {"connection": "land", "fresh_to": None, "suspect": False},
    ]
