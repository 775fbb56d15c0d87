import logging
from datetime import UTC, datetime

import pytest

from adapters.transport import client as client_module
from adapters.wire import Answer
from canonical.errors import Garbled, NotAllowed, Refused
from canonical.ports import Settings
from canonical.reasons import Reason
from tests.unit.adapters.transport_words import (
    HOSO,
    LISTED,
    answer,
    asked,
    list_of,
    listing,
    pages_of,
    records,
    state_of,
)


class FakeSoap:
    """Answers from a list of states, and writes down what it was asked."""

    def __init__(self, listed=(), states=None):
        self.calls = []
        self.listed = listed
        self.states = states or {}

    async def call(self, operation, /, **arguments):
        self.calls.append((operation, arguments))
        if operation == "getHoSoMotCua":
            return list_of(*self.listed)
        told = self.states.get(arguments["maDK"], "")
        return told if isinstance(told, bytes) else state_of(told)

    async def close(self):
        self.calls.append(("close", {}))


class FakeHttp:
    """Answers with the bodies it was given, the last one for ever."""

    def __init__(self, *bodies):
        self.calls = []
        self.bodies = list(bodies)

    async def call(self, method, url, *, params, headers, expect):
        self.calls.append((method, url, dict(params), dict(headers), expect))
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        return Answer(200, {}, "application/json", body)

    async def close(self):
        self.calls.append(("close",))


class FakeWire:
    """A wire that hands out one fake and remembers how it was asked for."""

    def __init__(self, fake):
        self.fake = fake
        self.built = None

    def soap(self, contract_path, endpoint, **how):
        self.built = (contract_path.name, endpoint, how)
        return self.fake

    def http(self, system, timeout_s=None, auth=None):
        self.built = (system, timeout_s, auth)
        return self.fake


def over(fake, endpoint="http://127.0.0.1:9", **options):
    options = {"ma_don_vi": "H50.19"} | options
    settings = Settings("gtvt", endpoint, options, {"api_key": "khoa"})
    return client_module.connect(settings, FakeWire(fake))


# --- client: the SOAP service


async def test_a_run_for_everything_asks_without_dates() -> None:
    fake = FakeSoap([HOSO])
    (page,) = await pages_of(over(fake))
    assert fake.calls == [("getHoSoMotCua", {})]
    assert (page.shape, page.count, page.cursor, page.total) == ("getHoSoMotCua", 2, None, None)
    assert page.observed_at.tzinfo is not None


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        # 17:30Z is past midnight at +07:00
        (
            datetime(2026, 10, 30, 17, 30, tzinfo=UTC),
            None,
            [("31/10/2026", "01/11/2026")],
        ),
        (
            datetime(2026, 8, 15, tzinfo=UTC),
            None,
            [
                ("15/08/2026", "13/09/2026"),
                ("14/09/2026", "13/10/2026"),
                ("14/10/2026", "01/11/2026"),
            ],
        ),
        # the end is exclusive: midnight at +07:00 leaves its day out
        (
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 30, 17, 0, tzinfo=UTC),
            [("01/01/2026", "30/01/2026")],
        ),
        (
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 30, 17, 0, 1, tzinfo=UTC),
            [("01/01/2026", "30/01/2026"), ("31/01/2026", "31/01/2026")],
        ),
        # a watermark ahead of the clock still asks for a day
        (datetime(2026, 11, 2, tzinfo=UTC), None, [("02/11/2026", "02/11/2026")]),
    ],
)
async def test_windows_are_whole_days_at_home_without_gap_or_overlap(since, until, days) -> None:
    fake = FakeSoap()
    pages = await pages_of(over(fake), asked(since, until))
    assert [(a["tuNgay"], a["denNgay"]) for _, a in fake.calls] == days
    assert [page.cursor is None for page in pages] == [False] * (len(days) - 1) + [True]
    assert len({page.cursor for page in pages}) == len(pages)


async def test_a_first_day_turns_everything_into_windows() -> None:
    fake = FakeSoap()
    await pages_of(over(fake, from_day="2026-09-01"))
    assert [a["tuNgay"] for _, a in fake.calls] == ["01/09/2026", "01/10/2026", "31/10/2026"]


