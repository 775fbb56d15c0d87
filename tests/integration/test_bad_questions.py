"""Questions nobody should ask: never a 500, on either store, at any door that reads."""

from typing import Any

import pytest

from tests.trial import PUSH, Trial, dossier

NUL = "a\0b"
pytestmark = pytest.mark.unproved  # questions write nothing


@pytest.mark.parametrize("name", ["code", "agency", "procedure", "connection", "channel", "cursor"])
async def test_a_nul_in_a_listing_is_no_failure_of_the_hub(hub: Trial, name: str) -> None:
    await hub.take(dossier(1))
    said = await hub.call("GET", PUSH, who="portal", params={name: NUL})
    assert said.status in (200, 422), said.raw
    if said.status == 200:
        assert said.body["items"] == []


@pytest.mark.parametrize("path", [f"{PUSH}/a%00b", f"{PUSH}/a%00b/history"])
async def test_a_nul_in_an_id_is_not_found(hub: Trial, path: str) -> None:
    assert (await hub.call("GET", path, who="portal")).status in (404, 422)


async def test_a_nul_in_a_receipts_id_is_not_found(hub: Trial) -> None:
    assert (await hub.call("GET", "/api/v1/receipts/a%00b", who="desk")).status in (404, 422)


@pytest.mark.parametrize("name", ["agency", "procedure", "connection"])
async def test_a_nul_in_a_question_for_indicators(hub: Trial, name: str) -> None:
    params = {"agency": "H50", "from": "2026-01-01", "to": "2026-12-31", name: NUL}
    said = await hub.call("GET", "/api/v1/indicators", who="government", params=params)
    assert said.status in (200, 422), said.raw


@pytest.mark.parametrize(
    "raw",
    [
        b'{"code": "a\\u0000b", "pin": "123456"}',
        b'{"code": "\\ud800", "pin": "123456"}',
        b'{"code": "X", "pin": "\\ud800"}',
        b'{"code": "X", "pin": "12\\u00003456"}',
        b'{"code": "X"}',
        b'{"code": 7, "pin": "123456"}',
        b'{"code": "X", "pin": 123456}',
        b'{"code": "X", "pin": "123456", "more": 1}',
        b"[]",
        b"null",
        b"",
        b"{",
        b"\xff\xfe",
    ],
)
async def test_a_strange_look_up_is_refused_and_never_a_500(hub: Trial, raw: bytes) -> None:
    said = await hub.call(
        "POST", "/api/v1/lookup", content=raw, headers={"Content-Type": "application/json"}
    )
    assert 400 <= said.status < 500, said.raw
    assert said.headers["content-type"] == "application/problem+json"
    assert b"123456" not in said.raw


@pytest.mark.parametrize("name", ["client_id", "client_secret", "grant_type"])
@pytest.mark.parametrize("value", [NUL, "x" * 10_000, "\U0001f600"])
async def test_strange_credentials_are_refused(hub: Trial, name: str, value: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "c-1", "client_secret": "s"}
    said = await hub.call("POST", "/oauth/token", data={**form, name: value})
    assert said.status in (401, 422), said.raw
    assert value.encode() not in said.raw


async def test_a_strange_idempotency_key_or_connection_is_refused_or_taken(hub: Trial) -> None:
    hub.token("desk")
    headers: Any = [(b"Idempotency-Key", b"\xff\xfe\x00"), (b"Content-Type", b"application/json")]
    token = hub.token("desk")
    headers.append((b"Authorization", f"Bearer {token}".encode()))
    said = await hub.http.post(PUSH, content=b"[]", headers=headers)
    assert said.status_code in (200, 400, 422), said.content
    named = await hub.push(dossier(1), connection=NUL)
    assert named.status in (403, 422)
    native = await hub.call("POST", "/api/v1/connections/a%00b/records", who="desk", content=b"{}")
    assert native.status in (403, 404, 422)


@pytest.mark.parametrize(
    "params",
    [
        {"from": "2026-12-31", "to": "2026-01-01"},
        {"from": "2026-02-30", "to": "2026-12-31"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"from": "0001-01-01", "to": "0001-01-01", "as_of": "9999-12-31"},
        {"from": "2026-01-01", "to": "2026-12-31", "profile": "mine"},
        {"from": "2026-01-01", "to": "2026-12-31", "group_by": "applicant"},
        {"from": "2026-01-01", "to": "2026-12-31", "channel": "pigeon"},
        {},
    ],
)
async def test_a_strange_period_is_answered_or_refused_in_words(
    hub: Trial, params: dict[str, str]
) -> None:
    said = await hub.call(
        "GET", "/api/v1/indicators", who="government", params={"agency": "H50", **params}
    )
    assert said.status in (200, 422), said.raw


@pytest.mark.parametrize("path", ["/api/v1/changes?after=-1", "/api/v1/changes?after=9e99"])
async def test_a_strange_place_in_the_feed_is_422(hub: Trial, path: str) -> None:
    assert (await hub.call("GET", path, who="portal")).status == 422
    huge = await hub.call("GET", f"/api/v1/changes?after={2**62}", who="portal")
    assert (huge.status, huge.body["items"]) == (200, [])
    assert (await hub.call("GET", f"/api/v1/changes?after={2**63}", who="portal")).status == 422


async def test_what_is_not_there_is_a_problem_too(hub: Trial) -> None:
    for method, path, status in (
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", PUSH, 405),
        ("GET", "/api/v1/lookup", 405),
    ):
        said = await hub.call(method, path, who="portal")
        assert (said.status, said.headers["content-type"]) == (status, "application/problem+json")
