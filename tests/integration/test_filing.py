"""A licence dossier of a desk is filed with the Department, once, and its state comes back."""

from collections.abc import AsyncIterator

import pytest

from canonical.reasons import Reason
from store.tables import Receipt, table
from sync.run import sync_connection
from tests.filed import CONNECTION, FORM, LICENCE, Counter, counter
from tests.trial import Trial


@pytest.fixture
async def at(hub: Trial) -> AsyncIterator[Counter]:
    async with counter(hub) as made:
        made.connect()
        yield made


async def test_an_accepted_licence_dossier_is_filed_once(at: Counter) -> None:
    await at.take()
    await at.work()
    await at.work()
    [entry] = at.ledger
    row = at.row
    assert (row.state, row.filed_code, row.attempts) == ("filed", entry["MaDK"], 1)
    assert entry["SoHoSo1"] == row.number
    assert row.due_at is None
    assert at.alarms() == []


async def test_the_department_s_leg_is_the_desk_s_dossier(at: Counter) -> None:
    own = await at.take()
    await at.work()
    shown = await at.hub.read(own)
    assert [(leg["namespace"], leg["code"]) for leg in shown["legs"]] == [
        ("desk", "A-00001"),
        (CONNECTION, at.row.filed_code),
    ]
    assert (await at.hub.find(f"{CONNECTION}:{at.row.filed_code}")) == [own]
    # What the hub knows of it stands in a receipt, to be read again.
    with at.hub.store.read() as tx:
        shapes = [row.shape for row in tx.execute(table(Receipt).select())]
    assert shapes == ["json", "filed"]


async def test_its_state_comes_back_and_speaks_for_the_dossier(at: Counter) -> None:
    own = await at.take()
    await at.work()
    at.department.hoso = []  # the list shows it no more: only GetTrangThaiHoSo tells
    at.department.states[at.row.filed_code] = "03"
    at.hub.clock.forward(hours=1)
    summary = await sync_connection(at.hub.context, CONNECTION)
    assert summary.error is None
    asked = [e["operation"] for e in at.department.log if e["operation"] == "GetTrangThaiHoSo"]
    assert asked
    shown = await at.hub.read(own)
    assert (shown["status"], shown["raw_status"]) == ("in_progress", "03")
    assert shown["spoke"]["status"] == f"{CONNECTION}:{at.row.filed_code}"
    at.department.states[at.row.filed_code] = "09"
    at.hub.clock.forward(hours=1)
    await sync_connection(at.hub.context, CONNECTION)
    assert (await at.hub.read(own))["status"] == "finished"


async def test_the_papers_follow_and_the_portrait_is_the_portrait(at: Counter) -> None:
    await at.take()
    await at.work()
    [entry] = at.ledger
    told = [(p["portrait"], p["name"], p["extension"]) for p in entry["papers"]]
    assert told == [(True, "", "jpg"), (False, "cmnd.pdf", "pdf")]
    assert (at.row.papers, at.row.papers_sent) == (2, 2)
    assert at.papers.asked.count("1/form") == 1


async def test_a_paper_that_comes_later_follows_later(at: Counter) -> None:
    record = at.licence()
    await at.hub.take(record)
    await at.work()
    more = at.papers.add("1/more", "suc-khoe.pdf", b"PDF more")
    await at.hub.take(
        {
            **record,
            "version": 2,
            "updated_at": "2026-03-02T10:00:00+07:00",
            "attachments": [*record["attachments"], more],
        }
    )
    await at.work()
    [entry] = at.ledger
    assert [p["name"] for p in entry["papers"]] == ["", "cmnd.pdf", "suc-khoe.pdf"]
    assert (at.row.papers, at.row.papers_sent) == (3, 3)


async def test_a_paper_that_is_not_there_is_told_and_not_invented(at: Counter) -> None:
    record = at.licence()
    del at.papers.files["1/scan"]
    await at.hub.take(record)
    await at.work()
    row = at.row
    assert (row.state, row.papers, row.papers_sent, row.due_at) == ("filed", 2, 1, None)
    assert [plan.reason for plan in row.plans] == [None, Reason.HTTP_4XX]
    assert ("filing", CONNECTION) in at.alarms()


