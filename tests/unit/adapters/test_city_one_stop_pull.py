import pytest
from city_kit import EVERYTHING, NS, SOAP, asked, records, run

from adapters.city_one_stop import envelope, reader, simulator
from adapters.simulation import running
from canonical.errors import Garbled, HubError, NotAllowed, Refused, TryAgain
from canonical.ports import BadRow
from canonical.reasons import Reason


async def test_a_run_takes_all_pages_and_leaves_nothing_behind():
    simulation = simulator.build()
    async with running(simulation) as base:
        pages = await run(asked(simulation, base))
        again = await run(asked(simulation, base))
    assert [(p.count, p.cursor) for p in pages] == [(10, "7001"), (10, "7011"), (5, None)]
    codes = [r["code"] for p in pages for r in records("pullDocument", p.raw)]
    assert codes == [str(n) for n in range(7001, 7026)]
    assert [(p.count, p.cursor, p.token) for p in again] == [(0, None, "")]
    operations = [entry["operation"] for entry in simulation.log]
    assert operations == ["pullDocument", "updateSendSignal"] * 3 + ["pullDocument"]


async def test_a_page_that_is_not_acknowledged_comes_again_under_the_same_cursor():
    simulation = simulator.build()
    async with running(simulation) as base:
        client = asked(simulation, base)
        pages = client.pages(EVERYTHING)
        first, second = await anext(pages), await anext(pages)
        await pages.aclose()
        await client.close()
    assert (first.cursor, first.raw) == (second.cursor, second.raw)


async def test_a_quarantined_row_is_acknowledged_too():
    simulation = simulator.build()
    simulation.mood = "mixed_dates"
    async with running(simulation) as base:
        pages = await run(asked(simulation, base))
    told = [r for p in pages for r in records("pullDocument", p.raw)]
    bad = {r["field"] for r in told if r.get("rejected") == "DATE_INVALID"}
    assert (len(told), len([r for r in told if "says" in r]), bad) == (25, 17, {"ngayDangKyHoSo"})


@pytest.mark.parametrize(
    ("mood", "kind", "reason"),
    [
        ("silent", TryAgain, Reason.TIMEOUT_TOTAL),
        ("slow", TryAgain, Reason.TIMEOUT_TOTAL),
        ("drip", TryAgain, Reason.TIMEOUT_TOTAL),
        ("refusing", NotAllowed, Reason.AUTH_DENIED),
        ("html", Garbled, Reason.CTYPE_UNEXPECTED),
        ("fault", Refused, Reason.SOAP_FAULT),
        ("fault12", Refused, Reason.SOAP_FAULT),
        ("truncated", Garbled, Reason.BODY_TRUNCATED),
        ("busy", TryAgain, Reason.RATE_LIMITED),
    ],
)
async def test_a_mood_of_the_wire_is_one_error(mood, kind, reason):
    simulation = simulator.build()
    simulation.mood = mood
    async with running(simulation) as base:
        client = asked(simulation, base)
        with pytest.raises(kind) as failure:
            await run(client)
        await client.close()
    assert failure.value.reason is reason
    assert [entry["operation"] for entry in simulation.log] == ["pullDocument"]


@pytest.mark.parametrize(
    ("mood", "rows", "codes"),
    [("empty", 0, 0), ("duplicate", 50, 25), ("reordered", 25, 25), ("sentinel_dates", 25, 17)],
)
async def test_a_mood_of_the_data_loses_nothing(mood, rows, codes):
    simulation = simulator.build()
    simulation.mood = mood
    async with running(simulation) as base:
        pages = await run(asked(simulation, base))
    told = [r for p in pages for r in records("pullDocument", p.raw)]
    assert (len(told), len({r["code"] for r in told if "code" in r})) == (rows, codes)


async def test_a_wrong_account_and_a_missing_unit_are_told_apart():
    simulation = simulator.build()
    async with running(simulation) as base:
        stranger = asked(simulation, base)
        stranger._who["password"] = "other"
        with pytest.raises(NotAllowed):
            await run(stranger)
        with pytest.raises(Refused) as failure:
            await run(asked(simulation, base, maDonViTiepNhan=""))
        nobody = await run(asked(simulation, base, maDonViTiepNhan="VL"))
    assert (failure.value.reason, failure.value.detail) == (Reason.SOURCE_ERROR, "errCode 4")
    assert [p.count for p in nobody] == [0]


def answered(inner, operation="pullDocument"):
    return (
        f'<a:Envelope xmlns:a="{SOAP}"><a:Body><b:{operation}Response xmlns:b="{NS}">{inner}'
        f"</b:{operation}Response></a:Body></a:Envelope>"
    ).encode()


@pytest.mark.parametrize(
    ("inner", "kind", "reason"),
    [
        ("<return><errCode>3</errCode></return>", NotAllowed, Reason.AUTH_DENIED),
        ("<return><errCode>9</errCode><conTiep>0</conTiep></return>", TryAgain, "SOURCE_ERROR"),
        ("<return><errCode>99</errCode></return>", Refused, Reason.SOURCE_ERROR),
        ("<return><errCode>Nguyễn Văn Mẫu</errCode></return>", Refused, Reason.SOURCE_ERROR),
        ("<return/>", Garbled, Reason.BODY_MALFORMED),  # nobody said whether more is behind
        ("<return><conTiep>yes</conTiep></return>", Garbled, Reason.BODY_MALFORMED),
        ("", Garbled, Reason.BODY_MALFORMED),  # silence is not emptiness
    ],
)
def test_an_answer_that_is_no_page_is_an_error(inner, kind, reason):
    with pytest.raises(HubError) as failure:
        reader.rows("pullDocument", answered(inner))
    assert type(failure.value) is kind
    assert failure.value.reason == reason
    assert "Mẫu" not in str(failure.value)


def test_no_record_is_an_empty_page_and_another_answer_is_none():
    empty = reader.pulled(answered("<return><errCode>2</errCode></return>"))
    assert (empty.rows, empty.ids, empty.has_more) == ([], [], False)
    blank = reader.pulled(answered("<return><errCode/><conTiep>0</conTiep></return>"))
    assert (blank.rows, blank.has_more) == ([], False)
    with pytest.raises(Garbled):
        reader.pulled(answered("<return><conTiep>0</conTiep></return>", "countDocument"))


def test_an_unreadable_row_is_acknowledged_by_what_can_be_read():
    row = "<onlineDocumentSoapList>{}</onlineDocumentSoapList>"
    rows = row.format("<onlineId>5</onlineId><gioiTinh>Nam</gioiTinh>") + row.format("<a/>") * 2
    page = reader.pulled(answered(f"<return><conTiep>1</conTiep>{rows}</return>"))
    assert [type(r) for r in page.rows] == [BadRow] * 3
    assert (page.ids, page.has_more) == ([5], True)


def test_an_acknowledgement_without_a_return_is_no_acknowledgement():
    reader.check(envelope.returned(answered("<return/>", "updateSendSignal"), "updateSendSignal"))
    with pytest.raises(Garbled):
        envelope.returned(answered("", "updateSendSignal"), "updateSendSignal")
