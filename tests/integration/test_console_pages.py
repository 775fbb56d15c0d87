"""What the console shows to whom: agencies keep others out, people are masked until asked for."""

from collections.abc import Callable
from typing import Any

import pytest

from canonical.agencies import Agency
from canonical.reasons import Reason
from store import console_views, reads
from store.quarantine import Chosen
from store.rights import EVERYTHING
from store.tables import Act, table
from sync import raw_view
from tests.signed import Browser, signed_in
from tests.trial import Trial, dossier

NAME, NUMBER = "Nguyễn Văn Thử", "045000000001"
PERSON = {"kind": "person", "name": NAME, "id_number": NUMBER, "phone": "0905123456"}
WHOLE_HUB = (
    "/console/receipts",
    "/console/quarantine",
    "/console/deliveries",
    "/console/reconciliation",
    "/console/codes",
    "/console/connections",
)

# Of what is the same whatever the store, one is enough.
ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def told(number: int = 1, **over: Any) -> dict[str, Any]:
    return dossier(number, applicant=PERSON, **over)


async def disclosed(browser: Browser, subject: str, reason: str = "công dân hỏi") -> int:
    said = await browser.post("/console/disclose", subject=subject, reason=reason)
    return said.status


async def test_a_person_is_masked_until_somebody_asks_and_the_asking_is_kept(hub: Trial) -> None:
    own = await hub.take(
        told(
            history=[
                {"status": "in_progress", "at": "2026-03-02T09:00:00+07:00", "note": f"gọi {NAME}"}
            ]
        )
    )
    browser, other = signed_in(hub), signed_in(hub, "administrator")
    page = f"/console/dossiers/{own}"
    listed = await browser.text("/console/dossiers")
    assert NAME not in listed
    assert "N*** V*** T***" in listed
    with hub.store.read() as tx:
        found = reads.load_dossier(tx, own)
        assert found is not None
        step = console_views.list_steps(tx, found.id)[0]
    raw = f"{page}/records/{step.record_id}"
    for path in (page, raw):
        text = await browser.text(path)
        assert NAME not in text
        assert NUMBER not in text
        assert "0905123456" not in text
    assert "&#34;status&#34;: &#34;in_progress&#34;" in await browser.text(raw)
    assert await disclosed(browser, f"dossier:{own}", " ") == 422
    assert NAME not in await browser.text(page)
    assert await disclosed(browser, f"dossier:{own}") == 303
    for path in (page, raw):
        assert NAME in await browser.text(path)
        assert NAME not in await other.text(path)  # who did not ask does not see it
    hub.clock.forward(minutes=15, seconds=1)
    assert NAME not in await browser.text(page)
    kept = await other.text("/console/disclosures")
    assert "công dân hỏi" in kept
    assert own in kept


async def test_a_viewer_cannot_ask(hub: Trial) -> None:
    own = await hub.take(told())
    viewer = signed_in(hub, "viewer")
    assert await disclosed(viewer, f"dossier:{own}") == 403
    assert NAME not in await viewer.text(f"/console/dossiers/{own}")


async def test_who_has_agencies_sees_theirs_and_nothing_of_the_hubs_work(hub: Trial) -> None:
    hub.catalogue(agencies=[Agency("H50.12", "A"), Agency("H50.14", "B")])
    here = await hub.take(told(1))
    there = await hub.take(told(2, agency="H50.14"))
    browser = signed_in(hub, "operator", ("H50.12",))
    text = await browser.text("/console/dossiers")
    assert here in text
    assert there not in text
    assert (await browser.get(f"/console/dossiers/{there}")).status == 404
    assert "H50.12-260302-0002" not in await browser.text("/console/dossiers", code="A-00002")
    with hub.store.read() as tx:
        found = reads.load_dossier(tx, there)
        assert found is not None
        record = console_views.list_steps(tx, found.id)[0].record_id
    # The record of another's dossier is not had by way of one's own.
    assert (await browser.get(f"/console/dossiers/{here}/records/{record}")).status == 404
    assert await disclosed(browser, f"dossier:{here}") == 303
    for path in WHOLE_HUB:
        assert (await browser.get(path)).status == 403, path