async def test_a_paper_that_is_another_is_not_handed_in(at: Counter) -> None:
    record = at.licence()
    at.papers.files["1/scan"] = b"something else"
    await at.hub.take(record)
    await at.work()
    [entry] = at.ledger
    assert [p["portrait"] for p in entry["papers"]] == [True]
    assert at.row.plans[1].reason is Reason.BODY_MALFORMED


async def test_a_desk_that_does_not_answer_for_papers_is_asked_again(at: Counter) -> None:
    record = at.licence()
    at.papers.status = 503
    await at.hub.take(record)
    await at.work()
    assert (at.row.state, at.row.attempts, at.row.reason) == ("due", 0, "HTTP_5XX")
    at.papers.status = 200
    await at.settle()
    assert (at.row.state, at.row.papers_sent, len(at.ledger)) == ("filed", 2, 1)


@pytest.mark.unproved
@pytest.mark.parametrize(
    ("over", "reason", "field"),
    [
        ({"form": None}, "FIELD_MISSING", "form.ngay_cap_giay_to"),
        ({"form": {**FORM, "ngay_sinh": "04/03/1985"}}, "DATE_INVALID", "form.ngay_sinh"),
        ({"form": {**FORM, "noi_thuong_tru": "x" * 51}}, "FIELD_TOO_LONG", "NoiTT1"),
        ({"form": {**FORM, "giay_kham_suc_khoe": False}}, "REF_UNKNOWN", "giay_kham_suc_khoe"),
        ({"agency": "H50.99"}, "REF_UNKNOWN", "received_at_agency"),
    ],
)
async def test_what_the_contract_asks_and_nobody_said_is_refused_and_not_sent(
    at: Counter, over: dict[str, object], reason: str, field: str
) -> None:
    await at.take(**over)
    await at.work()
    row = at.row
    assert (row.state, row.reason, row.attempts) == ("refused", reason, 0)
    assert field in (row.detail or "")
    assert at.sent == 0
    assert at.alarms() == [("filing", CONNECTION)]


async def test_what_was_missing_and_is_said_later_is_filed(at: Counter) -> None:
    record = at.licence(form=None)
    await at.hub.take(record)
    await at.work()
    assert at.row.state == "refused"
    newer = at.licence(version=2, updated_at="2026-03-02T10:00:00+07:00")
    await at.hub.take(newer)
    await at.work()
    assert (at.row.state, len(at.ledger)) == ("filed", 1)
    assert at.alarms() == []


async def test_an_empty_answer_is_a_refusal_and_a_person_is_told(at: Counter) -> None:
    at.department.mood = "empty_answer"
    await at.take()
    await at.work()
    await at.settle()
    assert (at.row.state, at.row.reason, at.row.attempts) == ("refused", "SOURCE_ERROR", 1)
    assert (at.sent, at.ledger) == (1, [])
    assert at.alarms() == [("filing", CONNECTION)]


@pytest.mark.unproved
@pytest.mark.parametrize(
    "over",
    [
        {"status": "submitted"},
        {"status": "withdrawn"},
        {"status": "finished"},
        {"accepted_at": ...},
        {"procedure": {"code": "1.001612"}},
    ],
)
async def test_what_is_not_to_be_filed_is_not(at: Counter, over: dict[str, object]) -> None:
    await at.take(**over)
    await at.work()
    assert (at.rows(), at.sent) == ([], 0)


async def test_a_procedure_is_known_in_any_spelling(at: Counter) -> None:
    await at.take(procedure={"code": "1.002835.000.00.00.H50"})
    await at.work()
    assert len(at.ledger) == 1


async def test_a_dossier_the_department_has_already_is_not_filed(at: Counter) -> None:
    await at.take(links=[{"namespace": CONNECTION, "code": "45012-20260302-080000000"}])
    at.department.hoso = [
        {
            "MaDK1": "45012-20260302-080000000",
            "MALOAIHOSO1": "1",
            "NGAYNOPHOSO1": "02/03/2026 08:00:00",
            "TRANGTHAIXULY1": "01",
        }
    ]
    await sync_connection(at.hub.context, CONNECTION)
    await at.work()
    assert (at.rows(), at.sent) == ([], 0)


