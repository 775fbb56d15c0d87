"""Which of two statements is newer: numbers, times, and sources that tell neither."""

from tests.trial import Trial, dossier


async def test_a_late_older_version_is_superseded_and_turns_nothing_back(hub: Trial) -> None:
    made = await hub.take(dossier(1))
    done = dossier(
        1,
        version=3,
        status="finished",
        finished_at="2026-03-09T10:00:00+07:00",
        updated_at="2026-03-09T10:00:00+07:00",
    )
    await hub.take(done)
    asked = dossier(
        1,
        version=2,
        status="supplement",
        channel="post",
        receipt_number="SBN-2",
        updated_at="2026-03-05T10:00:00+07:00",
    )
    late = await hub.push(asked)
    assert (late.fate, late.dossier) == ("superseded", made)
    seen = await hub.read(made)
    assert (seen["status"], seen["finished_at"]) == ("finished", "2026-03-09T10:00:00+07:00")
    assert seen["channel"] == "direct"
    # What no newer version contradicts is said all the same: any order of arrival gives one leg.
    assert seen["receipt_number"] == "SBN-2"
    assert [(h["status"], h["arrived_late"]) for h in await hub.history(made)] == [
        ("in_progress", False),
        ("supplement", True),
        ("finished", False),
    ]
    assert [i["kind"] for i in await hub.feed()] == ["created", "changed", "corrected"]


async def test_a_version_that_is_held_is_a_duplicate_newest_or_not(hub: Trial) -> None:
    told = [dossier(1, version=v, status=s) for v, s in ((1, "accepted"), (2, "in_progress"))]
    for record in told:
        await hub.take(record)
    before = await hub.seq()
    assert [(await hub.push(r)).fate for r in told] == ["duplicate", "duplicate"]
    assert await hub.seq() == before


async def test_a_held_version_with_other_content_is_a_conflict(hub: Trial) -> None:
    made = await hub.take(dossier(1, version=1))
    await hub.take(dossier(1, version=2, status="supplement"))
    for version in (1, 2):
        said = await hub.push(dossier(1, version=version, status="stopped"))
        assert (said.status, said.fate, said.body["field"]) == (
            422,
            "VERSION_CONFLICT",
            "version",
        )
    assert (await hub.read(made))["status"] == "supplement"
    assert len(await hub.history(made)) == 2
    # The other facets have versions of their own.
    step = {"code": "A-00001", "facet": "step", "version": 2, "status": "financial"}
    assert (await hub.push(step)).fate == "applied"


async def test_within_one_list_earlier_records_are_held_for_later_ones(hub: Trial) -> None:
    said = await hub.push(
        [
            dossier(1, version=2),
            dossier(1, version=2),
            dossier(1, version=2, status="stopped"),
            dossier(1, version=1, status="accepted", updated_at="2026-03-01T09:00:00+07:00"),
            dossier(1, version=3, status="finished", updated_at="2026-03-03T09:00:00+07:00"),
        ]
    )
    assert [f[:2] for f in said.fates] == [
        ("applied", None),
        ("duplicate", None),
        ("quarantined", "VERSION_CONFLICT"),
        ("superseded", None),
        ("applied", None),
    ]
    [made] = await hub.find("desk:A-00001")
    assert (await hub.read(made))["status"] == "finished"
    assert [h["status"] for h in await hub.history(made)] == [
        "accepted",
        "in_progress",
        "finished",
    ]
    assert len(await hub.feed()) == 1


async def test_without_numbers_the_time_is_the_version(hub: Trial) -> None:
    def at(day: int, status: str) -> dict[str, object]:
        moment = f"2026-03-{day:02d}T09:00:00+07:00"
        return dossier(1, version=..., status=status, updated_at=moment)

    told = [at(2, "accepted"), at(8, "finished"), at(5, "in_progress")]
    answers = [await hub.push(r) for r in told]
    assert [a.fate for a in answers] == ["applied", "applied", "superseded"]
    assert (await hub.push(at(5, "in_progress"))).fate == "duplicate"
    assert (await hub.read(answers[0].dossier))["status"] == "finished"


async def test_equal_time_and_other_content_is_a_later_step_and_flagged(hub: Trial) -> None:
    made = await hub.take(dossier(1, version=..., status="accepted"))
    assert (await hub.read(made))["findings"] == [
        f for f in (await hub.read(made))["findings"] if f["reason"] != "ORDER_ODD"
    ]
    await hub.take(dossier(1, version=..., status="supplement"))
    seen = await hub.read(made)
    assert seen["status"] == "supplement"
    assert ("ORDER_ODD", "updated_at", "desk:A-00001") in [
        (f["reason"], f["field"], f["about"]) for f in seen["findings"]
    ]
    assert len(await hub.history(made)) == 2


async def test_the_largest_version_is_taken_and_one_more_is_not(hub: Trial) -> None:
    await hub.take(dossier(1, version=2**63 - 1))
    said = await hub.push(dossier(2, version=2**63))
    assert (said.status, said.fate, said.body["field"]) == (422, "FIELD_TYPE", "version")
