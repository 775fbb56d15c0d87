"""Legs of several departments that are one case: joined, joined late, split, doubtful."""

import itertools
from typing import Any

from store import quarantine
from sync import resolve
from tests.trial import PUSH, Trial, dossier

NATIONAL = "H50.12-260302-0777"


def desk(code: str = "T-1", **over: Any) -> dict[str, Any]:
    return dossier(**{"code": code, "national_code": NATIONAL, **over})


def land(code: str = "L-1", **over: Any) -> dict[str, Any]:
    """The same case at another department, a day later."""
    return desk(
        code,
        **{
            "agency": "H50.09",
            "updated_at": "2026-03-03T09:00:00+07:00",
            "status": "supplement",
            **over,
        },
    )


async def kinds(hub: Trial, after: int) -> list[tuple[str, str, str | None]]:
    return [(i["kind"], i["dossier"], i.get("into")) for i in await hub.feed(after)]


def legs_of(seen: dict[str, Any]) -> set[tuple[str, str]]:
    return {(leg["namespace"], leg["code"]) for leg in seen["legs"]}


def doubts(seen: dict[str, Any]) -> set[str]:
    return {f["about"] for f in seen["findings"] if f["reason"] == "TIE_DOUBTFUL"}


async def test_one_national_code_in_either_form_is_one_dossier(hub: Trial) -> None:
    one = await hub.take(desk())
    before = await hub.seq()
    two = await hub.take(land(national_code="000.00.12.H50-260302-0777"), "land")
    assert one == two
    # A leg that arrives already tied never had an id of its own: changed, not joined.
    assert await kinds(hub, before) == [("changed", one, None)]
    seen = await hub.read(one)
    assert legs_of(seen) == {("desk", "T-1"), ("land", "L-1")}
    assert seen["status"] == "supplement"
    for code in (NATIONAL, "000.00.12.H50-260302-0777", "desk:T-1", "land:L-1"):
        assert await hub.find(code) == [one]


async def test_a_receipt_number_ties_within_its_issuing_agency_alone(hub: Trial) -> None:
    none = {"national_code": None, "receipt_number": "SBN-9", "received_at_agency": "H50.12"}
    one = await hub.take(desk(**none))
    two = await hub.take(land(**none), "land")
    other = await hub.take(land("L-2", **{**none, "received_at_agency": "H50.14"}), "tax")
    assert one == two != other
    assert set(await hub.find("SBN-9")) == {one, other}


async def test_a_declared_link_ties_once_the_other_leg_is_there(hub: Trial) -> None:
    linked = {"national_code": None, "links": [{"namespace": "desk", "code": "T-1"}]}
    alone = await hub.take(land(**linked), "land")
    before = await hub.seq()
    late = await hub.take(desk(national_code=None))
    assert late == alone
    assert await kinds(hub, before) == [("changed", alone, None)]
    assert legs_of(await hub.read(alone)) == {("desk", "T-1"), ("land", "L-1")}


async def test_two_legs_that_name_a_third_unseen_one_are_not_tied(hub: Trial) -> None:
    linked = {"national_code": None, "links": [{"namespace": "desk", "code": "T-1"}]}
    one = await hub.take(land("L-1", **linked), "land")
    two = await hub.take(land("L-1", **linked), "tax")
    assert one != two
    third = await hub.take(desk(national_code=None))
    seen = await hub.read(third)
    assert len(seen["legs"]) == 3


async def test_a_tie_that_arrives_late_joins_and_both_ids_keep_answering(hub: Trial) -> None:
    one = await hub.take(desk())
    two = await hub.take(land(national_code=None), "land")
    assert one != two
    before = await hub.seq()
    late = await hub.take(land(version=2, updated_at="2026-03-04T09:00:00+07:00"), "land")
    assert late == one  # the older of the two lives on
    assert await kinds(hub, before) == [("joined", two, one), ("changed", one, None)]
    for made in (one, two):
        assert (await hub.read(made))["id"] == one
    assert await hub.history(one) == await hub.history(two)
    assert [(h["namespace"], h["status"]) for h in await hub.history(one)] == [
        ("desk", "in_progress"),
        ("land", "supplement"),
        ("land", "supplement"),
    ]
    listed = [i["id"] for i in (await hub.get(PUSH))["items"]]
    assert listed == [one]
    assert (await hub.indicators("H50", "2026-01-01", "2026-12-31"))["total"] == 1


