"""What nobody can tell, a person says: on a page, or by a command; kept as an act, once."""

import base64
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from canonical.errors import HubError
from canonical.reasons import Reason
from store.tables import Act, table
from sync.filing_decisions import Decision, Said, decide_filing
from tests.filed import CONNECTION, Counter, counter
from tests.trial import Answer, Trial

PAGE = "/console/filings"
MADK = "45012-20260302-101530123"


@pytest.fixture
async def at(hub: Trial) -> AsyncIterator[Counter]:
    async with counter(hub) as made:
        made.connect(files_lookup="none")
        yield made


async def unclear(at: Counter, number: int = 1) -> str:
    """A filing whose answer was lost and that nobody can look up; its dossier's id."""
    at.department.mood = "lost_after_taking"
    own = await at.take(number)
    await at.work()
    at.department.mood = "well"
    await at.quiet()
    assert at.rows()[-1].state == "person"
    return own


def basic(hub: Trial, who: str = "admin") -> dict[str, str]:
    if who not in hub.known:
        hub.introduce(who)
    told = hub.known[who]
    pair = f"{told.client_id}:{told.client_secret}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


async def page(hub: Trial, who: str = "admin") -> Answer:
    return await hub.call("GET", PAGE, headers=basic(hub, who))


def token_of(said: Answer) -> str:
    found = re.search(r'name="token" value="([^"]+)"', said.raw.decode())
    assert found is not None
    return found.group(1)


async def post(hub: Trial, who: str = "admin", **form: Any) -> Answer:
    headers = {**basic(hub, who), **form.pop("headers", {})}
    return await hub.call("POST", PAGE, headers=headers, data=form)


def acts(hub: Trial) -> list[tuple[str, str, str]]:
    with hub.store.read() as tx:
        rows = tx.execute(table(Act).select()).all()
    return [(row.subject, row.actor, row.reason) for row in rows]


async def test_the_page_asks_who_and_shows_itself_to_administrators_alone(at: Counter) -> None:
    await unclear(at)
    said = await at.hub.call("GET", PAGE)
    assert said.status == 303
    assert said.headers["location"] == "/console/login?next=%2Fconsole%2Ffilings"
    wrong = {"Authorization": "Basic " + base64.b64encode(b"admin:guess").decode()}
    said = await at.hub.call("GET", PAGE, headers=wrong)
    assert said.status == 401
    assert said.headers["www-authenticate"].startswith("Basic ")
    assert (await page(at.hub, "portal")).status == 403
    assert (await post(at.hub, "portal", filing="1")).status == 403


async def test_the_page_says_what_is_known_and_nothing_of_the_citizen(at: Counter) -> None:
    own = await unclear(at)
    said = await page(at.hub)
    text = said.raw.decode()
    assert said.status == 200
    assert said.headers["content-security-policy"].startswith("default-src 'none'")
    assert said.headers["cache-control"] == "no-store"
    assert "<script" not in text
    assert "Sở Giao thông Vận tải" in text
    for told in (own, at.row.number, "desk:A-00001", "02/03/2026 09:00:00"):
        assert told in text
    for hidden in ("Nguyễn Văn Thử", "045000000001", "Phường 1"):
        assert hidden not in text


async def test_a_code_that_a_person_tells_makes_it_filed_and_ties_the_two(at: Counter) -> None:
    own = await unclear(at)
    form = {
        "filing": at.row.id,
        "decision": "filed",
        "code": f" {MADK} ",
        "reason": "Đã gọi bộ phận GPLX lúc 10 giờ",
        "token": token_of(await page(at.hub)),
    }
    said = await post(at.hub, **form)
    assert (said.status, said.headers["location"]) == (303, PAGE)
    assert (at.row.state, at.row.filed_code) == ("filed", MADK)
    legs = (await at.hub.read(own))["legs"]
    assert (CONNECTION, MADK) in [(leg["namespace"], leg["code"]) for leg in legs]
    assert acts(at.hub) == [
        (f"filing:{at.row.id}", "admin", "filed: Đã gọi bộ phận GPLX lúc 10 giờ")
    ]
    assert at.alarms() == []
    # The same form again finds nothing to decide.
    assert (await post(at.hub, **form)).status == 404
    assert len(acts(at.hub)) == 1
    assert at.sent == 1


async def test_what_the_department_has_not_is_sent_again_when_a_person_says_so(at: Counter) -> None:
    at.department.mood = "silent"
    await at.take()
    await at.work()
    at.department.mood = "well"
    await at.quiet()
    assert (at.row.state, at.sent) == ("person", 0)
    said = await post(
        at.hub,
        filing=at.row.id,
        decision="send_again",
        reason="Sở không có",
        token=token_of(await page(at.hub)),
    )
    assert said.status == 303
    await at.quiet()
    assert (at.row.state, len(at.ledger)) == ("filed", 1)


async def test_what_a_person_gives_up_stays_given_up(at: Counter) -> None:
    await unclear(at)
    said = await post(
        at.hub,
        filing=at.row.id,
        decision="refused",
        reason="Sở trả lại",
        token=token_of(await page(at.hub)),
    )
    assert said.status == 303
    assert at.alarms() == []
    assert "Không có hồ sơ nào đang chờ" in (await page(at.hub)).raw.decode()
    await at.hub.take(at.licence(version=2, updated_at="2026-03-02T10:00:00+07:00"))
    await at.quiet()
    assert (at.row.state, at.sent) == ("refused", 1)


