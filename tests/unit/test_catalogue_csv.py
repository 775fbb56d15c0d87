"""A catalogue out of a CSV file: every kind of line, and which line is wrong."""

from datetime import date

import pytest
from msgspec import structs

from canonical import catalogue
from canonical.agencies import Agency, Level, Succession
from canonical.catalogue import Books, CatalogueData, ProcedureFacts
from hub.commands.catalogue_csv import CsvFault, merged_into

WHOLE = """\
kind,code,name,parent,level,valid_from,valid_to,old,new,on,domain,duration,duration_unit,precedence,day,text
agency,000.00.12.H50,UBND thành phố Đông Hà,H50,district,,2025-07-01,,,,,,,,,
agency,H50.40.01,UBND phường Đông Hà,H50,commune,2025-07-01,,,,,,,,,,
succession,,,,,,,H50.12,H50.40.01,2025-07-01,,,,,,
procedure,1.002835,Cấp giấy phép,,,,,,,,Đường bộ,10,working_day,"{""work"": [""desk""]}",,
procedure,1.001612,Đăng ký hộ kinh doanh,,,,,,,,,,,,,
day,,,,,,,,,,,,,,2026-01-02,off
day,,,,,,,,,,,,,,2026-02-16,"07:00-11:30,13:30-15:00"
"""


def test_every_kind_of_line_is_taken() -> None:
    found = merged_into(CatalogueData(), WHOLE)
    ended = date(2025, 7, 1)
    assert found.agencies == (
        Agency("H50.12", "UBND thành phố Đông Hà", "H50", None, ended, Level.DISTRICT),
        Agency("H50.40.01", "UBND phường Đông Hà", "H50", ended, None, Level.COMMUNE),
    )
    assert found.successions == (Succession("H50.12", "H50.40.01", ended),)
    assert found.procedures == (
        ProcedureFacts("1.001612", "Đăng ký hộ kinh doanh"),
        ProcedureFacts(
            "1.002835",
            "Cấp giấy phép",
            "Đường bộ",
            "10",
            precedence={"work": ["desk"]},
        ),
    )
    assert found.days == {date(2026, 1, 2): "off", date(2026, 2, 16): "07:00-11:30,13:30-15:00"}


def test_a_catalogue_survives_being_kept_days_included() -> None:
    found = merged_into(CatalogueData(), WHOLE)
    assert catalogue.decode(catalogue.encode(found)) == found
    backwards = CatalogueData(
        found.agencies, found.successions, found.procedures, dict(reversed(found.days.items()))
    )
    assert catalogue.encode(backwards) == catalogue.encode(found)


def test_a_line_replaces_what_has_its_key_and_leaves_the_rest() -> None:
    found = merged_into(CatalogueData(), WHOLE)
    again = merged_into(found, "kind,code,name\nprocedure,1.001612,Tên mới\n")
    assert [p.name for p in again.procedures] == ["Tên mới", "Cấp giấy phép"]
    assert (again.agencies, again.days) == (found.agencies, found.days)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind,code,name\nagency,H50,Tỉnh\nagenzy,H50,Tỉnh\n", "line 3: no such kind 'agenzy'"),
        ("kind,code\nagency,H50\n", "line 2: no column 'name'"),
        ("kind;code;name\nagency;H50;Tỉnh\n", "line 2: no such kind None"),
        ("kind,code,name,level\nagency,H50,Tỉnh,thôn\n", "line 2: 'thôn' is not a valid Level"),
        ("kind,day,text\nday,30/02/2026,off\n", "line 2: Invalid isoformat string"),
        ("kind,day,text\nday,2026-02-17,sometimes\n", "line 2: working hours are written like"),
        ("kind,code,name,precedence\nprocedure,1,x,{\n", "line 2: Expecting property name"),
    ],
)
def test_what_cannot_be_taken_names_its_line(text: str, told: str) -> None:
    with pytest.raises(CsvFault) as fault:
        merged_into(CatalogueData(), text)
    assert str(fault.value).startswith(told)


def test_a_procedure_is_valid_between_its_days() -> None:
    text = "kind,code,name,valid_from,valid_to\nprocedure,1.001612,Một,2020-01-01,2026-07-01\n"
    (made,) = merged_into(CatalogueData(), text).procedures
    days = [date(2019, 12, 31), date(2020, 1, 1), date(2026, 6, 30), date(2026, 7, 1)]
    assert [made.holds(day) for day in days] == [False, True, True, False]
    ended = structs.replace(made, valid_to=date(2019, 1, 1))
    books = Books(1, CatalogueData(procedures=(ended,)))
    with pytest.raises(ValueError, match="ends before it begins"):
        books.check()