async def test_a_null_national_code_withdraws_the_tie_and_restores_the_old_id(hub: Trial) -> None:
    one = await hub.take(desk())
    two = await hub.take(land(national_code=None), "land")
    await hub.take(land(version=2, updated_at="2026-03-04T09:00:00+07:00"), "land")
    before = await hub.seq()
    gone = await hub.push(
        land(version=3, national_code=None, updated_at="2026-03-05T09:00:00+07:00"), "land"
    )
    assert (gone.fate, gone.dossier) == ("applied", two)
    assert sorted(await kinds(hub, before)) == sorted(
        [("restored", two, None), ("split", one, None)]
    )
    assert legs_of(await hub.read(one)) == {("desk", "T-1")}
    assert legs_of(await hub.read(two)) == {("land", "L-1")}
    assert (await hub.read(one))["status"] == "in_progress"
    # A code once given keeps answering: it leads to both living ones now.
    assert set(await hub.find(NATIONAL)) == {one, two}
    assert (await hub.indicators("H50", "2026-01-01", "2026-12-31"))["total"] == 2
    assert {h["namespace"] for h in await hub.history(one)} == {"desk"}
    # And tied again, the same id lives.
    before = await hub.seq()
    again = land(version=4, updated_at="2026-03-06T09:00:00+07:00")
    assert await hub.take(again, "land") == one
    assert await kinds(hub, before) == [("joined", two, one), ("changed", one, None)]


async def test_a_leg_that_never_had_an_id_gets_one_when_it_is_split_off(hub: Trial) -> None:
    one = await hub.take(desk())
    assert await hub.take(land(), "land") == one
    before = await hub.seq()
    gone = land(version=2, national_code=None, updated_at="2026-03-05T09:00:00+07:00")
    two = await hub.take(gone, "land")
    assert two != one
    assert {k[:2] for k in await kinds(hub, before)} == {("split", one), ("created", two)}


async def test_the_founder_may_leave_and_its_id_stays_with_the_rest(hub: Trial) -> None:
    one = await hub.take(desk())
    two = await hub.take(land(), "land")
    assert one == two
    left = desk(version=2, national_code=None, updated_at="2026-03-05T09:00:00+07:00")
    now = await hub.take(left)
    # Every id keeps answering with a dossier that holds what the id was given for.
    assert legs_of(await hub.read(now)) == {("desk", "T-1")}
    [rest] = await hub.find("land:L-1")
    assert rest != now
    assert legs_of(await hub.read(rest)) == {("land", "L-1")}
    assert now == one


async def test_a_superseded_null_does_not_withdraw_the_tie(hub: Trial) -> None:
    one = await hub.take(desk())
    await hub.take(land(version=5), "land")
    late = land(version=4, national_code=None, updated_at="2026-03-02T08:00:00+07:00")
    assert (await hub.push(late, "land")).fate == "superseded"
    assert len((await hub.read(one))["legs"]) == 2


async def test_a_tie_that_contradicts_is_doubtful_and_joins_nothing(hub: Trial) -> None:
    one = await hub.take(desk())
    wrong = {
        "procedure": {"code": "2.000889"},
        "applicant": {"kind": "person", "name": "Lê Thị Khác"},
    }
    two = await hub.take(land(**wrong), "land")
    assert one != two
    assert doubts(await hub.read(one)) == {"land:L-1"}
    assert doubts(await hub.read(two)) == {"desk:T-1"}
    assert set(await hub.find(NATIONAL)) == {one, two}
    # Corrected at the source, it joins, and the doubt is gone.
    before = await hub.seq()
    right = land(version=2, updated_at="2026-03-04T09:00:00+07:00")
    assert await hub.take(right, "land") == one
    assert ("joined", two, one) in await kinds(hub, before)
    assert doubts(await hub.read(one)) == set()


async def test_other_spellings_of_one_applicant_and_procedure_do_not_contradict(
    hub: Trial,
) -> None:
    one = await hub.take(desk(applicant={"name": "Nguyễn Văn \u0110ức"}))
    spelt = {
        "applicant": {"name": "  NGUYỄN văn \u00d0ức "},
        "procedure": {"code": "1.001612.000.00.00.H50"},
    }
    assert await hub.take(land(**spelt), "land") == one


