"""The timeline: doubles once, event order, arrived late, and a newer full history that retracts."""

from typing import Any

from tests.trial import Trial, dossier


def step(status: str, day: int, **more: Any) -> dict[str, Any]:
    return {"status": status, "at": f"2026-03-{day:02d}T09:00:00+07:00", "officer": "B", **more}


def told(version: int, history: Any, **over: Any) -> dict[str, Any]:
    return dossier(
        1,
        **{
            "version": version,
            "updated_at": f"2026-03-{10 + version}T09:00:00+07:00",
            "history": history,
            **over,
        },
    )


def brief(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(status, day) of entries of the history items alone."""
    return [(h["status"], h["at"][8:10]) for h in items if h["officer"] == "B"]


async def test_a_newer_full_history_replaces_and_what_it_leaves_out_is_retracted(
    hub: Trial,
) -> None:
    made = await hub.take(told(1, [step("accepted", 3), step("stopped", 4), step("financial", 5)]))
    second = await hub.push(told(2, [step("accepted", 3), step("supplement", 6)]))
    seq = await hub.seq()
    items = await hub.history(made)
    by_status = {h["status"]: h for h in items if h["officer"] == "B"}
    assert set(by_status) == {"accepted", "stopped", "financial", "supplement"}
    for kept in ("accepted", "supplement"):
        assert by_status[kept]["retracted_by"] is None
    for gone in ("stopped", "financial"):
        assert by_status[gone]["retracted_by"] == second.receipt
        assert by_status[gone]["retracted_seq"] == seq
    # As known before, nothing was retracted and nothing newer was known.
    before = await hub.history(made, known_at=seq - 1)
    assert {h["status"] for h in before if h["officer"] == "B"} == {
        "accepted",
        "stopped",
        "financial",
    }


async def test_what_is_told_again_after_a_retraction_stands_again(hub: Trial) -> None:
    made = await hub.take(told(1, [step("accepted", 3), step("financial", 5)]))
    await hub.take(told(2, [step("accepted", 3)]))
    await hub.take(told(3, [step("accepted", 3), step("financial", 5)]))
    items = [h for h in await hub.history(made) if h["officer"] == "B"]
    assert [(h["status"], h["retracted_by"]) for h in items] == [
        ("accepted", None),
        ("financial", None),
    ]


async def test_a_records_own_word_is_never_retracted_by_a_history(hub: Trial) -> None:
    own = {"status": "in_progress", "at": "2026-03-11T09:00:00+07:00"}
    made = await hub.take(told(1, [own, step("accepted", 3)]))
    await hub.take(told(2, [step("accepted", 3)]))
    await hub.take(told(3, []))
    items = [(h["status"], h["at"][8:10], h["retracted_by"]) for h in await hub.history(made)]
    assert [i for i in items if i[2] is None] == [
        ("in_progress", "11", None),
        ("in_progress", "12", None),
        ("in_progress", "13", None),
    ]


async def test_an_empty_or_null_history_retracts_all_and_an_absent_one_nothing(hub: Trial) -> None:
    for number, (history, is_gone) in enumerate([([], True), (None, True), (..., False)]):
        code = f"R-{number}"
        made = await hub.take(told(1, [step("financial", 5)], code=code, national_code=None))
        await hub.take(told(2, history, code=code, national_code=None))
        [item] = [h for h in await hub.history(made) if h["officer"] == "B"]
        assert (item["retracted_by"] is not None) is is_gone, history


async def test_a_superseded_full_history_retracts_nothing_and_is_retracted_itself(
    hub: Trial,
) -> None:
    made = await hub.take(told(2, [step("accepted", 3), step("supplement", 6)]))
    late = await hub.push(told(1, [step("accepted", 3), step("financial", 5)]))
    assert late.fate == "superseded"
    by_status = {h["status"]: h for h in await hub.history(made) if h["officer"] == "B"}
    assert by_status["supplement"]["retracted_by"] is None
    assert by_status["accepted"]["retracted_by"] is None
    assert by_status["accepted"]["arrived_late"] is False
    # It came late with a step that the newer full history had dropped already.
    assert by_status["financial"]["arrived_late"] is True
    assert by_status["financial"]["retracted_by"] is not None


async def test_histories_in_either_order_of_arrival_leave_the_same_live_entries(
    hub: Trial,
) -> None:
    live = []
    for number, order in enumerate(((1, 2, 3), (3, 2, 1), (2, 3, 1))):
        histories = {
            1: [step("accepted", 3), step("financial", 5)],
            2: [step("accepted", 3), step("supplement", 6)],
            3: [step("accepted", 3), step("supplement", 6), step("in_progress", 8)],
        }
        for version in order:
            over = {"code": f"O-{number}", "national_code": None}
            said = await hub.push(told(version, histories[version], **over))
        items = await hub.history(said.dossier)
        live.append([(h["status"], h["at"]) for h in items if h["retracted_by"] is None])
    assert live[0] == live[1] == live[2]


async def test_a_retracted_step_no_longer_tells_how_the_dossier_stood(hub: Trial) -> None:
    """The interim state at a day is read from live entries alone."""

    async def waiting_on_the_sixth() -> int:
        counted = await hub.indicators("H50.12", "2026-03-01", "2026-03-31", as_of="2026-03-06")
        return int(counted["buckets"]["waiting"])

    await hub.take(told(1, [step("accepted", 3), step("supplement", 5)]))
    assert await waiting_on_the_sixth() == 1
    await hub.take(told(2, [step("accepted", 3)]))
    assert await waiting_on_the_sixth() == 0


async def test_doubles_of_one_facet_are_told_once_and_of_two_facets_twice(hub: Trial) -> None:
    at = "2026-03-04T09:00:00+07:00"
    same = {"status": "supplement", "updated_at": at}
    made = await hub.take(dossier(1, **same))
    await hub.take(dossier(1, **same, version=2, channel="post"))
    assert len(await hub.history(made)) == 1
    await hub.take({"code": "A-00001", "facet": "step", "version": 1, **same})
    assert [(h["status"], h["facet"]) for h in await hub.history(made)] == [
        ("supplement", "snapshot"),
        ("supplement", "step"),
    ]
    # The officer and the unit tell two entries of one moment apart.
    history = [
        {"status": "supplement", "at": at, "officer": "B"},
        {"status": "supplement", "at": at, "officer": "C"},
        {"status": "supplement", "at": at, "officer": "C", "unit": "U"},
        {"status": "supplement", "at": at, "officer": "C", "unit": "U", "note": "another note"},
    ]
    await hub.take(dossier(1, **same, version=3, history=history))
    assert len(await hub.history(made)) == 5


async def test_naive_times_are_at_plus_seven_and_order_is_event_time(hub: Trial) -> None:
    history = [
        {"status": "finished", "at": "2026-03-09T23:30:00"},
        {"status": "accepted", "at": "2026-03-03T01:00:00Z"},
        {"status": "in_progress", "at": "2026-03-03T08:30:00+07:00"},
    ]
    made = await hub.take(dossier(1, history=history, updated_at="2026-03-10T09:00:00+07:00"))
    assert [(h["status"], h["at"]) for h in await hub.history(made)] == [
        ("accepted", "2026-03-03T08:00:00+07:00"),
        ("in_progress", "2026-03-03T08:30:00+07:00"),
        ("finished", "2026-03-09T23:30:00+07:00"),
        ("in_progress", "2026-03-10T09:00:00+07:00"),
    ]


async def test_date_fields_make_no_entries(hub: Trial) -> None:
    moment = "2026-03-09T09:00:00+07:00"
    made = await hub.take(
        dossier(1, status="handed_over", finished_at=moment, handed_over_at=moment)
    )
    assert [h["status"] for h in await hub.history(made)] == ["handed_over"]


async def test_every_entry_knows_when_the_hub_learnt_it(hub: Trial) -> None:
    made = await hub.take(dossier(1))
    await hub.take(dossier(2))
    late = dossier(1, version=0, status="accepted", updated_at="2026-03-01T09:00:00+07:00")
    await hub.push(late)
    items = await hub.history(made)
    assert [(h["status"], h["known_seq"], h["arrived_late"]) for h in items] == [
        ("accepted", 3, True),
        ("in_progress", 1, False),
    ]
    assert [h["status"] for h in await hub.history(made, known_at=2)] == ["in_progress"]


async def test_odd_transitions_are_findings_and_never_losses(hub: Trial) -> None:
    made = await hub.take(
        dossier(1, status="handed_over", history=[step("withdrawn", 1), step("supplement", 2)])
    )
    seen = await hub.read(made)
    assert ("TRANSITION_ODD", "withdrawn > supplement") in [
        (f["reason"], f["about"]) for f in seen["findings"]
    ]
    assert len(await hub.history(made)) == 3
