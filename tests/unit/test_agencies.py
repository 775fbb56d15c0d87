"""The catalogue: placing by rows and by dots, moves, successions, scope and rights, circles.

The province used throughout is the placeholder tree (no public list of codes below H50 exists):
three levels until 30 June 2025, two from 1 July 2025.
"""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.agencies import TOPMOST, Agency, Catalogue, CatalogueError, Level, Span, Succession

TWO_LEVELS = date(2025, 7, 1)
BEFORE = date(2025, 6, 30)
MERGER = date(2025, 3, 1)
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def commune(code, name, district):
    """A commune that stays and moves from its district to the province."""
    return (
        Agency(code, name, district, None, TWO_LEVELS, Level.COMMUNE),
        Agency(code, name, "H50", TWO_LEVELS, None, Level.COMMUNE),
    )


PROVINCE = Catalogue(
    (
        Agency("H50", "UBND tỉnh Quảng Trị", level=Level.PROVINCE),
        Agency("H50.19", "Sở Giao thông Vận tải", valid_to=MERGER, level=Level.DEPARTMENT),
        Agency("H50.29", "Sở Xây dựng", level=Level.DEPARTMENT),
        Agency("H50.40", "Cục Thuế", TOPMOST, level=Level.DEPARTMENT),
        Agency("H50.12", "UBND TP Đông Hà", valid_to=TWO_LEVELS, level=Level.DISTRICT),
        Agency("H50.14", "UBND huyện Vĩnh Linh", valid_to=TWO_LEVELS, level=Level.DISTRICT),
        *commune("H50.14.01", "UBND xã Vĩnh Long", None),  # lay below Vĩnh Linh by its dots
        *commune("H50.61", "UBND xã Cửa Tùng", "H50.14"),  # a code that tells nothing
        Agency("H50.62", "UBND xã Vĩnh Linh", "H50", TWO_LEVELS, None, Level.COMMUNE),
        Agency("H50.63", "UBND phường Đông Hà", "H50", TWO_LEVELS, None, Level.COMMUNE),
    ),
    (
        Succession("H50.19", "H50.29", MERGER),
        Succession("H50.14", "H50.14.01", TWO_LEVELS),
        Succession("H50.14", "H50.61", TWO_LEVELS),
        Succession("H50.14", "H50.62", TWO_LEVELS),
        Succession("H50.12", "H50.63", TWO_LEVELS),
    ),
)


# -- placing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "top", "is_below"),
    [
        ("H50.97.07", "H50.97", True),
        ("H50.97.07", "H50", True),
        ("H50.97.07", "H50.97.07", True),
        ("H50.97.07", "H50.9", False),
        ("H50.97.07", "H5", False),
        ("H50.97", "H50.97.07", False),
        ("03706/2026/07906", "03706", False),  # foreign codes have no dots to read
    ],
)
def test_a_code_the_catalogue_does_not_hold_is_placed_by_its_dots(code, top, is_below):
    for catalogue in (Catalogue(), PROVINCE):
        assert catalogue.is_below(code, top, date(2016, 1, 1)) is is_below


def test_below_a_held_agency_its_row_says_where_to_go_on():
    # An office of Cửa Tùng, not held: by its dots below H50.61, from there by the row of the day.
    office = "H50.61.05"
    assert PROVINCE.ancestors(office, BEFORE) == ["H50.61", "H50.14", "H50"]
    assert PROVINCE.ancestors(office, TWO_LEVELS) == ["H50.61", "H50"]


def test_a_row_without_a_parent_is_placed_by_its_dots():
    assert PROVINCE.parent_of("H50.14", BEFORE) == "H50"
    assert PROVINCE.parent_of("H50", BEFORE) is None


def test_a_topmost_agency_lies_below_nobody_whatever_its_dots_say():
    assert PROVINCE.ancestors("H50.40", BEFORE) == []
    assert PROVINCE.ancestors("H50.40.03", BEFORE) == ["H50.40"]


def test_an_agency_is_held_from_its_first_day_to_the_day_before_its_end():
    assert PROVINCE.get("H50.14", BEFORE).name == "UBND huyện Vĩnh Linh"
    assert PROVINCE.get("H50.14", TWO_LEVELS) is None
    assert PROVINCE.get("H50.62", BEFORE) is None
    assert PROVINCE.get("H50.62", TWO_LEVELS).level is Level.COMMUNE


