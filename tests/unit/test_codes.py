"""Agency, dossier and procedure codes: both national forms in, one out; foreign ones opaque."""

import uuid

import pytest

from canonical.codes import agency_code, dossier_id, issuing_agency, national_code, procedure_key


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("000.00.19.H50", "H50.19"),
        ("H50.19", "H50.19"),
        ("000.00.00.H50", "H50"),
        ("H50", "H50"),
        ("000.05.19.H50", "H50.19.05"),
        ("012.05.19.H50", "H50.19.05.012"),
        ("012.00.19.H50", "H50.19.00.012"),  # an inner zero stands: two agencies stay two
        ("000.00.123.H50", "H50.123"),
        ("H50.19.05.012", "H50.19.05.012"),
        ("000.00.00.G22", "G22"),
        ("  000.00.19.H50\n", "H50.19"),
    ],
)
def test_both_national_forms_of_an_agency_give_the_new_one(told, kept):
    assert agency_code(told) == kept
    assert agency_code(kept) == kept


@pytest.mark.parametrize(
    "foreign",
    ["45.461", "STTTT", "00.00.19.H50", "000.00.19.h50", "000.00.19.50", "000.00.19.H50.1", ""],
)
def test_an_agency_code_of_another_form_stays_as_it_came(foreign):
    assert agency_code(foreign) == foreign


@pytest.mark.parametrize(
    ("told", "kept", "agency"),
    [
        ("000.00.19.H50-160301-0123", "H50.19-160301-0123", "H50.19"),
        ("H50.19-160301-0123", "H50.19-160301-0123", "H50.19"),
        ("000.00.53.H48-220921-0099", "H48.53-220921-0099", "H48.53"),
        ("G09.20-20260609-0092637", "G09.20-20260609-0092637", "G09.20"),  # ministry form of 2026
        ("H50.12-160301-12345", "H50.12-160301-12345", "H50.12"),  # the counter outgrew four digits
        ("H50.12-160301-001", "H50.12-160301-001", "H50.12"),  # older desks counted in three
        (" 000.00.12.H50-160301-0001 ", "H50.12-160301-0001", "H50.12"),
    ],
)
def test_both_forms_and_lengths_of_a_dossier_code_are_read(told, kept, agency):
    assert national_code(told) == kept
    assert national_code(kept) == kept
    assert issuing_agency(kept) == agency


@pytest.mark.parametrize(
    "foreign",
    [
        "03706/2026/07906",
        "DH/2016/0123",
        "MC-881",
        "H50.12-1603-0123",
        "H50.12-160301-12",
        "H50.12-160301-0123a",
        "-160301-0123",
        "550e8400-e29b-41d4-a716-446655440000",
        "một/hai",
        "",
    ],
)
def test_a_foreign_dossier_code_stays_opaque(foreign):
    assert national_code(foreign) == foreign
    assert issuing_agency(foreign) is None


@pytest.mark.parametrize(
    "spelling",
    ["1.002835", "1.002835.000.00.00.H56", "1.002835.H50", " 1.002835 ", "1.002835.000.00.19.H50"],
)
def test_every_spelling_of_a_procedure_has_one_key(spelling):
    assert procedure_key(spelling) == "1.002835"


@pytest.mark.parametrize("own", ["TTHC-001", "1.00283", "1.0028355", "1.002835.H5", "X.002835"])
def test_a_procedure_code_of_another_form_is_its_own_key(own):
    assert procedure_key(own) == own


def test_two_procedures_do_not_share_a_key():
    assert procedure_key("2.002622.H56") != procedure_key("1.002622.H56")


def test_the_hubs_id_is_a_uuid_that_depends_on_every_part_of_the_leg():
    first = dossier_id("one_stop", "MC-881", 0)
    assert str(uuid.UUID(first)) == first
    assert dossier_id("one_stop", "MC-881", 0) == first
    others = [("two", "MC-881", 0), ("one_stop", "MC-882", 0), ("one_stop", "MC-881", 1)]
    assert len({first, *(dossier_id(*leg) for leg in others)}) == 4
    # a part must not run into the next
    assert dossier_id("a", "bc", 0) != dossier_id("ab", "c", 0)