async def test_two_legs_of_one_namespace_are_never_tied_and_a_third_is_ambiguous(
    hub: Trial,
) -> None:
    for order in itertools.permutations(range(3)):
        tag = "".join(map(str, order))
        code = f"H50.12-260302-1{tag}"
        told = [
            (desk(f"T-{tag}", national_code=code), "desk"),
            (desk(f"U-{tag}", national_code=code), "desk"),
            (land(f"L-{tag}", national_code=code), "land"),
        ]
        for place in order:
            await hub.take(*told[place])
        made = [
            (await hub.find(name))[0]
            for name in (f"desk:T-{tag}", f"desk:U-{tag}", f"land:L-{tag}")
        ]
        assert len(set(made)) == 3, order
        seen = [await hub.read(one) for one in made]
        assert [len(one["legs"]) for one in seen] == [1, 1, 1]
        assert doubts(seen[2]) == {f"desk:T-{tag}", f"desk:U-{tag}"}
        assert doubts(seen[0]) == doubts(seen[1]) == {f"land:L-{tag}"}


async def test_three_departments_in_any_order_are_one_dossier(hub: Trial) -> None:
    pictures = []
    for order in itertools.permutations(range(3)):
        tag = "".join(map(str, order))
        code = f"H50.12-260302-2{tag}"
        told = [
            (desk("T-" + tag, national_code=code), "desk"),
            (land("L-" + tag, national_code=code), "land"),
            (
                {
                    "code": "M-" + tag,
                    "facet": "money",
                    "updated_at": "2026-03-04T09:00:00+07:00",
                    "status": "financial",
                    "fees": [{"amount": 5_000_000}],
                    "links": [{"namespace": "land", "code": "L-" + tag}],
                },
                "tax",
            ),
        ]
        made = [await hub.take(*told[place]) for place in order][-1]
        seen = await hub.read(made)
        own = ("id", "legs", "links", "national_code", "spoke")
        shown = {k: v for k, v in seen.items() if k not in own}
        speakers = {k: v.partition(":")[0] for k, v in seen["spoke"].items()}
        pictures.append((shown, speakers, len(seen["legs"])))
    for picture in pictures:
        assert picture == pictures[0]
    assert pictures[0][2] == 3
    assert pictures[0][0]["status"] == "financial"


async def test_one_batch_may_join_and_make_and_change_at_once(hub: Trial) -> None:
    one = await hub.take(desk())
    two = await hub.take(land(national_code=None), "land")
    before = await hub.seq()
    said = await hub.push(
        [
            land("L-9", national_code=None),
            land(version=2, updated_at="2026-03-04T09:00:00+07:00"),
            land("L-9", version=2, national_code=None, updated_at="2026-03-05T09:00:00+07:00"),
        ],
        "land",
    )
    fresh = said.body["records"][0]["dossier"]
    assert said.body["records"][1]["dossier"] == one
    assert await kinds(hub, before) == [
        ("created", fresh, None),
        ("joined", two, one),
        ("changed", one, None),
    ]


async def test_a_link_to_a_code_given_again_waits_for_somebody_who_knows(hub: Trial) -> None:
    """A tax notice names a code; the code then begins a second case: which is meant is unsaid."""
    ended = {"status": "stopped", "updated_at": "2026-03-05T09:00:00+07:00"}
    first = await hub.take(desk(national_code=None, **ended))
    money = {"code": "M-1", "facet": "money", "version": 1, "status": "financial"}
    linked = {**money, "links": [{"namespace": "desk", "code": "T-1"}]}
    assert await hub.take(linked, "tax") == first
    other = desk(
        version=9,
        national_code=None,
        applicant={"name": "Lê Thị Khác"},
        accepted_at="2026-05-04T09:00:00+07:00",
        updated_at="2026-05-04T09:00:00+07:00",
    )
    assert (await hub.push(other)).fate == "CODE_REUSED"
    with hub.store.read() as tx:
        [reused] = quarantine.list_quarantine(tx)
    outcome = resolve.resolve_as_new(hub.context, reused.id, "nguoi-truc", "mã cấp lại")
    [notice] = await hub.find("tax:M-1")
    assert len({first, outcome.dossiers[0], notice}) == 3
    assert doubts(await hub.read(notice)) == {"desk:T-1"}
    assert doubts(await hub.read(first)) == {"tax:M-1"}
