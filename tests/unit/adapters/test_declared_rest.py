"""A declared REST department, long because each way of paging, credentials, errors has a case."""

import asyncio
import base64
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters import declared
from adapters.simulation.serving import running
from adapters.wire import Wire
from canonical.errors import Busy, Garbled, HubError, NotAllowed, Refused, TryAgain
from canonical.mapping import compile_mapping
from canonical.ports import Ask, BadRow, Client, Page, Row, Settings, System
from canonical.reasons import Reason

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
Answer = Callable[[Request], Response]
BASE: dict[str, Any] = {
    "kind": "rest",
    "id": "so-thu",
    "title": "Sở Thử",
    "pull": {"request": {"path": "/ds"}, "answer": {"records": "ds"}},
    "mapping": {
        "shapes": {
            "record": {
                "rows": [
                    {"target": "code", "source": "ma"},
                    {"target": "updated_at", "source": "luc", "transforms": ["date:%d/%m/%Y"]},
                ]
            }
        }
    },
}


def told(**over: Any) -> dict[str, Any]:
    """The declaration with some parts laid over it, `pull__paging` for a part of a part."""
    found = copy.deepcopy(BASE)
    for key, value in over.items():
        *above, last = key.split("__")
        place = found
        for name in above:
            place = place.setdefault(name, {})
        place[last] = value
    return found


def rows(start: int, count: int) -> list[dict[str, Any]]:
    return [{"ma": f"A{n}"} for n in range(start, start + count)]