def test_codes_of_the_old_form_are_the_same_agencies():
    old = Catalogue(
        (Agency("000.00.14.H50", "Vĩnh Linh", "000.00.00.H50"), Agency("H50.61", "Cửa Tùng", None)),
        (Succession("000.00.14.H50", "000.00.61.H50", TWO_LEVELS),),
    )
    assert old.get("H50.14", BEFORE).parent == "H50"
    assert old.scope("000.00.61.H50", ["H50.14"]) == [
        Span("H50.14", None, TWO_LEVELS, open_on=TWO_LEVELS)
    ]
    assert old.rights(["000.00.00.H50"], "000.00.14.H50", NOW)


def test_three_levels_before_july_2025_and_two_after():
    for xa in ("H50.14.01", "H50.61"):
        assert PROVINCE.is_below(xa, "H50.14", BEFORE)
        assert not PROVINCE.is_below(xa, "H50.14", TWO_LEVELS)
        assert PROVINCE.is_below(xa, "H50", BEFORE)
        assert PROVINCE.is_below(xa, "H50", TWO_LEVELS)


# -- scope --------------------------------------------------------------------------------------


def test_the_province_holds_every_dossier_of_every_code_on_every_day():
    seen = ["H50.14", "H50.14.01", "H50.61", "H50.62", "H50.19", "H50.97.07", "H50"]
    assert PROVINCE.scope("H50", seen) == [Span(code) for code in sorted(seen)]


def test_what_lies_elsewhere_gives_no_span():
    assert PROVINCE.scope("H50", ["H50.40", "H56.01", "G09.20"]) == []
    assert PROVINCE.scope("H50.9", ["H50.97", "H50.97.07"]) == []


def test_a_district_keeps_what_was_accepted_while_its_communes_lay_below_it():
    seen = ["H50.14", "H50.14.01", "H50.61", "H50.62", "H50.12"]
    assert PROVINCE.scope("H50.14", seen) == [
        Span("H50.14"),
        Span("H50.14.01", None, TWO_LEVELS),
        Span("H50.61", None, TWO_LEVELS),
    ]


def test_a_commune_takes_over_what_the_district_left_open():
    carried = Span("H50.14", None, TWO_LEVELS, open_on=TWO_LEVELS)
    for xa in ("H50.14.01", "H50.61", "H50.62"):
        assert PROVINCE.scope(xa, ["H50.12", "H50.14", xa]) == [carried, Span(xa)]


def test_an_office_of_the_district_goes_with_it_but_a_commune_that_stays_does_not():
    # H50.14.90 is held by nobody: an office of the district committee.
    assert PROVINCE.scope("H50.62", ["H50.14.90", "H50.14.01", "H50.61"]) == [
        Span("H50.14.90", None, TWO_LEVELS, open_on=TWO_LEVELS)
    ]


def test_a_held_office_that_ends_with_its_district_is_carried_over_too():
    office = Agency("H50.80", "Văn phòng", "H50.14", None, TWO_LEVELS, Level.UNIT)
    catalogue = Catalogue((*PROVINCE.agencies, office), PROVINCE.successions)
    assert catalogue.scope("H50.62", ["H50.80"]) == [
        Span("H50.80", None, TWO_LEVELS, open_on=TWO_LEVELS)
    ]


def test_an_office_of_an_agency_that_goes_on_is_not_carried_over():
    # Part of the work went to another department, the office itself stayed.
    catalogue = Catalogue(
        (Agency("H50.10", "Sở A"), Agency("H50.11", "Sở B")),
        (Succession("H50.10", "H50.11", MERGER),),
    )
    assert catalogue.scope("H50.11", ["H50.10", "H50.10.02"]) == [
        Span("H50.10", None, MERGER, open_on=MERGER)
    ]


def test_a_code_that_moved_there_and_back_has_two_spans():
    first, second = date(2010, 1, 1), date(2014, 1, 1)
    catalogue = Catalogue(
        (
            Agency("H50.61", "Xã", "H50.14", None, first),
            Agency("H50.61", "Xã", "H50.12", first, second),
            Agency("H50.61", "Xã", "H50.14", second, None),
        )
    )
    assert catalogue.scope("H50.14", ["H50.61", "H50.61.01"]) == [
        Span("H50.61", None, first),
        Span("H50.61", second, None),
        Span("H50.61.01", None, first),
        Span("H50.61.01", second, None),
    ]
    assert catalogue.scope("H50.12", ["H50.61"]) == [Span("H50.61", first, second)]


