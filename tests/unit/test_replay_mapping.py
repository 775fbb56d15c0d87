"""The intake log told as pushes: states from data, unknown refused, each system its own events."""

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec import ValidationError

from canonical.errors import HubError
from canonical.reasons import Reason
from canonical.record import Record, to_record
from canonical.states import Status
from hub.replay.log import Case, gather
from hub.replay.mapping import load_mapping, read_mapping
from hub.replay.pushes import Push, build, count_equal_times
from hub.replay.sending import MOST_PER_CALL, by_workers, plan

MAPPING = load_mapping()
ACTIVITIES = {
    "Confirmation of receipt",
    "T02 Check confirmation of receipt",
    "T03 Adjust confirmation of receipt",
    "T04 Determine confirmation of receipt",
    "T05 Print and send confirmation of receipt",
    "T06 Determine necessity of stop advice",
    "T07-1 Draft intern advice aspect 1",
    "T07-2 Draft intern advice aspect 2",
    "T07-3 Draft intern advice hold for aspect 3",
    "T07-4 Draft internal advice to hold for type 4",
    "T07-5 Draft intern advice aspect 5",
    "T08 Draft and send request for advice",
    "T09-1 Process or receive external advice from party 1",
    "T09-2 Process or receive external advice from party 2",
    "T09-3 Process or receive external advice from party 3",
    "T09-4 Process or receive external advice from party 4",
    "T10 Determine necessity to stop indication",
    "T11 Create document X request unlicensed",
    "T12 Check document X request unlicensed",
    "T13 Adjust document X request unlicensed",
    "T14 Determine document X request unlicensed",
    "T15 Print document X request unlicensed",
    "T16 Report reasons to hold request",
    "T17 Check report Y to stop indication",
    "T18 Adjust report Y to stop indicition",
    "T19 Determine report Y to stop indication",
    "T20 Print report Y to stop indication",
}


def row(**said: str) -> dict[str, str]:
    told = {
        "case:channel": "Internet",
        "case:concept:name": "case-901",
        "case:deadline": "2031-05-01 12:00:00+02:00",
        "case:enddate": "2031-04-20 09:00:00.250000+02:00",
        "case:startdate": "2031-03-29 23:30:00+01:00",
        "concept:name": "Confirmation of receipt",
        "lifecycle:transition": "complete",
        "org:group": "EMPTY",
        "org:resource": "R1",
        "time:timestamp": "2031-03-29 23:40:00.123000+01:00",
    }
    return told | {name.replace("__", ":"): value for name, value in said.items()}


def case(*rows: dict[str, str]) -> list[Case]:
    return gather(rows)


TWO = (
    row(),
    row(
        concept__name="T06 Determine necessity of stop advice",
        org__group="Group 1",
        time__timestamp="2031-04-01 08:00:00+02:00",
    ),
)


def records(pushes: list[Push], facet: str) -> list[dict[str, object]]:
    return [push.record for push in pushes if push.record["facet"] == facet]


def test_every_activity_of_the_log_has_a_state() -> None:
    assert set(MAPPING.states) == ACTIVITIES


def test_no_activity_ends_a_dossier() -> None:
    assert set(MAPPING.states.values()) == {
        Status.ACCEPTED,
        Status.IN_PROGRESS,
        Status.SUPPLEMENT,
    }


def test_an_unknown_activity_is_refused_by_row_and_name() -> None:
    with pytest.raises(HubError) as refused:
        build(MAPPING, case(row(), row(concept__name="T99 Dance")))
    assert refused.value.reason is Reason.STATUS_UNKNOWN
    assert refused.value.detail == (
        "row 3: concept:name 'T99 Dance' is not in [states] of hub/replay/mapping.toml"
    )


def test_an_unknown_channel_is_refused() -> None:
    with pytest.raises(HubError) as refused:
        build(MAPPING, case(row(case__channel="Pigeon")))
    assert refused.value.reason is Reason.REF_UNKNOWN
    assert "row 2: case:channel 'Pigeon'" in refused.value.detail


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        ({"time__timestamp": "2031-03-29 23:40:00"}, "time:timestamp"),
        ({"time__timestamp": "2031-02-30 23:40:00+01:00"}, "time:timestamp"),
        ({"case__deadline": "soon"}, "case:deadline"),
        ({"lifecycle__transition": "start"}, "lifecycle:transition"),
        ({"case__concept__name": "case-x"}, "case:concept:name"),
    ],
)
def test_a_row_that_cannot_be_is_refused_by_number(wrong: dict[str, str], column: str) -> None:
    with pytest.raises(HubError, match=f"row 2: {column}"):
        case(row(**wrong))


def test_rows_of_one_case_may_not_contradict_each_other() -> None:
    with pytest.raises(HubError, match="row 3"):
        case(row(), row(case__channel="Post"))


def test_a_log_without_a_column_is_refused() -> None:
    with pytest.raises(HubError, match="org:group"):
        case({name: text for name, text in row().items() if name != "org:group"})


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(HubError, match="no events"):
        case()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"Confirmation of receipt" = "accepted"', b'"Confirmation of receipt" = "acepted"'),
        (b'tells = "status"', b'tells = "status"\ncolour = "red"'),
        (b'role = "desk"', b'role = "cellar"'),
        (b'groups = ["*"]', b'groups = ["EMPTY", "*"]'),
    ],
)
def test_a_misspelt_mapping_is_refused(old: bytes, new: bytes) -> None:
    from importlib import resources

    text = (resources.files("hub.replay") / "mapping.toml").read_bytes()
    assert old in text
    with pytest.raises((ValidationError, ValueError)):
        read_mapping(text.replace(old, new, 1))