async def test_a_code_that_two_asked_for_leads_to_the_living_dossier(hub: Trial) -> None:
    first = await hub.take(told(1))
    second = await hub.take(told(1, code="L-1", version=3), "land")
    browser = signed_in(hub)
    for one in {first, second}:
        said = await browser.get(f"/console/dossiers/{one}")
        assert said.status == 200 or said.headers["location"].startswith("/console/dossiers/")


async def test_records_are_found_by_every_business_key_also_those_that_were_refused(
    hub: Trial,
) -> None:
    await hub.take(told(1, receipt_number="BN-7"))
    await hub.push(told(2, status="no such state"))
    with hub.store.read() as tx:
        for key in ("A-00001", "desk:A-00001", "BN-7", "H50.12-260302-0001"):
            found = console_views.list_by_code(tx, key, None, 10)
            assert [(r.code, r.disposition) for r in found] == [("A-00001", "applied")], key
        found = console_views.list_by_code(tx, "A-00002", None, 10)
        assert [(r.code, r.disposition) for r in found] == [("A-00002", "quarantined")]
        assert console_views.list_by_code(tx, "land:A-00001", None, 10) == []
        assert console_views.list_by_code(tx, "", None, 10) == []


async def test_lists_are_read_page_by_page(hub: Trial) -> None:
    for number in range(1, 6):
        await hub.push(told(number, status="no such state"))
        await hub.take(told(number + 10))
    with hub.store.read() as tx:
        newest = console_views.list_receipts(tx, None, None, 4)
        rest = console_views.list_receipts(tx, "desk", newest[-1].id, 20)
        assert [r.id for r in newest + rest] == sorted((r.id for r in newest + rest), reverse=True)
        assert len(newest + rest) == 10
        chosen = Chosen("desk", "STATUS_UNKNOWN", "status")
        first = console_views.list_refused(tx, chosen, 0, 2)
        after = console_views.list_refused(tx, chosen, first[-1].id, 10)
        assert [r.code for r in first + after] == [f"A-{n:05d}" for n in range(1, 6)]
        filters = reads.Filters()
        down = reads.list_dossiers(tx, filters, EVERYTHING, 2**62, 3, newest_first=True)
        more = reads.list_dossiers(tx, filters, EVERYTHING, down[-1].id, 9, newest_first=True)
        assert [d.id for d in down + more] == sorted((d.id for d in down + more), reverse=True)


