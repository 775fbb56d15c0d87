"""Who comes in to the console, for how long, and which form is believed."""

import re

import pytest

from canonical.errors import HubError
from hub.commands.running import first_words
from store import staff as accounts
from store.console_tables import StaffSession
from store.staff_rights import Right, rights_of
from store.tables import table
from sync import staff
from tests.signed import Browser, add_member, signed_in
from tests.trial import Trial

pytestmark = pytest.mark.unproved  # nothing here touches a dossier
# Of what is the same whatever the store, one is enough.
ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
OWN = "mật khẩu của riêng tôi"
LOGIN = "/console/login"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2id as quick as it may be: its cost is not what is tried."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    made = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    monkeypatch.setattr(staff, "_hasher", lambda: made)
    staff._nobody.cache_clear()


async def enter(hub: Trial, name: str, password: str) -> tuple[Browser, int]:
    browser = Browser(hub)
    said = await browser.post(LOGIN, token=await browser.token(LOGIN), name=name, password=password)
    return browser, said.status


async def test_the_first_administrator_is_made_once_and_changes_the_password(
    hub: Trial, quick: None
) -> None:
    first = staff.add_first(hub.context)
    assert first is not None
    assert (first.name, first.role) == ("quantri", "administrator")
    assert staff.add_first(hub.context) is None
    assert first.password in first_words(first)
    browser, status = await enter(hub, "quantri", first.password)
    assert status == 303
    for path in ("/console", "/console/tasks/1", "/console/disclosures"):
        said = await browser.get(path)
        assert (said.status, said.headers["location"]) == (303, "/console/password")
    form = {"before": first.password, "after": OWN, "again": OWN}
    for over in ({"again": "khác hẳn thế kia"}, {"after": "ngắn", "again": "ngắn"}):
        assert (await browser.post("/console/password", **{**form, **over})).status == 422
    assert (await browser.post("/console/password", **{**form, "before": "x"})).status == 401
    assert (await browser.post("/console/password", **form)).status == 303
    assert "Tổng quan" in await browser.text("/console")
    assert (await enter(hub, "quantri", first.password))[1] == 401
    assert (await enter(hub, "quantri", OWN))[1] == 303


@ONE_STORE
async def test_another_password_ends_every_other_session(hub: Trial, quick: None) -> None:
    made = staff.add(hub.context, "lan", "viewer", [])
    one, _ = await enter(hub, "lan", made.password)
    two, _ = await enter(hub, "lan", made.password)
    said = await one.post("/console/password", before=made.password, after=OWN, again=OWN)
    assert said.status == 303
    assert (await one.get("/console")).status == 200
    assert (await two.get("/console")).headers["location"].startswith(LOGIN)


async def test_wrong_names_and_wrong_passwords_are_told_the_same_and_count(
    hub: Trial, quick: None
) -> None:
    made = staff.add(hub.context, "lan", "operator", [])
    pages = []
    for name in ("lan", "không ai"):
        browser = Browser(hub)
        token = await browser.token(LOGIN)
        said = await browser.post(LOGIN, token=token, name=name, password="đoán")
        assert said.status == 401
        pages.append(re.sub(r'value="[^"]*"', "", said.raw.decode()))
    assert pages[0] == pages[1]
    for _ in range(9):
        assert (await enter(hub, "lan", "đoán"))[1] == 401
    browser = Browser(hub)
    token = await browser.token(LOGIN)
    said = await browser.post(LOGIN, token=token, name="lan", password=made.password)
    assert said.status == 429
    assert 0 < int(said.headers["retry-after"]) <= 600
    hub.clock.forward(seconds=600)  # nobody is locked out for good
    assert (await enter(hub, "lan", made.password))[1] == 303


async def test_who_is_disabled_is_out_at_once_and_comes_back_by_a_reset(
    hub: Trial, quick: None
) -> None:
    made = staff.add(hub.context, "lan", "operator", ["000.00.12.H50"])
    browser, _ = await enter(hub, "lan", made.password)
    staff.disable(hub.context, "lan")
    assert (await browser.get("/console/password")).status == 303
    assert (await enter(hub, "lan", made.password))[1] == 401
    again = staff.reset(hub.context, "lan")
    assert (await enter(hub, "lan", again.password))[1] == 303
    with hub.store.read() as tx:
        assert accounts.list_members(tx)[0].agencies == frozenset({"H50.12"})