class Desk:
    """A department that answers as it is told, and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[Request] = []
        self.base = ""
        self._answer = answer

    async def take(self, request: Request) -> Response:
        await request.body()
        self.asked.append(request)
        return self._answer(request)


@asynccontextmanager
async def desk(answer: Answer) -> AsyncIterator[Desk]:
    found = Desk(answer)
    routes = [Route("/{path:path}", found.take, methods=["GET", "POST"])]
    async with running(Starlette(routes=routes)) as base:
        found.base = base
        yield found


def client_of(base: str, declaration: dict[str, Any], **secrets: str) -> tuple[Client, System]:
    system = declared.build(declaration, {}, Wire())
    assert system.connect is not None
    settings = Settings("thu", base, {"nguoi": "An"}, secrets)
    return system.connect(settings), system


async def run(
    there: Desk, declaration: dict[str, Any], since: datetime | None = None, **secrets: str
) -> tuple[list[Page], list[str]]:
    client, system = client_of(there.base, declaration, **secrets)
    ask = Ask(since=since, until=None, cursor=None, open_codes=(), now=NOW)
    pages = []
    try:
        async with aclosing(client.pages(ask)) as coming:
            async for page in coming:
                pages.append(page)
                if page.token:
                    await client.acknowledge(page)
    finally:
        await client.close()
    codes = [r.values["ma"] for p in pages for r in system.rows(p.shape, p.raw) if type(r) is Row]
    return pages, codes


async def failure(there: Desk, declaration: dict[str, Any], **secrets: str) -> HubError:
    with pytest.raises(HubError) as found:
        await run(there, declaration, **secrets)
    assert found.value.system == "thu"
    return found.value


def number(request: Request, name: str, default: int = 0) -> int:
    return int(request.query_params.get(name, default))


# --- paging -----------------------------------------------------------------------------------


def by_page(request: Request) -> Response:
    """23 rows, never more than 10 a page whatever is asked for."""
    at = (number(request, "trang", 1) - 1) * 10
    return JSONResponse({"ds": rows(at, max(0, min(10, 23 - at))), "tong": 23})


def by_offset(request: Request) -> Response:
    at = number(request, "tu")
    return JSONResponse({"ds": rows(at, max(0, min(10, 23 - at)))})


def by_cursor(request: Request) -> Response:
    at = number(request, "sau")
    more = at + 10 < 23
    return JSONResponse({"ds": rows(at, min(10, 23 - at)), "tiep": str(at + 10) if more else None})


def by_flag(request: Request) -> Response:
    at = (number(request, "trang", 1) - 1) * 10
    return JSONResponse({"ds": rows(at, min(10, 23 - at)), "con": int(at + 10 < 23)})


def by_link(request: Request) -> Response:
    at = number(request, "tu")
    headers = {"link": f'</ds?tu={at + 10}>; rel="next"'} if at + 10 < 23 else {}
    return JSONResponse({"ds": rows(at, min(10, 23 - at))}, headers=headers)


def by_address(request: Request) -> Response:
    at = number(request, "tu")
    told = str(request.url.replace(query=f"tu={at + 10}")) if at + 10 < 23 else ""
    return JSONResponse({"ds": rows(at, min(10, 23 - at)), "sau": told})


PAGED: dict[str, tuple[Answer, dict[str, str], dict[str, Any], dict[str, Any], int]] = {
    "page": (by_page, {"trang": "{page}"}, {"kind": "page"}, {}, 4),
    "page with a total": (by_page, {"trang": "{page}"}, {"kind": "page"}, {"total": "tong"}, 3),
    "page until a short one": (
        by_page,
        {"trang": "{page}"},
        {"kind": "page", "size": 10, "ends": "short"},
        {},
        3,
    ),
    "offset": (by_offset, {"tu": "{offset}", "den": "{offset_end}"}, {"kind": "offset"}, {}, 4),
    "cursor": (by_cursor, {"sau": "{cursor}"}, {"kind": "cursor", "next": "tiep"}, {}, 3),
    "flag": (by_flag, {"trang": "{page}"}, {"kind": "flag", "more": "con"}, {}, 3),
    "link header": (by_link, {}, {"kind": "link"}, {}, 3),
    "link in the answer": (by_address, {}, {"kind": "link", "next": "sau"}, {}, 3),
}


@pytest.mark.parametrize("way", sorted(PAGED))
async def test_every_row_of_every_page_comes_once(way: str) -> None:
    answer, query, paging, more, calls = PAGED[way]
    declaration = told(pull__request__query=query, pull__paging=paging)
    declaration["pull"]["answer"] |= more
    async with desk(answer) as there:
        pages, codes = await run(there, declaration)
        assert codes == [f"A{n}" for n in range(23)]
        assert len(there.asked) == calls
        assert [p.cursor is None for p in pages] == [False] * (len(pages) - 1) + [True]
        assert {p.total for p in pages} == ({23} if more else {None})
        # And from behind its first page, as a run that broke off goes on.
        client, _ = client_of(there.base, declaration)
        ask = Ask(since=None, until=None, cursor=pages[0].cursor, open_codes=(), now=NOW)
        rest = [page async for page in client.pages(ask)]
        await client.close()
    assert [p.raw for p in rest] == [p.raw for p in pages[1:]]


async def test_a_link_to_another_host_is_not_followed() -> None:
    def elsewhere(_: Request) -> Response:
        headers = {"link": '<http://169.254.169.254/ds>; rel="next"'}
        return JSONResponse({"ds": rows(0, 1)}, headers=headers)

    async with desk(elsewhere) as there:
        found = await failure(there, told(pull__paging={"kind": "link"}))
    assert (type(found), found.reason) == (Refused, Reason.EGRESS_DENIED)


async def test_a_page_is_confirmed_only_when_told_to() -> None:
    waiting = rows(0, 5)

    def answer(request: Request) -> Response:
        if request.method == "POST":
            for code in request.query_params["ma"].split(";"):
                waiting.remove({"ma": code})
            return Response(status_code=204)
        return JSONResponse({"ds": waiting[:2], "con": len(waiting) > 2})

    declaration = told(
        pull__paging={"kind": "flag", "more": "con"},
        pull__acknowledge={
            "ids": "ma",
            "join": ";",
            "request": {"method": "POST", "path": "/nhan", "query": {"ma": "{ids}"}},
        },
    )
    async with desk(answer) as there:
        _, codes = await run(there, declaration)
    assert codes == [f"A{n}" for n in range(5)]
    assert waiting == []


# --- what is asked ----------------------------------------------------------------------------


def nothing(_: Request) -> Response:
    return JSONResponse({"ds": []})


@pytest.mark.parametrize(
    ("form", "zone", "shown"),
    [
        ("iso", "Asia/Ho_Chi_Minh", "2026-03-01T00:30:00+07:00"),
        ("%d/%m/%Y %H:%M:%S", "Asia/Ho_Chi_Minh", "01/03/2026 00:30:00"),
        ("%Y%m%d", "UTC", "20260228"),
        ("epoch_ms", "UTC", "1772299800000"),
        ("epoch_s", "UTC", "1772299800"),
    ],
)
async def test_the_window_is_asked_for_in_the_declared_form(
    form: str, zone: str, shown: str
) -> None:
    declaration = told(
        time_zone=zone,
        pull__since_format=form,
        pull__request__query={"tu": "{since}", "den": "{until}", "ai": "{option.nguoi}"},
        options={"nguoi": "ai hỏi"},
    )
    since = datetime(2026, 2, 28, 17, 30, tzinfo=UTC)
    async with desk(nothing) as there:
        await run(there, declaration, since)
        await run(there, declaration)
        await run(
            there, {**declaration, "pull": {**declaration["pull"], "since_default": "2016-01-01"}}
        )
    first, second, third = (dict(one.query_params) for one in there.asked)
    assert (first["tu"], first["ai"]) == (shown, "An")
    assert "tu" not in second, "an empty word would mean something else"
    assert third["tu"]
    assert second["den"] == first["den"]


async def test_a_body_keeps_the_kinds_of_its_values() -> None:
    body = {"trang": "{page}", "loc": {"den": "{until}", "ai": ["{option.nguoi}"]}, "x": "{{}}"}
    request = {"method": "POST", "path": "/{option.nguoi}/ds", "json": body}
    async with desk(nothing) as there:
        await run(
            there,
            told(options={"nguoi": ""}, pull__request=request, pull__since_format="epoch_s"),
        )
    [asked] = there.asked
    assert asked.url.path == "/An/ds"
    assert await asked.json() == {
        "trang": 1,
        "loc": {"den": int(NOW.timestamp()), "ai": ["An"]},
        "x": "{}",
    }


@pytest.mark.parametrize(
    ("auth", "place", "shown"),
    [
        ({"kind": "bearer", "secret": "khoa"}, "authorization", "Bearer bi-mat"),
        ({"kind": "header", "name": "X-Khoa", "secret": "khoa"}, "x-khoa", "bi-mat"),
        ({"kind": "query", "name": "khoa", "secret": "khoa"}, "?khoa", "bi-mat"),
        (
            {"kind": "basic", "user": "{option.nguoi}", "secret": "khoa"},
            "authorization",
            "Basic " + base64.b64encode(b"An:bi-mat").decode(),
        ),
    ],
)
async def test_credentials_travel_where_it_is_declared(
    auth: dict[str, str], place: str, shown: str
) -> None:
    declaration = told(auth=auth, secrets=["khoa"], options={"nguoi": ""})
    async with desk(nothing) as there:
        await run(there, declaration, khoa="bi-mat")
        asked = there.asked[0]
        found = asked.query_params if place.startswith("?") else asked.headers
        assert found[place.removeprefix("?")] == shown
        missing = pytest.raises(NotAllowed)
        with missing:
            client_of(there.base, declaration)
    assert missing.excinfo is not None
    assert "bi-mat" not in str(missing.excinfo.value)


# --- the session ------------------------------------------------------------------------------


class Sessions:
    """A department whose sessions end after some calls."""

    def __init__(self, calls: int, way: str = "field") -> None:
        self.calls, self.way = calls, way
        self.logins = 0
        self.left = 0

    def __call__(self, request: Request) -> Response:
        if request.url.path == "/vao":
            self.logins += 1
            self.left = self.calls
            name = f"p{self.logins}"
            if self.way == "header":
                return JSONResponse({}, headers={"X-Phien": name})
            if self.way == "cookie":
                return JSONResponse({}, headers={"set-cookie": f"PHIEN={name}; Path=/; HttpOnly"})
            return JSONResponse({"phien": {"ma": name}, "song": 60})
        shown = request.headers.get("x-phien", "")
        if shown != f"p{self.logins}" or self.left < 1:
            return Response("", 401)
        self.left -= 1
        return by_page(request)


def session(way: str = "field") -> dict[str, Any]:
    token = {"field": "phien.ma", "header": "X-Phien", "cookie": "PHIEN"}[way]
    return told(
        login={"taken_from": way, "token": token, "request": {"method": "POST", "path": "/vao"}},
        pull__request__query={"trang": "{page}"},
        pull__request__headers={"X-Phien": "{session}"},
        pull__paging={"kind": "page"},
    )


@pytest.mark.parametrize("way", ["field", "header", "cookie"])
async def test_a_session_that_ends_is_renewed_once(way: str) -> None:
    sessions = Sessions(2, way)
    async with desk(sessions) as there:
        _, codes = await run(there, session(way))
    assert len(codes) == 23
    assert sessions.logins == 2


async def test_a_new_session_that_is_not_taken_is_a_denial() -> None:
    async with desk(Sessions(0)) as there:
        found = await failure(there, session())
    assert (type(found), found.reason) == (NotAllowed, Reason.AUTH_DENIED)
    assert len(there.asked) == 2, "one login, one call, and no more"


async def test_all_who_need_a_session_share_one_login() -> None:
    sessions = Sessions(1000)
    async with desk(sessions) as there:
        client, _ = client_of(there.base, session())
        ask = Ask(since=None, until=None, cursor=None, open_codes=(), now=NOW)

        async def whole() -> int:
            return len([page async for page in client.pages(ask)])

        await asyncio.gather(*(whole() for _ in range(6)))
        await client.close()
    assert sessions.logins == 1


# --- what comes back --------------------------------------------------------------------------

RULES: list[dict[str, Any]] = [
    {"field": "loi", "values": [1], "reason": "AUTH_DENIED"},
    {"field": "loi", "values": ["3"], "reason": "RATE_LIMITED"},
    {"field": "loi", "values": [4], "reason": "NO_RECORDS"},
    {"field": "loi", "values": [5], "text": "noi", "text_has": "BẬN", "reason": "SOURCE_BUSY"},
    {"field": "loi", "good_values": [0], "text": "noi"},
]


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        ({"loi": 1}, NotAllowed, Reason.AUTH_DENIED),
        ({"loi": "1"}, NotAllowed, Reason.AUTH_DENIED),
        ({"loi": 3}, Busy, Reason.RATE_LIMITED),
        ({"loi": 5, "noi": "Máy chủ bận"}, TryAgain, Reason.SOURCE_ERROR),
        ({"loi": 5, "noi": "khác"}, Refused, Reason.SOURCE_ERROR),
        ({"loi": 9, "noi": "Nguyễn Văn A sai"}, Refused, Reason.SOURCE_ERROR),
        ({"ds": []}, Refused, Reason.SOURCE_ERROR),  # silence is no success
        ({"loi": 0}, Garbled, Reason.BODY_MALFORMED),  # no list is no empty list
        ({"loi": 0, "ds": {"ma": "A"}}, Garbled, Reason.BODY_MALFORMED),
    ],
)
async def test_an_answer_that_refuses_is_one_of_the_hubs_errors(
    said: dict[str, Any], kind: type[HubError], reason: Reason
) -> None:
    async with desk(lambda _: JSONResponse(said)) as there:
        found = await failure(there, told(errors=RULES))
    assert (type(found), found.reason) == (kind, reason)
    assert "Nguyễn" not in str(found), "a source's text may name people"


async def test_an_answer_that_says_none_is_an_empty_page() -> None:
    async with desk(lambda _: JSONResponse({"loi": 4})) as there:
        pages, codes = await run(there, told(errors=RULES))
    assert (len(pages), codes) == (1, [])


XML = (
    "<kq><loi>0</loi><ds><hs nguon='a'><ma>Đ1</ma><luc>02/03/2026</luc></hs>"
    "<hs><ma>Đ2</ma><luc/></hs></ds></kq>"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
async def test_xml_is_read_by_paths_of_names(encoding: str) -> None:
    answer = {"format": "xml", "records": "ds/hs", "encoding": encoding}
    raw = XML.encode(encoding)
    async with desk(lambda _: Response(raw, media_type="application/xml")) as there:
        pages, codes = await run(there, told(pull__answer=answer, errors=[RULES[-1]]))
    assert codes == ["Đ1", "Đ2"]
    system = declared.build(told(pull__answer=answer), {}, Wire())
    [first, second] = system.rows("pull", pages[0].raw)
    assert isinstance(first, Row)
    assert first.values == {"ma": "Đ1", "luc": "02/03/2026", "@nguon": "a"}
    assert isinstance(second, Row)
    assert second.values["luc"] is None


def rows_of(raw: bytes, **over: Any) -> list[Any]:
    return list(declared.build(told(**over), {}, Wire()).rows("pull", raw))


def test_one_spoilt_record_does_not_take_its_neighbours_with_it() -> None:
    bad = b'{"ma": "B", "ma": "C"}, {"ma": NaN}, 5, {"ma": "\\ud800"}'
    raw = b'{"ds": [{"ma": "A"}, ' + bad + b', {"ma": "D"}]}'
    found = rows_of(raw)
    assert [type(one) for one in found] == [Row, BadRow, BadRow, BadRow, BadRow, Row]
    assert [one.reason for one in found if isinstance(one, BadRow)] == [
        Reason.FIELD_TYPE,
        Reason.FIELD_TYPE,
        Reason.FIELD_TYPE,
        Reason.ENC_INVALID,
    ]


@pytest.mark.parametrize("cut", range(1, 42))
def test_json_cut_anywhere_is_no_page(cut: int) -> None:
    raw = b'{"ds": [{"ma": "\\u0110A"}, {"ma": true}]}'
    with pytest.raises(Garbled) as found:
        rows_of(raw[: len(raw) - cut])
    assert found.value.reason in (Reason.BODY_TRUNCATED, Reason.BODY_MALFORMED)


def test_bytes_outside_the_declared_encoding_are_refused() -> None:
    with pytest.raises(Garbled) as found:
        rows_of('{"ds": [{"ma": "Đ"}]}'.encode("cp1258"))
    assert found.value.reason is Reason.ENC_INVALID
    [row] = rows_of('{"ds": [{"ma": "Đ"}]}'.encode("cp1258"), pull__answer__encoding="windows-1258")
    assert row.values == {"ma": "Đ"}


def test_naive_times_are_of_the_declared_zone() -> None:
    for zone, hour in (("Asia/Ho_Chi_Minh", 17), ("UTC", 0)):
        system = declared.build(told(time_zone=zone), {}, Wire())
        assert system.mapping_document is not None
        mapping = compile_mapping(system.mapping_document, system.transforms)
        found = mapping.shapes["record"].apply({"ma": "A", "luc": "02/03/2026"})
        assert isinstance(found, dict)
        assert found["updated_at"].astimezone(UTC).hour == hour