async def test_the_quarantine_is_replayed_from_the_page_and_kept_as_an_act(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.console import quarantine

    at_once(monkeypatch, quarantine)
    await hub.push([told(1, status="no such state"), told(2, due_at="x")])
    browser, viewer = signed_in(hub), signed_in(hub, "viewer")
    assert "STATUS_UNKNOWN" in await viewer.text("/console/quarantine")
    form = {"connection": "desk", "reason": "STATUS_UNKNOWN", "why": "đã thêm mã"}
    assert (await viewer.post("/console/quarantine/replay", **form)).status == 403
    assert (await browser.post("/console/quarantine/replay", **{**form, "why": ""})).status == 422
    assert (
        await browser.post("/console/quarantine/replay", **{**form, "reason": "?"})
    ).status == 404
    assert (await browser.post("/console/quarantine/replay", **form)).status == 303
    text = await browser.text("/console/quarantine")
    assert "đã đọc lại 1" in text
    assert (await viewer.get("/console/tasks/1")).status == 404  # another's
    with hub.store.read() as tx:
        record = console_views.list_refused(tx, Chosen("desk"), 0, 1)[0]
    text = await viewer.text(f"/console/quarantine/{record.id}")
    assert 'class="marked"' in text
    assert NAME not in text


def at_once(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    """Long work done before the answer, so that a test sees its end."""
    from sync import long_work

    class Thread:
        def __init__(self, *, target: Callable[..., None], args: Any, **_: Any) -> None:
            self.start = lambda: target(*args)

    monkeypatch.setattr(long_work.threading, "Thread", Thread)


async def test_a_reused_code_is_opened_as_new_from_the_page(hub: Trial) -> None:
    await hub.take(told(1, status="handed_over"))
    again = {"procedure": {"code": "1.002835"}, "accepted_at": "2026-03-20T09:00:00+07:00"}
    other = {"kind": "person", "name": "Trần Thị Mẫu"}
    said = await hub.push(
        {**told(1, version=2, updated_at="2026-03-20T09:00:00+07:00", **again), "applicant": other}
    )
    assert said.fate == "CODE_REUSED"
    with hub.store.read() as tx:
        record = console_views.list_refused(tx, Chosen("desk"), 0, 1)[0]
    browser = signed_in(hub)
    path = f"/console/quarantine/{record.id}"
    assert "Mở hồ sơ mới" in await browser.text(path)
    assert (await browser.post(f"{path}/as-new", why="người khác")).status == 303
    with hub.store.read() as tx:
        acts = tx.execute(table(Act).select()).all()
    assert [(a.kind, a.actor, a.reason) for a in acts] == [
        ("resolve_as_new", "operator 0", "người khác")
    ]


@pytest.mark.unproved
@ONE_STORE
async def test_catalogue_pages_show_what_is_in_force(hub: Trial) -> None:
    from canonical.catalogue import ProcedureFacts

    hub.catalogue(
        agencies=[Agency("H50.12", "UBND thành phố Đông Hà")],
        procedures=[ProcedureFacts("1.001612", "Đăng ký hộ kinh doanh", duration="3")],
    )
    hub.connect("desk")
    browser = signed_in(hub, "viewer")
    assert "UBND thành phố" in await browser.text("/console/agencies", q="dong ha")
    assert "3 ngày làm việc" in await browser.text("/console/procedures", q="1.0016")
    assert "không có bảng mã" in await browser.text("/console/codes")
    assert "nghỉ hoán đổi" in await browser.text("/console/calendar", year=2026)
    assert (await browser.get("/console/calendar", year=1066)).status == 422


@pytest.mark.unproved
@ONE_STORE
@pytest.mark.parametrize(
    "path",
    [
        "/console/dossiers/nobody",
        "/console/receipts/nobody",
        "/console/receipts/nobody/records/1",
        "/console/quarantine/99",
        "/console/reconciliation/99",
        "/console/tasks/99",
        "/console/quarantine/cause?connection=x&reason=nothing",
        "/console/dossiers/%00/records/1",
    ],
)
async def test_what_is_not_there_is_said_on_a_page(hub: Trial, path: str) -> None:
    said = await signed_in(hub).get(path)
    assert said.status in (404, 422)
    assert "text/html" in said.headers["content-type"]


def test_what_a_mapping_turns_into_a_person_is_masked_whatever_it_is_called() -> None:
    document = {
        "row": [
            {"target": "code", "source": "MaHoSo"},
            {"target": "applicant.name", "source": "TenChuHoSo"},
            {"target": "status", "source": "TrangThai.Ma"},
            {"target": "procedure.name", "source": "Ten"},
            {"target": "acting.name", "source": "Ten"},
        ]
    }
    names = raw_view.open_names(document)
    assert {"MaHoSo", "TrangThai", "Ma"} <= names
    assert not {"TenChuHoSo", "Ten"} & names
    xml = "<hs><MaHoSo>A1</MaHoSo><TenChuHoSo>Thử</TenChuHoSo>x<La>045</La><!--Thử--></hs>"
    shown = raw_view.masked(xml, names)
    assert "A1" in shown
    assert "Thử" not in shown
    assert "045" not in shown
    told = raw_view.masked('{"MaHoSo": "A1", "x": ["045", {"Ma": 7, "TenChuHoSo": "Thử"}]}', names)
    assert told == '{"MaHoSo": "A1", "x": ["***", {"Ma": 7, "TenChuHoSo": "***"}]}'
    assert raw_view.masked("Thử;045", names) == "***"


def test_every_reason_has_its_sentence() -> None:
    from gateway.console import shown

    assert all(shown.why(one, "vi") for one in Reason)