@ONE_STORE
@pytest.mark.parametrize(
    ("name", "role"), [("lan", "boss"), (" ", "viewer"), ("a\nb", "viewer"), ("x" * 101, "viewer")]
)
async def test_an_account_that_cannot_be_is_not_made(
    hub: Trial, quick: None, name: str, role: str
) -> None:
    with pytest.raises(HubError):
        staff.add(hub.context, name, role, [])


@ONE_STORE
async def test_a_name_is_given_once(hub: Trial, quick: None) -> None:
    staff.add(hub.context, "lan", "viewer", [])
    with pytest.raises(HubError):
        staff.add(hub.context, "lan", "operator", [])
    for wrong in (staff.reset, staff.disable):
        with pytest.raises(HubError):
            wrong(hub.context, "không ai")


@ONE_STORE
async def test_nobody_reaches_a_page_without_a_session(hub: Trial) -> None:
    browser = Browser(hub)
    for path in ("/console", "/console/disclosures?before=3", "/console/tasks/1"):
        said = await browser.get(path)
        assert said.status == 303
        assert said.headers["location"].startswith(f"{LOGIN}?next=%2Fconsole")
        assert said.headers["cache-control"] == "no-store"
    said = await browser.call("POST", "/console/disclose", data={"subject": "x"})
    assert (said.status, said.headers["location"]) == (303, LOGIN)
    part = await browser.call("GET", "/console", headers={"HX-Request": "true"})
    assert (part.status, part.headers["hx-redirect"]) == (204, LOGIN)


async def test_a_session_ends_when_unused_and_in_any_case_by_evening(hub: Trial) -> None:
    browser = signed_in(hub)
    for _ in range(20):
        hub.clock.forward(seconds=1_799)
        assert (await browser.get("/console")).status == 200
    hub.clock.forward(seconds=1_799)  # ten hours, never unused
    assert (await browser.get("/console")).status == 303
    other = signed_in(hub, "viewer")
    hub.clock.forward(seconds=1_801)
    assert (await other.get("/console")).status == 303


async def test_a_cookie_is_out_of_reach_and_signing_out_ends_it_for_all(
    hub: Trial, quick: None
) -> None:
    made = staff.add(hub.context, "lan", "viewer", [])
    browser = Browser(hub)
    token = await browser.token(LOGIN)
    said = await browser.post(LOGIN, token=token, name="lan", password=made.password)
    told = said.headers["set-cookie"].lower()
    assert "hub_session=" in told
    assert "httponly" in told
    assert "samesite=strict" in told
    with hub.store.read() as tx:
        kept = tx.execute(table(StaffSession).select()).all()
    assert kept[0].digest not in told
    stolen = Browser(hub)
    stolen.cookies = browser.cookies
    assert (await browser.post("/console/logout")).status == 303
    assert (await stolen.get("/console/password")).status == 303


@ONE_STORE
async def test_behind_tls_cookies_are_for_https_alone(hub: Trial) -> None:
    from msgspec import structs

    hub.context.limits = structs.replace(hub.context.limits, is_behind_tls=True)
    said = await Browser(hub).get(LOGIN)
    assert "; secure" in said.headers["set-cookie"].lower()


@ONE_STORE
@pytest.mark.parametrize("fault", ["none", "forged", "another's", "elsewhere", "old browser"])
async def test_a_form_of_somebody_elses_changes_nothing(hub: Trial, fault: str) -> None:
    browser = signed_in(hub)
    token = await browser.token()
    headers = {}
    if fault == "none":
        token = ""
    elif fault == "forged":
        token = token[:-4] + "0000"
    elif fault == "another's":
        token = await signed_in(hub, "administrator").token()
    elif fault == "elsewhere":
        headers = {"Sec-Fetch-Site": "cross-site"}
    else:
        headers = {"Origin": "https://evil.example"}
    said = await browser.post(
        "/console/disclose", token=token, headers=headers, subject="dossier:1", reason="x"
    )
    assert said.status == 403
    text = (
        await signed_in(hub, "administrator", ()).text("/console/disclosures")
        if (fault != "another's")
        else ""
    )
    assert "dossier:1" not in text