async def test_a_dossier_withdrawn_before_its_turn_is_not_filed(at: Counter) -> None:
    at.papers.status = 503
    await at.take()
    await at.work()
    assert at.row.state == "due"
    at.papers.status = 200
    await at.hub.take(
        at.licence(version=2, updated_at="2026-03-02T10:00:00+07:00", status="withdrawn")
    )
    await at.settle()
    assert (at.row.state, at.sent) == ("cancelled", 0)


async def test_what_the_hub_knew_before_it_was_told_to_file_is_not_filed(hub: Trial) -> None:
    async with counter(hub) as at:
        record = at.licence(1)
        await hub.take(record)
        at.connect()
        # It changes afterwards, as all open dossiers do.
        await hub.take({**record, "version": 2, "updated_at": "2026-03-02T10:00:00+07:00"})
        await at.work()
        assert at.rows() == []
        await at.take(2)
        await at.work()
        assert [entry["SoHoSo1"] for entry in at.ledger] == [at.row.number]


async def test_a_connection_that_names_no_procedure_files_nothing(hub: Trial) -> None:
    async with counter(hub) as at:
        at.connect(files_procedures="")
        await at.take()
        await at.work()
        await at.perform()
        assert (at.rows(), at.sent) == ([], 0)


async def test_a_paused_connection_files_nothing_until_it_is_resumed(at: Counter) -> None:
    from store import connections

    at.hub.store.in_write(lambda tx: connections.set_state(tx, CONNECTION, "paused"))
    await at.take()
    await at.work()
    await at.perform()
    assert at.sent == 0
    at.hub.store.in_write(lambda tx: connections.set_state(tx, CONNECTION, "enabled"))
    await at.work()
    assert len(at.ledger) == 1


async def test_settings_that_cannot_be_used_stop_filings_for_a_while(hub: Trial) -> None:
    async with counter(hub) as at:
        at.connect(files_lookup="perhaps")
        await at.take()
        await at.work()
        await at.work()
        assert (at.sent, at.rows()) == (0, [])
        from hub.commands import connections as commands

        commands.alter(hub.context, CONNECTION, None, ["files_lookup=list"], [])
        await at.work()
        assert len(at.ledger) == 1


async def test_the_body_that_was_sent_is_kept_and_sealed(at: Counter) -> None:
    await at.take()
    await at.work()
    body = at.row.body
    assert body is not None
    assert b"Nguy" not in body
    rendered = at.hub.context.vault.open(body).decode()
    assert f"<ns0:SoHoSo1>{at.row.number}</ns0:SoHoSo1>" in rendered


async def test_many_are_filed_in_one_go(at: Counter) -> None:
    for number in range(1, 8):
        await at.take(number)
    await at.work()
    assert len(at.ledger) == 7
    assert {row.state for row in at.rows()} == {"filed"}
    assert len({entry["SoHoSo1"] for entry in at.ledger}) == 7


async def test_what_came_while_nothing_was_to_be_filed_is_not_filed_later(at: Counter) -> None:
    from hub.commands import connections as commands

    await at.take(1)
    await at.work()
    commands.alter(at.hub.context, CONNECTION, None, ["files_procedures="], [])
    record = at.licence(2)
    await at.hub.take(record)
    await at.work()
    assert len(at.ledger) == 1
    commands.alter(at.hub.context, CONNECTION, None, [f"files_procedures={LICENCE}"], [])
    await at.hub.take({**record, "version": 2, "updated_at": "2026-03-02T10:00:00+07:00"})
    await at.take(3)
    await at.work()
    assert len(at.ledger) == 2
    assert [row.code for row in at.rows()] == ["A-00001", "A-00003"]


async def test_what_is_unclear_is_looked_up_also_when_nothing_more_is_filed(at: Counter) -> None:
    from hub.commands import connections as commands

    at.department.mood = "lost_after_taking"
    await at.take()
    await at.work()
    at.department.mood = "well"
    commands.alter(at.hub.context, CONNECTION, None, ["files_procedures="], [])
    await at.quiet()
    assert (at.row.state, len(at.ledger)) == ("filed", 1)
