"""Named transforms: one wire value turned, or the reason why not. Nothing is guessed."""

from datetime import UTC, datetime, timedelta

import pytest

from canonical.clock import HCM
from canonical.mapping.transforms import Bad, named
from canonical.reasons import Reason


def refusal(name: str, value: object) -> Reason:
    with pytest.raises(Bad) as bad:
        named(name)(value)
    return bad.value.reason


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=HCM)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("trim", "  Đông Hà \n", "Đông Hà"),
        ("trim", 5, 5),
        ("text", "a", "a"),
        ("text", 12, "12"),
        ("nfc", "Đo\u0302ng", "Đông"),
        ("nfc", None, None),
        ("spaces", " Trần  Thị\n B ", "Trần Thị B"),
        ("spaces", 5, 5),
        ("upper", "h50.12", "H50.12"),
        ("upper", 5, 5),
        ("lower", "ĐÔNG", "đông"),
        ("lower", [], []),
        ("int", 7, 7),
        ("int", " -12 ", -12),
        ("int", "007", 7),
        ("dong", 100000, 100000),
        ("dong", "100000", 100000),
        ("dong", "1.234.567", 1234567),
        ("dong", "1,234,567", 1234567),
        ("dong", " 50.000 ", 50000),
        ("dong", "-50.000", -50000),
        ("dong", "0", 0),
        ("phone", "0912 345 678", "0912345678"),
        ("phone", "0912.345.678", "0912345678"),
        ("phone", "+84 912 345 678", "0912345678"),
        ("phone", 912345678, "0912345678"),
        ("phone", "0233 3852 xxx", "0233 3852 xxx"),
        ("phone", "0912345678/0987654321", "0912345678/0987654321"),  # two are not one
        ("phone", "0912345678 máy lẻ 5", "0912345678 máy lẻ 5"),
        ("phone", "không có", "không có"),
        ("phone", "+1 202 555 0100", "+1 202 555 0100"),  # abroad: stays as it came
        ("phone", " 113 ", "113"),
        ("tax_code", "9900123459", "9900123459"),
        ("tax_code", "9900123459-001", "9900123459001"),
        ("tax_code", " 99 00123459 ", "9900123459"),
    ],
)
def test_a_value_in_its_declared_form_is_turned(name, value, told):
    assert named(name)(value) == told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", 1.5),
        ("text", True),
        ("text", None),
        ("text", ["a"]),
        ("int", True),
        ("int", 1.0),
        ("int", "1.0"),
        ("int", "--1"),
        ("int", "1 2"),
        ("int", "１２"),
        ("int", "1_000"),
        ("int", "0x10"),
        ("int", ""),
        ("int", "9" * 5000),
        ("int", float("inf")),
        ("dong", 100000.0),
        ("dong", "100000.50"),
        ("dong", "1.5"),
        ("dong", "1.234,567"),  # one of them may be a fraction
        ("dong", "1.234.56"),
        ("dong", "1234.567"),
        ("dong", "0.500"),
        ("dong", ".500"),
        ("dong", "1..000"),
        ("dong", "100.000 đ"),
        ("tax_code", "9900123450"),  # wrong check digit
        ("tax_code", "12"),
        ("phone", 9.12e8),
    ],
)
def test_a_value_of_another_kind_is_refused_and_not_guessed(name, value):
    assert refusal(name, value) is Reason.FIELD_TYPE


