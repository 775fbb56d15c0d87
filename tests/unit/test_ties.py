"""Which legs are one case: shared claims, contradictions, doubt; whatever the order of arrival."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from canonical.leg import Fold, Told
from canonical.ties import (
    LINK,
    NATIONAL,
    RECEIPT,
    Claim,
    Cluster,
    TieLeg,
    claims_of,
    contradicts,
    tie,
    tie_leg,
)


def leg(
    number: int,
    namespace: str,
    *,
    national: str | None = None,
    receipt: str | None = None,
    links: tuple[str, ...] = (),
    procedure: str | None = None,
    id_number: str | None = None,
    name: str | None = None,
    code: str | None = None,
) -> TieLeg:
    own = f"{namespace}:{code or number}"
    claims = {Claim(LINK, own, own)} | {Claim(LINK, link, link) for link in links}
    if national:
        claims.add(Claim(NATIONAL, national, national))
    if receipt:
        claims.add(Claim(RECEIPT, f"H50.12|{receipt}", receipt))
    return TieLeg(number, namespace, own, frozenset(claims), procedure, id_number, name)


def test_a_shared_claim_joins_across_namespaces() -> None:
    for shared in ({"national": "N"}, {"receipt": "R"}):
        assert tie([leg(1, "a", **shared), leg(2, "b", **shared)]) == Cluster([[1, 2]], {})
    assert tie([leg(1, "a"), leg(2, "b", links=("a:1",))]) == Cluster([[1, 2]], {})
    assert tie([leg(1, "a", national="N"), leg(2, "b", receipt="N")]) == Cluster([[1], [2]], {})


def test_ties_reach_through_a_third() -> None:
    legs = [
        leg(1, "a", national="N"),
        leg(2, "b", national="N", receipt="R"),
        leg(3, "c", receipt="R"),
        leg(4, "d", links=("c:3",)),
        leg(5, "e"),
    ]
    assert tie(legs) == Cluster([[1, 2, 3, 4], [5]], {})


def test_two_of_one_namespace_are_never_tied_and_a_third_is_in_doubt() -> None:
    two = [leg(1, "a", national="N"), leg(2, "a", national="N")]
    assert tie(two) == Cluster([[1], [2]], {})
    assert tie([*two, leg(3, "b", national="N")]) == Cluster(
        [[1], [2], [3]], {1: [3], 2: [3], 3: [1, 2]}
    )


def test_a_declared_link_settles_what_a_shared_code_leaves_in_doubt() -> None:
    legs = [
        leg(1, "a", national="N"),
        leg(2, "a", national="N"),
        leg(3, "b", national="N", links=("a:2",)),
    ]
    assert tie(legs) == Cluster([[1], [2, 3]], {1: [3], 3: [1]})


def test_a_link_to_what_nobody_has_seen_ties_nobody() -> None:
    one, other = leg(1, "a", links=("c:9",)), leg(2, "b", links=("c:9",))
    assert tie([one, other]) == Cluster([[1], [2]], {})
    assert tie([one, other, leg(3, "c", code="9")]) == Cluster([[1, 2, 3]], {})


def test_a_leg_that_names_another_of_its_own_department_does_not_stand_for_it() -> None:
    legs = [leg(3, "a", links=("a:1",)), leg(2, "b", links=("a:1",))]
    assert tie(legs) == Cluster([[2], [3]], {})
    assert tie([*legs, leg(1, "a")]) == Cluster([[1, 2], [3]], {2: [3], 3: [2]})


def test_a_link_to_a_code_of_two_generations_means_the_one_that_fits_or_nobody_knows() -> None:
    first, second = leg(1, "a", code="A", name="x"), leg(2, "a", code="A", name="y")
    linked = {"links": ("a:A",)}
    assert tie([first, second, leg(3, "b", name="y", **linked)]) == Cluster(
        [[1], [2, 3]], {1: [3], 3: [1]}
    )
    assert tie([first, second, leg(3, "b", **linked)]) == Cluster(
        [[1], [2], [3]], {1: [3], 2: [3], 3: [1, 2]}
    )
    # Nor are two that name it one case for that.
    two = [leg(3, "b", **linked), leg(4, "c", **linked)]
    assert len(tie([first, second, *two]).components) == 4


def test_two_legs_of_one_namespace_that_name_a_third_leave_one_outside_in_doubt() -> None:
    found = tie([leg(1, "a", links=("c:3",)), leg(2, "a", links=("c:3",)), leg(3, "c")])
    assert found == Cluster([[1, 3], [2]], {2: [3], 3: [2]})


def test_another_procedure_or_applicant_contradicts() -> None:
    same: dict[str, Any] = {"national": "N"}
    for mine, yours, does in (
        ({"procedure": "1"}, {"procedure": "2"}, True),
        ({"procedure": "1"}, {"procedure": "1"}, False),
        ({"procedure": "1"}, {}, False),
        ({"id_number": "1"}, {"id_number": "2"}, True),
        ({"id_number": "1", "name": "x"}, {"id_number": "1", "name": "y"}, False),
        ({"name": "x"}, {"name": "y"}, True),
        ({"name": "x", "id_number": "1"}, {"name": "x"}, False),
        ({}, {}, False),
    ):
        one, other = leg(1, "a", **same, **mine), leg(2, "b", **same, **yours)
        assert contradicts(one, other) is contradicts(other, one) is does
        expected = Cluster([[1], [2]], {1: [2], 2: [1]}) if does else Cluster([[1, 2]], {})
        assert tie([one, other]) == expected


def test_a_clash_that_a_third_would_carry_in_is_refused() -> None:
    """a and c contradict; b, which says nothing, is tied to both: it may not make them one."""
    legs = [
        leg(1, "a", national="N", name="x"),
        leg(2, "b", national="N", receipt="R"),
        leg(3, "c", receipt="R", name="y"),
    ]
    assert tie(legs) == Cluster([[1, 2], [3]], {2: [3], 3: [2]})
    # Nor two legs of one namespace through a third.
    legs[2] = leg(3, "a", receipt="R")
    found = tie(legs)
    assert sorted(map(len, found.components)) == [1, 2]
    assert not any({1, 3} <= set(c) for c in found.components)


@st.composite
def worlds(draw: st.DrawFn) -> list[TieLeg]:
    """Legs of three departments that share a few codes, some of them contradicting."""
    places = draw(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.integers(1, 4)),
            unique=True,
            min_size=1,
            max_size=7,
        )
    )
    maybe = st.sampled_from
    return [
        leg(
            number,
            namespace,
            code=str(code),
            national=draw(maybe([None, "N", "M"])),
            receipt=draw(maybe([None, None, "R"])),
            links=tuple(draw(st.lists(maybe(["a:1", "b:2", "c:1"]), max_size=1))),
            procedure=draw(maybe([None, "1", "1", "2"])),
            name=draw(maybe([None, "x", "x", "y"])),
        )
        for number, (namespace, code) in enumerate(places)
    ]


def renamed(legs: list[TieLeg], order: list[int]) -> list[TieLeg]:
    """The same legs as they would be numbered had they arrived in another order."""
    return [
        TieLeg(place, *(getattr(legs[old], n) for n in TieLeg.__struct_fields__[1:]))
        for place, old in enumerate(order)
    ]


@given(st.data(), worlds())
def test_the_order_of_arrival_does_not_matter(data: st.DataObject, legs: list[TieLeg]) -> None:
    order = data.draw(st.permutations(range(len(legs))))
    mine, theirs = tie(legs), tie(renamed(legs, order))
    back = dict(enumerate(order))
    assert sorted(sorted(back[i] for i in c) for c in theirs.components) == mine.components
    doubts = {back[i]: sorted(back[o] for o in others) for i, others in theirs.doubtful.items()}
    assert doubts == mine.doubtful


@given(worlds())
def test_a_component_holds_no_namespace_twice_and_no_contradiction(legs: list[TieLeg]) -> None:
    found = tie(legs)
    by_id = {one.id: one for one in legs}
    assert sorted(i for c in found.components for i in c) == sorted(by_id)
    for component in found.components:
        members = [by_id[i] for i in component]
        assert len({m.namespace for m in members}) == len(members)
        assert not any(contradicts(a, b) for a in members for b in members)
    for one, others in found.doubtful.items():
        for other in others:
            assert one in found.doubtful[other]
            assert not any({one, other} <= set(c) for c in found.components)


# ---------------------------------------------------------------- claims out of a leg's fold


def fold(**said: Any) -> Fold:
    place = (1, "2026-03-02T09:00:00+07:00", 1)
    return Fold({"snapshot": {k: Told(v, place, place[1]) for k, v in said.items()}}, {})


def keys(**said: Any) -> set[tuple[str, str, str]]:
    found = claims_of("desk", "A", fold(**said))
    return {(c.kind, c.key, c.code) for c in found} - {(LINK, "desk:A", "desk:A")}


def test_a_leg_claims_its_codes_and_what_it_links_to() -> None:
    assert keys() == set()
    assert keys(national_code="N") == {(NATIONAL, "N", "N")}
    assert keys(national_code=None) == set()
    assert keys(links=[{"namespace": "land", "code": "L"}]) == {(LINK, "land:L", "land:L")}
    assert keys(links=None) == keys(links=[]) == set()


def test_a_receipt_number_counts_within_the_agency_that_issued_it() -> None:
    assert keys(receipt_number="7") == set()
    assert keys(receipt_number="7", agency="H50.12") == {(RECEIPT, "H50.12|7", "7")}
    received = keys(receipt_number="7", agency="H50.12", received_at_agency="H50.14")
    assert received == {(RECEIPT, "H50.14|7", "7")}


def test_what_tying_compares_is_folded_and_keyed() -> None:
    found = tie_leg(
        1,
        "desk",
        "A",
        fold(**{"procedure.code": "1.001612.000.00.00.H50", "applicant.name": " NGUYỄN  Văn A "}),
    )
    assert (found.procedure, found.name, found.id_number) == ("1.001612", "nguyễn văn a", None)


def test_a_claim_in_the_void_does_not_count_but_a_legs_own_code_does() -> None:
    told = fold(national_code="0", links=[{"namespace": "desk", "code": "A"}])
    found = tie_leg(1, "desk", "A", told, {(NATIONAL, "0"), (LINK, "desk:A")})
    assert {(c.kind, c.key) for c in found.claims} == {(LINK, "desk:A")}
