"""When a connection is asked, and what a run's end changes about that: plain tables."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from canonical.errors import (
    Busy,
    Garbled,
    HubError,
    NotAllowed,
    Refused,
    StoreUnavailable,
    Unreachable,
)
from canonical.reasons import Reason
from store.plans import Planned, PlanRow
from sync.context import Limits
from sync.plan import (
    Ended,
    Want,
    begun,
    ended,
    first_at,
    mended,
    next_at,
    rescheduled,
    resumed,
    wanted,
    wished,
)
from sync.schedule import Cron

CRON = Cron("*/15 * * * *")
LIMITS = Limits(retry_base_s=30, retry_cap_s=3_600, breaker_failures=3, lease_s=60)
NEW = PlanRow("snv")


def at(time: str, day: str = "2026-03-02") -> datetime:
    return datetime.fromisoformat(f"{day}T{time}+07:00")


def planned(plan: PlanRow, added_at: datetime | None = None) -> Planned:
    return Planned("one_stop", "http://a", "enabled", added_at or at("08:00"), None, plan)


def plan(**told: Any) -> PlanRow:
    """A plan that was asked at nine."""
    return structs.replace(NEW, **{"fired_for": at("09:00"), **told})


ODD = at("09:00:00", "2031-01-01")


@pytest.mark.parametrize(
    ("held", "now", "want"),
    [
        (plan(), at("09:14:59"), None),
        (plan(), at("09:15:00"), Want("schedule", at("09:15"), at("09:15"))),
        (plan(), at("09:15:09"), Want("schedule", at("09:15"), at("09:15"))),
        # Late, or more than one: something kept the hub from it.
        (plan(), at("09:15:11"), Want("catch_up", at("09:15"), at("09:15"))),
        (plan(), at("09:30:00"), Want("catch_up", at("09:30"), at("09:30"))),
        (plan(), at("16:46:00"), Want("catch_up", at("16:45"), at("16:45"))),
        (plan(fired_for=at("09:15")), at("09:15:00"), None),
        # The clock went back a little: what was asked for is not asked for again.
        (plan(fired_for=at("09:45")), at("09:16:00"), None),
        # It went back far: no silence until then.
        (plan(fired_for=ODD), at("09:16:00"), Want("catch_up", at("09:15"), at("09:15"))),
        # A wish, whatever the schedule says.
        (plan(due_at=at("09:01"), cause="now"), at("09:02"), Want("now", None, at("09:01"))),
        (plan(due_at=at("09:05"), cause="retry"), at("09:04"), None),
        (plan(due_at=at("09:05"), cause="retry"), at("09:05"), Want("retry", None, at("09:05"))),
        (plan(due_at=ODD, cause="retry"), at("09:02"), Want("retry", None, at("09:02"))),
        # A run that died is taken over as what it was.
        (
            plan(due_at=at("09:00"), cause="schedule"),
            at("09:02"),
            Want("schedule", at("09:00"), at("09:00")),
        ),
        # Not before its time, whoever wants it; and not at all until a person has settled it.
        (plan(retry_at=at("09:20"), failures=1), at("09:16"), None),
        (plan(retry_at=at("09:20"), breaker="open"), at("09:16"), None),
        (
            plan(retry_at=at("09:20"), breaker="open"),
            at("09:20"),
            Want("catch_up", at("09:15"), at("09:15")),
        ),
        (plan(retry_at=at("09:20"), breaker="half_open"), at("09:16"), None),
        (
            plan(retry_at=ODD, breaker="open"),
            at("09:16"),
            Want("catch_up", at("09:15"), at("09:15")),
        ),
        (plan(waits_for=Reason.AUTH_DENIED), at("12:00"), None),
        (plan(waits_for=Reason.AUTH_DENIED, due_at=at("09:00")), at("12:00"), None),
    ],
)
def test_what_is_wanted_now(held: PlanRow, now: datetime, want: Want | None) -> None:
    assert wanted(planned(held), CRON, now, LIMITS) == want


def test_new_connections_are_asked_soon_and_not_all_together() -> None:
    added = at("09:02")
    firsts = [first_at(f"sở-{number}", added, LIMITS) for number in range(50)]
    assert all(added <= first <= added + timedelta(seconds=30) for first in firsts)
    assert len(set(firsts)) == 50
    first = first_at("snv", added, LIMITS)
    held = planned(NEW, added)
    assert wanted(held, CRON, first - timedelta(microseconds=1), LIMITS) is None
    assert wanted(held, CRON, first, LIMITS) == Want("catch_up", None, first)
    assert first_at("snv", added, LIMITS) == first, "every node says the same"


def test_a_run_that_has_begun_stays_due_until_it_ends() -> None:
    now = at("09:15:01")
    want = wanted(planned(plan()), CRON, now, LIMITS)
    assert want is not None
    after = begun(plan(), want, CRON, now, LIMITS)
    assert (after.fired_for, after.due_at, after.cause) == (at("09:15"), now, "schedule")
    later = now + timedelta(seconds=61)
    assert wanted(planned(after), CRON, later, LIMITS) == Want("schedule", at("09:15"), now)


def test_a_probe_makes_an_open_breaker_half_open() -> None:
    now = at("09:20")
    held = plan(breaker="open", failures=3, retry_at=now, due_at=now, cause="retry")
    after = begun(held, Want("retry", None, now), CRON, now, LIMITS)
    assert after.breaker == "half_open"
    assert wanted(planned(after), CRON, now + timedelta(seconds=59), LIMITS) is None


def run(error: HubError | None = None, **told: Any) -> Ended:
    """The end of a run of 09:15 that failed so, or went well."""
    return Ended(
        **{
            "cause": "schedule",
            "due_at": at("09:15"),
            "started_at": at("09:15"),
            "covers": True,
            "error": error,
            **told,
        }
    )


UNDERWAY = plan(fired_for=at("09:15"), due_at=at("09:15"), cause="schedule")
NOW = at("09:16")


def after(held: PlanRow, how: Ended, draw: float = 0.5) -> PlanRow:
    return ended(held, how, CRON, NOW, LIMITS, draw)


def test_success_forgets_every_failure() -> None:
    held = structs.replace(
        UNDERWAY, failures=7, breaker="half_open", retry_at=NOW, waits_for=Reason.AUTH_DENIED
    )
    assert after(held, run()) == plan(fired_for=at("09:15"))


@pytest.mark.parametrize(
    ("failures", "breaker", "wait_s"),
    # Full jitter, half of 30, 60, 120 …; the third failure opens the breaker.
    [(0, "closed", 15), (1, "closed", 30), (2, "open", 60), (6, "open", 960), (40, "open", 1800)],
)
def test_a_failed_run_is_due_again_ever_later(failures: int, breaker: str, wait_s: float) -> None:
    held = structs.replace(UNDERWAY, failures=failures)
    told = after(held, run(Unreachable(Reason.NET_REFUSED)))
    again = NOW + timedelta(seconds=wait_s)
    assert (told.failures, told.breaker) == (failures + 1, breaker)
    assert (told.due_at, told.retry_at, told.cause) == (again, again, "retry")


def test_a_failed_probe_opens_the_breaker_again() -> None:
    held = structs.replace(UNDERWAY, failures=1, breaker="half_open", retry_at=NOW)
    assert after(held, run(Unreachable(Reason.NET_REFUSED))).breaker == "open"


@pytest.mark.parametrize(
    ("asked_s", "wait_s"), [(120.0, 120), (1e12, 3_600), (0.0, 15), (-5.0, 15), (None, 15)]
)
def test_a_pause_a_department_asks_for_is_kept_within_reason(
    asked_s: float | None, wait_s: float
) -> None:
    told = after(UNDERWAY, run(Busy(Reason.RATE_LIMITED, retry_after_s=asked_s)))
    assert told.retry_at == NOW + timedelta(seconds=wait_s)


@pytest.mark.parametrize("error", [Garbled(Reason.CTYPE_UNEXPECTED), Refused(Reason.HTTP_4XX)])
def test_what_repeating_cannot_help_is_asked_again_too_since_it_may_be_mended(
    error: HubError,
) -> None:
    told = after(UNDERWAY, run(error))
    assert (told.failures, told.due_at) == (1, NOW + timedelta(seconds=15))


def test_refused_credentials_wait_for_a_person_alone() -> None:
    told = after(UNDERWAY, run(NotAllowed(Reason.AUTH_DENIED)))
    assert told.waits_for is Reason.AUTH_DENIED
    assert (told.due_at, told.retry_at, told.cause) == (None, None, None)
    assert wanted(planned(told), CRON, at("09:00", "2027-01-01"), LIMITS) is None
    assert next_at(planned(told), CRON, NOW, LIMITS) is None


@pytest.mark.parametrize("change", [wished, mended, resumed])
def test_a_person_has_it_tried_again_whatever_it_waits_for(change: Any) -> None:
    waiting = after(UNDERWAY, run(NotAllowed(Reason.AUTH_DENIED)))
    broken = plan(breaker="open", failures=9, retry_at=at("10:00"), due_at=at("10:00"))
    for held in (waiting, broken):
        want = wanted(planned(change(held, NOW)), CRON, NOW, LIMITS)
        assert want is not None
        assert want.since == NOW


def test_resuming_what_never_failed_leaves_it_to_its_schedule() -> None:
    assert resumed(plan(), NOW) == plan()


def test_secrets_changed_while_a_run_still_used_the_old_ones_are_tried() -> None:
    meanwhile = mended(UNDERWAY, at("09:15:30"))
    told = after(meanwhile, run(NotAllowed(Reason.AUTH_DENIED)))
    assert told.waits_for is None
    assert wanted(planned(told), CRON, NOW, LIMITS) is not None


def test_a_wish_made_during_a_run_outlives_its_end() -> None:
    meanwhile = wished(UNDERWAY, at("09:15:30"))
    for how in (run(), run(goes_on=True), run(Unreachable(Reason.NET_DNS))):
        told = after(meanwhile, how)
        assert wanted(planned(told), CRON, NOW, LIMITS) == Want("now", None, at("09:15:30"))


def test_a_run_that_used_up_its_pages_goes_on_at_once_behind_those_who_wait() -> None:
    told = after(UNDERWAY, run(goes_on=True))
    assert (told.due_at, told.cause, told.failures) == (NOW, "schedule", 0)


def test_a_run_ended_by_the_hub_is_no_failure_and_is_due_again() -> None:
    held = structs.replace(UNDERWAY, breaker="half_open", failures=3, retry_at=at("09:17"))
    told = after(held, run(was_stopped=True))
    assert (told.due_at, told.breaker, told.failures) == (at("09:15"), "open", 3)
    assert wanted(planned(told), CRON, NOW, LIMITS) is not None


def test_the_hubs_own_store_failing_is_no_failure_of_a_department() -> None:
    told = after(UNDERWAY, run(StoreUnavailable(Reason.STORE_UNAVAILABLE)))
    assert (told.failures, told.breaker) == (0, "closed")
    assert wanted(planned(told), CRON, NOW, LIMITS) is None
    assert wanted(planned(told), CRON, NOW + timedelta(seconds=15), LIMITS) is not None


def test_a_fault_of_the_hubs_own_is_not_tried_without_end() -> None:
    told = after(UNDERWAY, run(is_broken=True))
    assert (told.failures, told.due_at) == (1, NOW + timedelta(seconds=15))


def test_a_command_answers_the_due_times_it_covers_and_wants_no_retry() -> None:
    held = plan(due_at=at("09:20"), cause="retry", failures=1, retry_at=at("09:20"))
    how = run(cause="command", due_at=at("09:20"), started_at=at("09:16"))
    told = after(held, how)
    assert (told.fired_for, told.due_at, told.failures) == (at("09:15"), None, 0)
    failed = after(plan(), run(Unreachable(Reason.NET_DNS), cause="command", due_at=None))
    assert (failed.due_at, failed.failures) == (None, 1)


def test_a_window_asked_for_by_hand_answers_no_due_time() -> None:
    held = plan(due_at=at("09:20"), cause="retry", failures=1, retry_at=at("09:20"))
    how = run(cause="command", due_at=at("09:20"), covers=False)
    told = after(held, how)
    assert (told.fired_for, told.due_at) == (at("09:00"), at("09:20"))
    assert told.retry_at is None, "it answered: there is no reason to wait"


def test_another_schedule_counts_from_now_on() -> None:
    daily = Cron("0 6 * * *")
    held = plan(fired_for=at("06:00"))
    told = rescheduled(held, "*/15 * * * *", CRON, at("09:05"))
    assert wanted(planned(told), CRON, at("09:06"), LIMITS) is None
    assert wanted(planned(told), CRON, at("09:15"), LIMITS) is not None
    back = rescheduled(told, None, daily, at("09:20"))
    assert (back.schedule, wanted(planned(back), daily, at("23:00"), LIMITS)) == (None, None)
    assert rescheduled(NEW, "0 6 * * *", daily, NOW).fired_for is None, "it was never asked yet"


@pytest.mark.parametrize(
    ("held", "moment"),
    [
        (plan(), at("09:30")),
        (plan(fired_for=at("09:15"), due_at=at("09:20"), cause="retry"), at("09:20")),
        (plan(fired_for=at("09:15"), retry_at=at("09:40"), breaker="open"), at("09:40")),
        (plan(fired_for=at("09:15"), waits_for=Reason.AUTH_DENIED), None),
    ],
)
def test_when_it_is_asked_next_is_told(held: PlanRow, moment: datetime | None) -> None:
    held = structs.replace(held, fired_for=at("09:15"))
    assert next_at(planned(held), CRON, at("09:16"), LIMITS) == moment