def test_each_system_tells_only_its_own_events_in_its_own_codes() -> None:
    pushes = build(MAPPING, case(*TWO))
    assert [(p.connection, p.record["code"], p.record["facet"]) for p in pushes] == [
        ("one-stop-desk", "A/case-901", "reception"),
        ("one-stop-desk", "A/case-901", "step"),
        ("permit-office", "B/901", "reception"),
        ("permit-office", "B/901", "step"),
        ("permit-office", "B/901", "result"),
    ]
    assert sum(push.is_event for push in pushes) == 2


def test_the_national_code_that_ties_them_has_the_day_the_log_wrote() -> None:
    told = {str(r["national_code"]) for r in records(build(MAPPING, case(*TWO)), "reception")}
    assert told == {"H50.90-310329-901"}


def test_offsets_stay_as_the_log_wrote_them() -> None:
    reception, _ = records(build(MAPPING, case(*TWO)), "reception")
    assert reception["accepted_at"] == "2031-03-29T23:30:00+01:00"
    assert reception["due_at"] == "2031-05-01T12:00:00+02:00"
    assert reception["updated_at"] == "2031-03-29T23:40:00.123000+01:00"


def test_the_desk_tells_a_state_and_the_office_its_sheet_so_far() -> None:
    again = row(
        concept__name="T10 Determine necessity to stop indication",
        org__group="Group 3",
        time__timestamp="2031-04-02 08:00:00+02:00",
    )
    desk, first, second = records(build(MAPPING, case(*TWO, again)), "step")
    assert desk["status"] == "accepted"
    assert "history" not in desk
    assert "status" not in first
    assert [len(r["history"]) for r in (first, second)] == [1, 2]  # type: ignore[arg-type]
    assert second["history"][1] == {  # type: ignore[index]
        "status": "in_progress",
        "at": "2031-04-02T08:00:00+02:00",
        "officer": "R1",
        "unit": "Group 3",
        "note": "T10 Determine necessity to stop indication",
    }


def test_whoever_saw_the_last_event_states_the_end_and_no_end_is_no_statement() -> None:
    late = row(time__timestamp="2031-04-25 08:00:00+02:00")
    pushes = build(MAPPING, case(late, TWO[1]))
    (end,) = records(pushes, "result")
    assert end["code"] == "A/case-901"
    assert end["finished_at"] == end["updated_at"] == "2031-04-20T09:00:00.250000+02:00"
    assert records(build(MAPPING, case(row(case__enddate=""))), "result") == []


def test_every_push_is_a_record_the_hub_takes() -> None:
    for push in build(MAPPING, case(*TWO)):
        now = datetime.fromisoformat("2031-06-01T00:00:00+07:00")
        assert isinstance(to_record(push.record, 0, now=now), Record)


def test_equal_times_in_one_system_are_counted() -> None:
    other = row(concept__name="T02 Check confirmation of receipt")
    assert count_equal_times(build(MAPPING, case(*TWO))) == 0
    assert count_equal_times(build(MAPPING, case(*TWO, other))) == 1


def many(count: int = 100) -> list[Push]:
    rows = []
    for number in range(count):
        at = datetime.fromisoformat(TWO[0]["time:timestamp"]) + timedelta(minutes=number)
        group = ("EMPTY", "Group 1")[number % 2]
        rows.append(row(time__timestamp=at.isoformat(" "), org__group=group))
    return build(MAPPING, case(*rows))


def test_in_order_every_push_goes_once_and_to_its_own_connection() -> None:
    pushes = many()
    calls = plan(pushes, None)
    assert sorted(place for call in calls for place in call.places) == list(range(len(pushes)))
    assert not any(call.is_answer_lost for call in calls)
    for call in calls:
        assert {pushes[place].connection for place in call.places} == {call.connection}


def test_chaos_shuffles_doubles_and_loses_a_twentieth_of_the_answers() -> None:
    pushes = many()
    calls = plan(pushes, 7)
    places = [place for call in calls for place in call.places]
    assert sorted(places) == sorted([*range(len(pushes))] * 2)
    assert places != sorted(places)
    lost = sum(call.is_answer_lost for call in calls)
    assert lost - 1 < len(calls) / 20 <= lost
    assert max(len(call.places) for call in calls) <= MOST_PER_CALL
    for call in calls:
        assert {pushes[place].connection for place in call.places} == {call.connection}


def test_a_seed_gives_one_chaos_and_another_seed_another() -> None:
    pushes = many()
    assert plan(pushes, 7) == plan(pushes, 7)
    assert plan(pushes, 7) != plan(pushes, 8)


async def test_the_failure_of_one_worker_stops_all_and_is_told_as_it_is() -> None:
    at_work = iter(range(100))
    stopped = []

    async def work() -> None:
        if next(at_work) == 3:
            raise HubError(Reason.NET_RESET)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.append(1)
            raise

    with pytest.raises(HubError, match="NET_RESET"):
        await by_workers(work)
    assert len(stopped) == next(at_work) - 1
