"""What an honest outsider tries at the doors: found once by hand, kept as sentences (CONTRACT)."""

import itertools
from typing import Any

import pytest

from store import failures, lookups
from tests.trial import PUSH, Trial, dossier

AT = "2026-03-05T09:00:00+07:00"


async def test_facets_of_one_moment_and_version_give_one_leg_in_any_order(hub: Trial) -> None:
    pictures = set()
    for number, order in enumerate(itertools.permutations(range(4))):
        code = f"A-{number}"
        told: list[dict[str, Any]] = [
            dossier(0, code=code, national_code=None, updated_at=AT, step="snapshot"),
            {"facet": "reception", "channel": "post", "status": "accepted"},
            {"facet": "step", "step": "step", "status": "supplement"},
            {"facet": "money", "status": "financial"},
        ]
        made = ""
        for place in order:
            made = await hub.take({"code": code, "version": 1, "updated_at": AT, **told[place]})
        seen = await hub.read(made)
        pictures.add((seen["step"], seen["status"], seen["channel"]))
    assert pictures == {("step", "financial", "post")}


@pytest.mark.parametrize("name", ["%", "1.00161_", "1", "2.%", "_.001612"])
async def test_a_procedure_is_asked_for_by_its_code_and_never_by_a_pattern(
    hub: Trial, name: str
) -> None:
    await hub.take(dossier(1))
    assert (await hub.get(PUSH, procedure=name))["items"] == []
    period = {"agency": "H50", "from": "2026-01-01", "to": "2026-12-31"}
    told = await hub.get("/api/v1/indicators", "government", procedure=name, **period)
    assert told["total"] == 0


async def test_a_procedure_is_found_with_and_without_its_tail(hub: Trial) -> None:
    await hub.take(dossier(1))
    await hub.take(dossier(2, procedure={"code": "1.001612.000.00.00.H50"}))
    for name in ("1.001612", "1.001612.000.00.00.H50"):
        assert len((await hub.get(PUSH, procedure=name))["items"]) == 2


@pytest.mark.parametrize("told", ["0", "1425261600", "20260302", "2026-03-02T00:00:00", "2026-3-2"])
async def test_a_day_is_asked_for_as_a_day_and_never_as_an_epoch(hub: Trial, told: str) -> None:
    said = await hub.call("GET", PUSH, who="portal", params={"accepted_from": told})
    assert (said.status, said.body["field"]) == (422, "accepted_from")
    period = {"agency": "H50", "from": "2026-01-01", "to": "2026-12-31", "as_of": told}
    said = await hub.call("GET", "/api/v1/indicators", who="government", params=period)
    assert (said.status, said.body["field"]) == (422, "as_of")


async def test_a_channel_that_does_not_exist_is_refused_in_a_listing_too(hub: Trial) -> None:
    said = await hub.call("GET", PUSH, who="portal", params={"channel": "pigeon"})
    assert (said.status, said.body["field"]) == (422, "channel")


async def test_the_name_of_a_content_type_may_be_written_large(hub: Trial) -> None:
    said = await hub.push(raw=b'{"code": "half\n', kind="Application/X-NDJSON")
    assert (said.status, said.fates) == (200, [("quarantined", "BODY_MALFORMED", None)])


@pytest.mark.parametrize(
    ("header", "status"),
    [("{}", 304), ("W/{}", 304), ('"other", {}', 304), ("*", 304), ('"other"', 200)],
)
async def test_an_answer_that_is_held_is_not_sent_again(
    hub: Trial, header: str, status: int
) -> None:
    path = f"{PUSH}/{await hub.take(dossier(1))}"
    etag = (await hub.call("GET", path, who="portal")).headers["etag"]
    held = {"If-None-Match": header.format(etag)}
    assert (await hub.call("GET", path, who="portal", headers=held)).status == status


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("en", "en"),
        ("en-GB,en;q=0.9,vi;q=0.8", "en"),
        ("fr, en;q=0.5", "en"),
        ("vi;q=0.1, en;q=0.9", "en"),
        ("vi, en", "vi"),
        ("en, vi", "en"),
        ("en;q=0", "vi"),
        ("english please;;q=,", "vi"),
        ("*", "vi"),
    ],
)
async def test_a_refusal_is_told_in_the_language_wished_for_most(
    hub: Trial, wish: str, language: str
) -> None:
    said = await hub.call("GET", "/nowhere", headers={"Accept-Language": wish})
    assert ("Not found" in said.body["detail"]) == (language == "en")


async def test_a_token_is_kept_in_no_cache(hub: Trial) -> None:
    made = hub.introduce("portal")
    form = {
        "grant_type": "client_credentials",
        "client_id": made.client_id,
        "client_secret": made.client_secret,
    }
    said = await hub.call("POST", "/oauth/token", data=form)
    assert (said.status, said.headers["cache-control"]) == (200, "no-store")


@pytest.mark.parametrize("path", ["/api/v1/lookup", "/oauth/token", "/tra-cuu"])
async def test_a_door_without_a_token_holds_no_large_body(hub: Trial, path: str) -> None:
    kind = "application/json" if path.endswith("lookup") else "application/x-www-form-urlencoded"
    said = await hub.call("POST", path, content=b"a" * 20_000, headers={"Content-Type": kind})
    assert (said.status, said.body["reason"]) == (413, "BODY_TOO_LARGE")


async def test_the_failures_of_a_code_are_counted_over_all_its_spellings(hub: Trial) -> None:
    await hub.take(dossier(1, pin="123456"))

    async def ask(code: str, pin: str) -> int:
        asked = {"code": code, "pin": pin}
        return (await hub.call("POST", "/api/v1/lookup", json=asked)).status

    for _ in range(lookups.PER_CODE):
        assert await ask("H50.12-260302-0001", "000000") == 404
    assert await ask("000.00.12.H50-260302-0001", "123456") == 429


async def test_a_citizen_is_answered_by_a_page_whatever_was_typed(hub: Trial) -> None:
    for form in ({"code": "x" * 300, "pin": "1"}, {"code": "x", "pin": "1" * 30}, {}):
        said = await hub.call("POST", "/tra-cuu", data=form)
        assert (said.status, said.headers["content-type"]) == (404, "text/html; charset=utf-8")
    for _ in range(lookups.PER_CODE):
        await hub.call("POST", "/tra-cuu", data={"code": "X-1", "pin": "000000"})
    said = await hub.call("POST", "/tra-cuu", data={"code": "X-1", "pin": "000000"})
    assert (said.status, int(said.headers["retry-after"])) == (429, failures.WINDOW_S)


async def test_a_dossier_shows_its_links(hub: Trial) -> None:
    links = [{"namespace": "one_stop", "code": "MC-881"}]
    seen = await hub.read(await hub.take(dossier(1, links=links)))
    assert seen["links"] == links
    assert seen["spoke"]["links"] == "desk:A-00001"


async def test_two_bodies_in_one_envelope_are_refused_whole(hub: Trial) -> None:
    one = "<soap:Body><PushDossiers><dossier><code>A</code></dossier></PushDossiers></soap:Body>"
    space = "http://schemas.xmlsoap.org/soap/envelope/"
    raw = f'<soap:Envelope xmlns:soap="{space}">{one}{one}</soap:Envelope>'
    said = await hub.call(
        "POST", "/soap/v1", who="desk", content=raw, headers={"Content-Type": "text/xml"}
    )
    assert said.status == 500
    assert b"<reason>BODY_MALFORMED</reason>" in said.raw