async def test_only_codes_the_list_did_not_tell_of_are_asked() -> None:
    silent = HOSO | {"MaDK1": "B", "TRANGTHAIXULY1": ""}
    fake = FakeSoap([HOSO, silent], {"B": "02", "C": "10"})
    pages = await pages_of(over(fake), asked(codes=[HOSO["MaDK1"], "B", "C", "C", " "]))
    assert [a["maDK"] for o, a in fake.calls if o == "GetTrangThaiHoSo"] == ["B", "C"]
    assert [page.shape for page in pages] == ["getHoSoMotCua", "GetTrangThaiHoSo"]
    assert [page.cursor is None for page in pages] == [False, True]
    assert [r.says["status"] for r in records(pages[1])] == ["in_progress", "handed_over"]


async def test_states_come_in_batches() -> None:
    fake = FakeSoap([], dict.fromkeys("ABCDE", "02"))
    pages = await pages_of(over(fake, state_batch="2"), asked(codes="ABCDE"))
    assert [page.count for page in pages] == [0, 2, 2, 1]
    assert [page.cursor for page in pages] == ["window:1", "codes:2", "codes:4", None]


async def test_a_code_the_service_does_not_hold_gives_no_row_and_is_counted(caplog) -> None:
    fake = FakeSoap([], {"A": "02"})
    with caplog.at_level(logging.WARNING):
        pages = await pages_of(over(fake), asked(codes=["A", "B", "C"]))
    assert pages[1].count == 1
    (line,) = caplog.records
    assert (line.event, line.connection, line.codes) == ("transport.not_held", "gtvt", 2)


async def test_nothing_is_logged_where_every_code_is_held(caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        await pages_of(over(FakeSoap([], {"A": "02"})), asked(codes=["A"]))
    assert caplog.records == []


async def test_a_state_outside_the_contract_ends_the_run_before_its_page() -> None:
    fake = FakeSoap([HOSO], {"A": "02", "B": answer("TaoMoiHoSo", "")})
    taken = over(fake).pages(asked(codes=["A", "B"]))
    assert (await anext(taken)).shape == "getHoSoMotCua"
    with pytest.raises(Garbled) as failure:
        await anext(taken)
    assert failure.value.reason is Reason.SCHEMA_DRIFT


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("http://gtvt", "http://gtvt/TichHopMotCua/Service.asmx"),
        ("http://gtvt/app/", "http://gtvt/app/TichHopMotCua/Service.asmx"),
        ("http://gtvt/tichhopmotcua/service.asmx", "http://gtvt/tichhopmotcua/service.asmx"),
    ],
)
@pytest.mark.parametrize(("version", "port"), [("1.1", "ServiceSoap"), ("1.2", "ServiceSoap12")])
def test_where_and_how_the_service_is_called(endpoint, address, version, port) -> None:
    wire = FakeWire(FakeSoap())
    options = {"soap_version": version, "timeout_s": "3.5"}
    client_module.connect(Settings("gtvt", endpoint, options, {}), wire)
    contract, called, how = wire.built
    assert (contract, called) == ("service-2014-used.wsdl", address)
    assert (how["version"], how["port"], how["timeout_s"]) == (version, port, 3.5)
    assert how["system"] == "gtvt"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"mode": "rest"}, Reason.FIELD_TYPE),
        ({"soap_version": "2"}, Reason.FIELD_TYPE),
        ({"from_day": "01/09/2026"}, Reason.FIELD_TYPE),
        ({"state_batch": "0"}, Reason.FIELD_TYPE),
        ({"state_batch": "x"}, Reason.FIELD_TYPE),
        ({"timeout_s": "soon"}, Reason.FIELD_TYPE),
        ({"timeout_s": "0"}, Reason.FIELD_TYPE),
        ({"timeout_s": "-1"}, Reason.FIELD_TYPE),
        ({"timeout_s": "nan"}, Reason.FIELD_TYPE),
        ({"mode": "json", "page_size": "0"}, Reason.FIELD_TYPE),
        ({"mode": "json", "page_size": "-2"}, Reason.FIELD_TYPE),
        ({"mode": "json", "rescan_days": "-1"}, Reason.FIELD_TYPE),
        ({"mode": "json", "ma_don_vi": ""}, Reason.FIELD_MISSING),
    ],
)
def test_a_setting_that_cannot_be_read_is_refused_with_its_name(options, reason) -> None:
    with pytest.raises(Refused) as failure:
        over(FakeSoap(), **options)
    assert failure.value.reason is reason
    assert list(options)[-1] in failure.value.detail
    assert failure.value.system == "gtvt"