@pytest.mark.unproved
@pytest.mark.parametrize("fault", ["none", "forged", "another's", "old", "changed", "elsewhere"])
async def test_a_form_this_page_did_not_make_now_for_this_person_changes_nothing(
    at: Counter, fault: str
) -> None:
    await unclear(at)
    at.hub.introduce("second", scopes=["admin"])
    token = token_of(await page(at.hub, "second" if fault == "another's" else "admin"))
    headers = {}
    if fault == "none":
        token = ""
    elif fault == "forged":
        token = token[:-4] + "0000"
    elif fault == "old":
        at.hub.clock.forward(seconds=3_601)
    elif fault == "elsewhere":
        headers = {"Sec-Fetch-Site": "cross-site"}
    form = {
        "filing": at.row.id,
        "decision": "send_again",
        "reason": "x",
        "token": token,
        "headers": headers,
    }
    if fault == "changed":
        said = Said(Decision.REFUSED, "cli", "khác")
        decide_filing(at.hub.context, at.row.id, said)
        decide_filing(at.hub.context, at.row.id, Said(Decision.SEND_AGAIN, "cli", "khác"))
        at.department.mood = "lost_after_taking"
        await at.work()
        await at.quiet()
        assert at.row.state == "person"
    before = (at.row, acts(at.hub))
    assert (await post(at.hub, **form)).status in (403, 409)
    assert (at.row, acts(at.hub)) == before


@pytest.mark.unproved
@pytest.mark.parametrize(
    "over",
    [
        {"reason": " "},
        {"decision": "filed", "code": ""},
        {"decision": "filed", "code": "a\x00b"},
        {"decision": "perhaps"},
        {"reason": "x" * 1001},
    ],
)
async def test_a_form_that_says_too_little_or_too_much_changes_nothing(
    at: Counter, over: dict[str, str]
) -> None:
    await unclear(at)
    form = {"filing": str(at.row.id), "decision": "send_again", "reason": "x", **over}
    said = await post(at.hub, token=token_of(await page(at.hub)), **form)
    assert said.status == 422
    assert 'role="alert"' in said.raw.decode()
    assert (at.row.state, acts(at.hub)) == ("person", [])


async def test_a_code_of_another_filing_is_not_given_twice(at: Counter) -> None:
    await unclear(at, 1)
    await unclear(at, 2)
    first, second = at.rows()
    decide_filing(at.hub.context, first.id, Said(Decision.FILED, "cli", "x", MADK))
    with pytest.raises(HubError) as failure:
        decide_filing(at.hub.context, second.id, Said(Decision.FILED, "cli", "x", MADK))
    assert failure.value.reason is Reason.CONFLICT
    assert at.rows()[1].state == "person"


async def test_two_who_decide_at_once_decide_once(at: Counter) -> None:
    await unclear(at)
    seen = at.row
    said = Said(Decision.SEND_AGAIN, "cli", "x", seen_at=seen.updated_at)
    decide_filing(at.hub.context, seen.id, said)
    with pytest.raises(HubError) as failure:
        decide_filing(at.hub.context, seen.id, said)
    assert failure.value.reason is Reason.CONFLICT
    assert len(acts(at.hub)) == 1


async def test_what_goes_on_by_itself_is_not_decided(at: Counter) -> None:
    await at.take()
    await at.work()
    with pytest.raises(HubError) as failure:
        decide_filing(at.hub.context, at.row.id, Said(Decision.SEND_AGAIN, "cli", "x"))
    assert failure.value.reason is Reason.CONFLICT
    assert at.sent == 1


async def test_papers_that_failed_are_handed_in_again_when_a_person_says_so(at: Counter) -> None:
    record = at.licence()
    kept = at.papers.files.pop("1/scan")
    await at.hub.take(record)
    await at.work()
    assert "thứ 2" in (await page(at.hub)).raw.decode()
    at.papers.files["1/scan"] = kept
    decide_filing(at.hub.context, at.row.id, Said(Decision.PAPERS, "cli", "đã bổ sung"))
    await at.work()
    assert (at.row.papers_sent, at.alarms()) == (2, [])


async def test_an_administrator_of_one_agency_sees_its_own(at: Counter) -> None:
    await unclear(at)
    at.hub.introduce("elsewhere", scopes=["admin"], agencies=["H50.14"])
    at.hub.introduce("here", scopes=["admin"], agencies=["H50.12"])
    assert at.row.number not in (await page(at.hub, "elsewhere")).raw.decode()
    said = await page(at.hub, "here")
    assert at.row.number in said.raw.decode()
    form = {"filing": at.row.id, "decision": "refused", "reason": "x", "token": token_of(said)}
    assert (await post(at.hub, "elsewhere", **form)).status == 404


@pytest.mark.unproved
async def test_the_page_is_no_part_of_the_machines_contract(hub: Trial) -> None:
    assert PAGE not in (await hub.call("GET", "/openapi.json")).body["paths"]


@pytest.mark.unproved
async def test_a_large_form_is_refused_before_it_is_held(hub: Trial) -> None:
    said = await hub.call("POST", PAGE, data={"reason": "x" * 20_000})
    assert said.status == 413