@pytest.mark.parametrize(
    ("form", "value", "told"),
    [
        ("%d/%m/%Y", "01/02/2016", at(2016, 2, 1)),
        ("%d/%m/%Y", " 01/02/2016 ", at(2016, 2, 1)),
        ("%d/%m/%Y", "29/02/2016", at(2016, 2, 29)),
        ("%d/%m/%Y %H:%M:%S", "01/02/2016 23:30:05", at(2016, 2, 1, 23, 30, 5)),
        ("%d-%m-%Y", "31-12-2016", at(2016, 12, 31)),
        ("%Y%m%d", "20160201", at(2016, 2, 1)),
        ("%Y%m%d%H%M%S", "20160201233005", at(2016, 2, 1, 23, 30, 5)),
        ("%Y-%m-%dT%H:%M:%S", "2016-02-01T00:10:00", at(2016, 2, 1, 0, 10)),
        ("%Y-%m-%dT%H:%M:%S%z", "2016-02-01T00:10:00+0000", at(2016, 2, 1, 7, 10)),
    ],
)
def test_a_date_in_its_declared_form_is_a_moment_in_vietnam(form, value, told):
    found = named(f"date:{form}")(value)
    assert found == told
    assert found.tzinfo is not None


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("%d/%m/%Y", "1/2/2016"),
        ("%d/%m/%Y", "01/2/2016"),
        ("%d/%m/%Y", "30/02/2016"),
        ("%d/%m/%Y", "29/02/2015"),
        ("%d/%m/%Y", "2016-02-01"),
        ("%d/%m/%Y", "01/02/16"),
        ("%d/%m/%Y", "02/13/2016"),  # month and day the American way
        ("%d/%m/%Y", "01/02/2016 08:00"),
        ("%d/%m/%Y", "00/00/0000"),
        ("%d/%m/%Y", ""),
        ("%d/%m/%Y", "０１/02/2016"),
        ("%d/%m/%Y", 1022016),
        ("%d/%m/%Y", None),
        ("%d/%m/%Y %H:%M", "01/02/2016 8:05"),
        ("%d/%m/%Y %H:%M", "1/02/2016  08:05"),  # as long as the form, but not in it
        ("%d/%m/%Y %H:%M", "01/02/2016 24:00"),
        ("%Y%m%d", "2016021"),
        ("%Y%m%d", "0001-01-01"),
        ("%Y%m%d%H%M%S", "20160201"),
    ],
)
def test_a_date_in_any_other_form_is_refused(form, value):
    assert refusal(f"date:{form}", value) is Reason.DATE_INVALID


@pytest.mark.parametrize("value", [1456797600000, "1456797600000"])
def test_epoch_milliseconds_are_a_moment(value):
    assert named("epoch_ms")(value) == datetime(2016, 3, 1, 2, tzinfo=UTC)
    assert named("epoch_ms")(value).utcoffset() == timedelta(hours=7)


def test_epoch_keeps_the_milliseconds_and_goes_before_1970():
    assert named("epoch_ms")(1).microsecond == 1000
    assert named("epoch_ms")(-86_400_000) == datetime(1969, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("value", [10**17, -(10**17), 10**400, "9" * 30])
def test_an_epoch_outside_the_calendar_is_an_invalid_date(value):
    assert refusal("epoch_ms", value) is Reason.DATE_INVALID


@pytest.mark.parametrize("value", ["2016-03-01", 1.5, None, True])
def test_an_epoch_is_a_whole_number(value):
    assert refusal("epoch_ms", value) is Reason.FIELD_TYPE


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("2016-03-01T09:00:00+07:00", at(2016, 3, 1, 9)),
        ("2016-03-01T02:00:00Z", at(2016, 3, 1, 9)),
        ("2016-03-01T09:00", datetime(2016, 3, 1, 9)),  # noqa: DTZ001 - naive in, naive out
        ("2016-03-01 09:00:00.250", datetime(2016, 3, 1, 9, 0, 0, 250_000)),  # noqa: DTZ001 - same
    ],
)
def test_iso_text_is_a_moment(value, told):
    assert named("iso")(value) == told


@pytest.mark.parametrize(
    "value",
    ["2016-03-01", "2016-W09-2", "2016-02-30T00:00:00", "01/03/2016 09:00", "x" * 20, 5, None],
)
def test_iso_needs_a_date_that_exists_and_a_time(value):
    assert refusal("iso", value) is Reason.DATE_INVALID


def test_a_promised_day_ends_when_the_office_closes():
    assert named("end_of_day")(at(2016, 3, 8, 0, 0, 1)) == at(2016, 3, 8, 17)
    assert refusal("end_of_day", "08/03/2016") is Reason.DATE_INVALID


def test_an_adapters_own_transform_comes_before_the_hubs():
    own = {"trim": lambda value: "own", "gender": lambda value: value}
    assert named("trim", own)("a") == "own"
    assert named("upper", own)("a") == "A"
    assert named("gender", own)("1") == "1"


@pytest.mark.parametrize("name", ["", "nope", "date", "trim:x", "int:10", "Date:%Y"])
def test_a_name_nobody_defines_is_a_key_error(name):
    with pytest.raises(KeyError):
        named(name)


def test_seconds_since_1970_are_a_moment():
    assert named("epoch_s")("1456912800") == named("epoch_ms")(1456912800000)
    assert refusal("epoch_s", 10**30) is Reason.DATE_INVALID
    assert refusal("epoch_s", "hôm qua") is Reason.FIELD_TYPE