def test_the_list_without_a_key_is_not_even_asked() -> None:
    with pytest.raises(NotAllowed) as failure:
        client_module.connect(
            Settings("gtvt", "http://gtvt", {"mode": "json", "ma_don_vi": "H50.19"}, {}),
            FakeWire(FakeHttp(b"")),
        )
    assert failure.value.reason is Reason.AUTH_DENIED


@pytest.mark.parametrize("fake", [FakeSoap(), FakeHttp(b"")], ids=["soap", "json"])
async def test_closing_gives_back_the_sockets_and_nothing_is_acknowledged(fake) -> None:
    client = over(fake, mode="json" if isinstance(fake, FakeHttp) else "soap")
    await client.acknowledge(None)
    assert fake.calls == []
    await client.close()
    assert fake.calls[0][0] == "close"


# --- client: the JSON list


async def test_the_list_is_asked_in_the_contracts_words() -> None:
    fake = FakeHttp(listing(LISTED))
    ask = asked(since=datetime(2026, 10, 31, tzinfo=UTC))
    await pages_of(over(fake, mode="json", rescan_days="0"), ask)
    ((method, url, query, headers, expect),) = fake.calls
    assert (method, url) == ("GET", "http://127.0.0.1:9/apiGTVT/danhsachhoso")
    assert query == {
        "Start": 0,
        "End": 500,
        "GovAgencyCode": "H50.19",
        "APIKey": "khoa",
        "ReceiveFromDate": "31/10/2026",
        "ReceiveToDate": "01/11/2026",
    }
    assert (headers["MaDonVi"], headers["ApiKey"]) == ("H50.19", "khoa")
    assert headers["Authorization"] == "Bearer khoa"
    assert expect == ("application/json",)


async def test_the_days_before_the_watermark_are_read_again() -> None:
    fake = FakeHttp(listing())
    await pages_of(over(fake, mode="json"), asked(since=datetime(2026, 10, 31, tzinfo=UTC)))
    days = [(c[2]["ReceiveFromDate"], c[2]["ReceiveToDate"]) for c in fake.calls]
    assert days[0] == ("16/09/2026", "18/09/2026")
    assert days[-1] == ("31/10/2026", "01/11/2026")
    assert len(days) == 16


async def test_everything_is_asked_without_dates_and_in_one_go_where_it_is_set_so() -> None:
    fake = FakeHttp(listing(LISTED, LISTED, total=9))
    (page,) = await pages_of(over(fake, mode="json", page_size="-1"))
    query = fake.calls[0][2]
    assert (query["Start"], query["End"]) == (-1, -1)
    assert not {"ReceiveFromDate", "ReceiveToDate"} & query.keys()
    assert (page.total, page.count, page.cursor) == (9, 2, None)


async def test_what_the_windows_declare_adds_up() -> None:
    pages_of_first = listing(*[LISTED] * 2, total=3), listing(LISTED, total=3)
    fake = FakeHttp(*pages_of_first, listing(), listing(LISTED))
    client = over(fake, mode="json", page_size="2", from_day="2026-10-26")
    pages = await pages_of(client)
    assert [(c[2]["Start"], c[2]["ReceiveFromDate"]) for c in fake.calls] == [
        (0, "26/10/2026"),
        (2, "26/10/2026"),
        (0, "29/10/2026"),
        (0, "01/11/2026"),
    ]
    assert [page.total for page in pages] == [3, 3, 3, 4]
    assert sum(page.count for page in pages) == 4
    assert [page.cursor for page in pages] == ["window:1:2", "window:1:3", "window:2:0", None]


async def test_a_short_page_is_not_the_end_while_more_is_declared() -> None:
    fake = FakeHttp(listing(LISTED, total=3), listing(LISTED, LISTED, total=3))
    pages = await pages_of(over(fake, mode="json", page_size="2"))
    assert [c[2]["Start"] for c in fake.calls] == [0, 1]
    assert [page.count for page in pages] == [1, 2]


async def test_a_list_that_ends_early_shows_what_it_had_declared() -> None:
    fake = FakeHttp(listing(LISTED, total=5), listing(total=5))
    pages = await pages_of(over(fake, mode="json", page_size="1"))
    assert len(pages) == 2
    assert (pages[-1].total, sum(page.count for page in pages)) == (5, 1)