def test_a_renewed_row_does_not_cut_a_span():
    catalogue = Catalogue(
        (
            Agency("H50.14", "Huyện", valid_to=MERGER),
            Agency("H50.14", "Huyện, tên mới", valid_from=MERGER),
        )
    )
    assert catalogue.scope("H50", ["H50.14"]) == [Span("H50.14")]


def test_what_was_carried_over_twice_must_have_been_open_both_times():
    later = date(2027, 1, 1)
    catalogue = Catalogue(
        PROVINCE.agencies,
        (*PROVINCE.successions, Succession("H50.62", "H50.70", later)),
    )
    assert catalogue.scope("H50.70", ["H50.14", "H50.62"]) == [
        Span("H50.14", None, TWO_LEVELS, open_on=later),
        Span("H50.62", None, later, open_on=later),
    ]
    assert catalogue.scope("H50.70", ["H50.14", "H50.62"], as_of=date(2026, 12, 31)) == []
    # Only what follows in time is handed on: the district had nothing to give before it ended.
    backwards = Catalogue((), (Succession("A", "B", later), Succession("B", "C", TWO_LEVELS)))
    assert backwards.scope("C", ["A", "B"]) == [Span("B", None, TWO_LEVELS, open_on=TWO_LEVELS)]


def test_of_two_ways_to_a_successor_the_wider_one_is_told():
    later = date(2027, 1, 1)
    catalogue = Catalogue(
        (Agency("C.1", "heir"), Agency("C.2", "heir")),
        (
            Succession("A", "C.1", TWO_LEVELS),
            Succession("A", "C.2", later),
            Succession("C.1", "C.2", later),
        ),
    )
    assert catalogue.scope("C", ["A"]) == [
        Span("A", None, TWO_LEVELS, open_on=TWO_LEVELS),
        Span("A", None, later, open_on=later),
    ]


# -- rights -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tops", "code", "may"),
    [
        ({"H50"}, "H50.14", True),
        ({"H50"}, "H50.97.07", True),
        ({"H50.9"}, "H50.97", False),
        ({"H50.12", "H50.14"}, "H50.61", True),  # lay below it once
        ({"H50.14"}, "H50.62", False),  # never did
        ({"H50.62"}, "H50.14", True),  # took over from it
        ({"H50.62"}, "H50.14.90", True),  # and from its offices
        ({"H50.62"}, "H50.61", False),  # not from its neighbours
        ({"H50.63"}, "H50.14", False),
        ({"H50.29"}, "H50.19", True),
        ({"H50.19"}, "H50.29", False),  # the predecessor has no claim on the successor
        ({"H50"}, "H50.40", False),
        (set(), "H50.14", False),
    ],
)
def test_rights_reach_below_and_back_to_predecessors(tops, code, may):
    assert PROVINCE.rights(tops, code, NOW) is may


def test_what_has_not_happened_yet_gives_no_rights():
    eve = datetime(2025, 6, 30, 16, 59, tzinfo=UTC)  # 23:59 in Quảng Trị
    morning = datetime(2025, 6, 30, 17, 0, tzinfo=UTC)
    assert not PROVINCE.rights({"H50.62"}, "H50.14", eve)
    assert PROVINCE.rights({"H50.62"}, "H50.14", morning)
    moving = Catalogue(
        (
            Agency("H50.61", "Xã", "H50.14", None, TWO_LEVELS),
            Agency("H50.61", "Xã", "H50.12", TWO_LEVELS, None),
        )
    )
    assert not moving.rights({"H50.12"}, "H50.61", eve)
    assert moving.rights({"H50.12"}, "H50.61", morning)


