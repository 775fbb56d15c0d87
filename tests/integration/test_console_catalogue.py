"""The catalogue changed at the console: what it moves first, then a new version by whom and why."""

import re
from typing import Any

import pytest
from sqlalchemy import text as sql

from canonical.agencies import Agency
from canonical.catalogue import ProcedureFacts
from canonical.reasons import Reason
from store import catalogue, reads
from store.tables import CatalogueVersion, table
from sync.shown import findings_of
from tests.signed import Browser, signed_in
from tests.trial import Trial, dossier

ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
PLAN, SAVE = "/console/catalogue/plan", "/console/catalogue/save"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
TUESDAY = "2026-03-10"
IDS = sql("SELECT public_id FROM dossier ORDER BY id")


def held(hub: Trial) -> Any:
    with hub.store.read() as tx:
        return catalogue.load_books(tx, catalogue.current_version(tx))


async def filled(hub: Trial) -> None:
    hub.catalogue(
        agencies=[Agency("H50.12", "UBND thành phố Đông Hà")],
        procedures=[ProcedureFacts("1.001612", "Đăng ký hộ kinh doanh", duration="10")],
    )
    for number in (1, 2):
        await hub.take(dossier(number))


def unlisted(hub: Trial) -> list[bool]:
    """Whether each dossier, as it is read now, is of a procedure that is not in force."""
    with hub.store.read() as tx:
        books = catalogue.load_books(tx, catalogue.current_version(tx))
        found = [reads.load_dossier(tx, one) for one in tx.scalars(IDS).all()]
    wanted = Reason.UNLISTED_PROCEDURE.value
    told = [findings_of(one, books, "vi") for one in found if one is not None]
    return [any(finding["reason"] == wanted for finding in one) for one in told]


async def planned(browser: Browser, **form: str) -> tuple[str, dict[str, str]]:
    said = await browser.post(PLAN, headers={"HX-Request": "true"}, **form)
    text = said.raw.decode()
    assert said.status == 200, text[-900:]
    return text, {name: value for name, value in HIDDEN.findall(text) if name != "token"}


async def test_a_day_off_is_shown_with_what_it_moves_and_saved_as_a_version(hub: Trial) -> None:
    await filled(hub)
    browser = signed_in(hub, "administrator")
    page = await browser.text("/console/calendar", year=2026)
    assert PLAN in page
    before = held(hub).version
    text, form = await planned(browser, what="day", on=TUESDAY, said="off", worked_on="2026-03-21")
    assert "<html" not in text
    assert "2 trong 2 hồ sơ" in text
    assert "Hạn mà sở đã hứa không đổi" in text
    assert held(hub).version == before  # nothing is saved yet
    assert (await browser.post(SAVE, **form)).status == 422  # it wants a reason
    said = await browser.post(SAVE, reason="UBND tỉnh cho nghỉ", **form)
    assert said.headers["location"] == "/console/calendar?year=2026"
    books = held(hub)
    assert books.version == before + 1
    assert {str(day): said for day, said in books.data.days.items()} == {
        TUESDAY: "off",
        "2026-03-21": "worked",
    }
    with hub.store.read() as tx:
        kept = tx.execute(table(CatalogueVersion).select()).all()[-1]
        assert catalogue.newest_change(tx) == (kept.actor, kept.created_at, "UBND tỉnh cho nghỉ")
    assert (kept.actor, kept.reason) == ("administrator 0", "UBND tỉnh cho nghỉ")
    assert "UBND tỉnh cho nghỉ" in await browser.text("/console/calendar", year=2026)
    # A form of before is out of date; the page shows it over the new catalogue.
    said = await browser.post(SAVE, reason="lần nữa", **{**form, "on": "2026-03-11"})
    assert said.status == 409
    assert "vừa được người khác đổi" in said.raw.decode()
    assert held(hub).version == before + 1
    text, form = await planned(browser, what="day", on=TUESDAY, said="remove")
    assert (await browser.post(SAVE, reason="nhầm ngày", **form)).status == 303
    assert [str(day) for day in held(hub).data.days] == ["2026-03-21"]
    text, _ = await planned(browser, what="day", on=TUESDAY, said="remove")
    assert "không có gì để lưu" in text


@ONE_STORE
async def test_an_agency_and_a_procedure_are_ended_and_opened_again(hub: Trial) -> None:
    await filled(hub)
    browser = signed_in(hub, "administrator")
    text, form = await planned(
        browser, what="agency", code="H50.12", valid_from="", until="2026-07-01"
    )
    assert "2 hồ sơ đang giải quyết do cơ quan này" in text
    assert (await browser.post(SAVE, reason="sáp nhập", **form)).status == 303
    assert str(held(hub).data.agencies[0].valid_to) == "2026-07-01"
    assert "01/07/2026" in await browser.text("/console/agencies")
    text, form = await planned(browser, what="procedure", code="1.001612", until="2026-03-02")
    assert "2 hồ sơ đang giải quyết theo thủ tục này" in text
    assert unlisted(hub) == [False, False]
    assert (await browser.post(SAVE, reason="thủ tục bãi bỏ", **form)).status == 303
    assert unlisted(hub) == [True, True]  # accepted on that very day
    assert "02/03/2026" in await browser.text("/console/procedures")
    for until, form_of in (("", "agency"), ("", "procedure")):
        code = "H50.12" if form_of == "agency" else "1.001612"
        _, form = await planned(browser, what=form_of, code=code, valid_from="", until=until)
        assert (await browser.post(SAVE, reason="mở lại", **form)).status == 303
    data = held(hub).data
    assert (data.agencies[0].valid_to, data.procedures[0].valid_to) == (None, None)


@ONE_STORE
@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 422),
        ({"what": "day", "on": "", "said": "off"}, 422),
        ({"what": "day", "on": "2026-02-30", "said": "off"}, 422),
        ({"what": "day", "on": "0001-01-01", "said": "off"}, 422),
        ({"what": "day", "on": TUESDAY, "said": "hours", "hours": "7 giờ"}, 422),
        ({"what": "day", "on": TUESDAY, "said": "khác"}, 422),
        ({"what": "agency", "code": "H50.99"}, 404),
        ({"what": "procedure", "code": "khong-co"}, 404),
    ],
)
async def test_what_cannot_be_is_refused(hub: Trial, form: dict[str, str], status: int) -> None:
    hub.catalogue(agencies=[Agency("H50.12", "A")])
    browser = signed_in(hub, "administrator")
    before = held(hub).version
    assert (await browser.post(PLAN, **form)).status == status
    assert (await browser.post(SAVE, reason="x", seen=str(before), **form)).status == status
    assert held(hub).version == before


@ONE_STORE
async def test_only_an_administrator_changes_the_catalogue(hub: Trial) -> None:
    hub.catalogue(agencies=[Agency("H50.12", "A")])
    browser = signed_in(hub, "operator")
    for page in ("calendar", "agencies", "procedures"):
        assert PLAN not in await browser.text(f"/console/{page}")
    form = {"what": "day", "on": TUESDAY, "said": "off", "seen": "1", "reason": "x"}
    assert (await browser.post(PLAN, **form)).status == 403
    assert (await browser.post(SAVE, **form)).status == 403
    assert held(hub).version == 1