@ONE_STORE
async def test_htmx_sends_the_token_as_a_header(hub: Trial) -> None:
    browser = signed_in(hub)
    headers = {"HX-Request": "true", "X-CSRF-Token": await browser.token()}
    said = await browser.call(
        "POST", "/console/disclose", headers=headers, data={"subject": "dossier:1", "reason": "x"}
    )
    assert (said.status, said.headers["hx-redirect"]) == (204, "/console")


def test_what_a_role_may() -> None:
    assert rights_of("administrator", frozenset()) == frozenset(Right)
    assert rights_of("operator", frozenset()) == frozenset(Right) - {Right.ADMINISTER}
    assert rights_of("viewer", frozenset()) == {Right.DOSSIERS, Right.WATCH}
    assert rights_of("administrator", frozenset({"H50"})) == {Right.DOSSIERS, Right.DISCLOSE}
    assert rights_of("nobody", frozenset()) == frozenset()


@ONE_STORE
async def test_a_page_says_what_one_may_not(hub: Trial) -> None:
    viewer = signed_in(hub, "viewer")
    said = await viewer.get("/console/disclosures")
    assert said.status == 403
    assert "Nhật ký xem" not in said.raw.decode()
    limited = signed_in(hub, "viewer", ("H50.12",))
    said = await limited.get("/console")
    assert said.headers["location"] == "/console/dossiers"
    assert (await limited.get("/console/tasks/1")).status == 403


@ONE_STORE
async def test_english_is_one_click_away_and_stays(hub: Trial) -> None:
    browser = signed_in(hub)
    assert '<html lang="vi">' in await browser.text("/console")
    said = await browser.post("/console/language", to="en", back="/console?x=1")
    assert said.headers["location"] == "/console?x=1"
    text = await browser.text("/console")
    assert '<html lang="en">' in text
    assert "Links that work" in text


@ONE_STORE
@pytest.mark.parametrize(
    "next_", ["https://evil.example", "//evil.example", "/console//x", "/elsewhere", "/console\\x"]
)
async def test_signing_in_never_leads_elsewhere(hub: Trial, quick: None, next_: str) -> None:
    made = staff.add(hub.context, "lan", "viewer", [])
    browser = Browser(hub)
    token = await browser.token(LOGIN)
    form = {"name": "lan", "password": made.password, "next": next_}
    said = await browser.post(LOGIN, token=token, **form)
    assert said.headers["location"] == "/console"


@ONE_STORE
async def test_pages_allow_no_script_or_style_of_others(hub: Trial) -> None:
    add_member(hub)
    said = await Browser(hub).get(LOGIN)
    policy = said.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert said.headers["x-frame-options"] == "DENY"


@ONE_STORE
async def test_files_are_kept_for_ever_under_their_digest_and_asked_for_otherwise(
    hub: Trial,
) -> None:
    browser = Browser(hub)
    page = (await browser.get(LOGIN)).raw.decode()
    address = re.findall(r'href="(/console/static/console\.css\?v=\w+)"', page)[0]
    said = await browser.get(address)
    assert said.status == 200
    assert "immutable" in said.headers["cache-control"]
    plain = await browser.get(address.partition("?")[0])
    assert plain.headers["cache-control"] == "no-cache"
    again = await browser.call("GET", address, headers={"If-None-Match": said.headers["etag"]})
    assert (again.status, again.raw) == (304, b"")
    for wrong in ("templates/base.html", "%2e%2e/desk.py", ""):
        assert (await browser.get(f"/console/static/{wrong}")).status == 404


@ONE_STORE
async def test_a_page_that_is_none_says_so_to_staff_alone(hub: Trial) -> None:
    assert (await Browser(hub).get("/console/nowhere")).status == 303
    said = await signed_in(hub).get("/console/nowhere")
    assert said.status == 404
    assert "<h1" in said.raw.decode()


@ONE_STORE
async def test_a_large_form_is_refused_before_anybody_is_known(hub: Trial) -> None:
    said = await Browser(hub).call("POST", LOGIN, data={"name": "x" * 20_000})
    assert said.status == 413