# -- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agencies", "successions", "sentence"),
    [
        (
            [Agency("A", "a", "B"), Agency("B", "b", "C"), Agency("C", "c", "A")],
            [],
            "Agencies lie above each other in a circle: ",
        ),
        (
            [Agency("H50", "p", "H50.12")],  # and H50.12 lies below H50 by its dots
            [],
            "Agencies lie above each other in a circle: ",
        ),
        (
            [Agency("A", "a", "B"), Agency("B", "b", "A", TWO_LEVELS)],
            [],
            "Agencies lie above each other in a circle from 2025-07-01: ",
        ),
        ([Agency("A", "a", "A")], [], "Agencies lie above each other in a circle: A > A."),
        (
            [],
            [Succession("A", "B", MERGER), Succession("B", "A", TWO_LEVELS)],
            "Agencies succeed each other in a circle: ",
        ),
        ([], [Succession("A", "A", MERGER)], "Agencies succeed each other in a circle: A > A."),
        ([], [Succession("A", " ", MERGER)], "A succession of A is not whole."),
        ([Agency(" ", "a")], [], "An agency has no code."),
        (
            [Agency("A", "a", None, TWO_LEVELS, MERGER)],
            [],
            "Agency A ends before it begins.",
        ),
        (
            [Agency("A", "a", None, None, TWO_LEVELS), Agency("A", "b", None, MERGER, None)],
            [],
            "Agency A has two rows on 2025-03-01.",
        ),
        (
            [Agency("000.00.14.H50", "a"), Agency("H50.14", "b")],
            [],
            "Agency H50.14 has two rows on 0001-01-01.",
        ),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused_by_name(agencies, successions, sentence):
    with pytest.raises(CatalogueError) as refusal:
        Catalogue(tuple(agencies), tuple(successions))
    assert str(refusal.value).startswith(sentence)
    for code in {agency.parent for agency in agencies} - {None}:
        assert code in str(refusal.value)


def test_parents_that_change_places_over_time_are_no_circle():
    swapped = Catalogue(
        (
            Agency("A", "a", "B", None, TWO_LEVELS),
            Agency("A", "a", None, TWO_LEVELS),
            Agency("B", "b", None, None, TWO_LEVELS),
            Agency("B", "b", "A", TWO_LEVELS),
        )
    )
    assert swapped.scope("A", ["B"]) == [Span("B", TWO_LEVELS, None)]


# -- laws ---------------------------------------------------------------------------------------

CODES = [f"H{a}" for a in "12"] + [f"H{a}.{b}" for a in "12" for b in "123"] + ["H1.1.1", "H2.3.1"]
TURNS = [date(2020, 1, 1), date(2023, 1, 1), TWO_LEVELS]
ROWS = st.builds(
    lambda code, parent, begin, end: Agency(code, "x", parent, begin, end),
    st.sampled_from(CODES),
    st.sampled_from([None, TOPMOST, *CODES]),
    st.sampled_from([None, *TURNS]),
    st.sampled_from([None, *TURNS]),
)
EDGES = st.builds(
    Succession, st.sampled_from(CODES), st.sampled_from(CODES), st.sampled_from(TURNS)
)
ON_DAYS = st.sampled_from([date(2019, 5, 5), date(2021, 5, 5), date(2024, 5, 5), date(2026, 5, 5)])


@st.composite
def catalogues(draw):
    """Any catalogue that is accepted, built row by row and edge by edge."""
    held = Catalogue()
    for row in draw(st.lists(ROWS, max_size=8)):
        try:
            held = Catalogue((*held.agencies, row), held.successions)
        except CatalogueError:
            continue
    for edge in draw(st.lists(EDGES, max_size=5)):
        try:
            held = Catalogue(held.agencies, (*held.successions, edge))
        except CatalogueError:
            continue
    return held


def covers(span, code, day):
    return (
        span.code == code
        and span.open_on is None
        and (span.from_on or date.min) <= day < (span.to_on or date.max)
    )


@given(catalogues(), st.sampled_from(CODES), st.sampled_from([*CODES, "H1.1.7"]), ON_DAYS)
def test_scope_is_the_tree_of_every_day(catalogue, top, code, day):
    spans = catalogue.scope(top, [code])
    assert any(covers(span, code, day) for span in spans) is catalogue.is_below(code, top, day)


@given(catalogues(), st.sampled_from(CODES), st.sampled_from([*CODES, "H1.1.7"]))
def test_whoever_may_see_a_span_has_rights_over_it(catalogue, top, code):
    spans = catalogue.scope(top, [code], as_of=NOW.date())
    assert catalogue.rights({top}, code, NOW) is bool(spans)


@given(catalogues(), st.sampled_from([*CODES, "H1.1.7", "H2.3.1.9"]), ON_DAYS)
def test_nobody_lies_below_itself(catalogue, code, day):
    above = catalogue.ancestors(code, day)
    assert code not in above
    assert len(set(above)) == len(above)
