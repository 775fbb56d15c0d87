"""The pages of the connections: what they show, who may do what, and what becomes of it."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from canonical import clock
from hub.wiring import Contracts
from store import alarms, connections
from sync import connection_edits, connection_history, wishes
from sync.connecting import By, mark_tested
from sync.connection_edits import Change, New, Told
from tests.polled import Poll, row
from tests.signed import Browser, signed_in
from tests.trial import Trial

pytestmark = pytest.mark.unproved  # no record is decided here but by the doors, tried elsewhere
ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
PATH = "/console/connections"
WSDL = Path(__file__).parents[2] / "adapters" / "transport" / "contract" / "service-2014-used.wsdl"
ME = By("nguoi-truc", "thử nghiệm")
CANARY = "mat-khau-khong-ai-duoc-thay"
PAGES = ("", "/settings", "/test", "/versions", "/drift", "/runs")


def add(hub: Trial, name: str = "snv", **more: Any) -> None:
    told = {"system": "one_stop", "endpoint": "http://127.0.0.1:1", "is_draft": True, **more}
    connection_edits.make(hub.context, New(id=name, **told), ME)


def held(hub: Trial, name: str = "snv") -> connections.ConnectionRow:
    with hub.store.read() as tx:
        row = connections.load_connection(tx, name)
    assert row is not None
    return row


async def move(browser: Browser, to: str, seen: int, **more: str) -> int:
    said = await browser.post(f"{PATH}/snv/move", to=to, seen=str(seen), **more)
    return said.status


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_every_page_is_shown_in_both_languages(hub: Trial, language: str) -> None:
    add(hub)
    browser = signed_in(hub, "viewer")
    browser.cookies.set("hub_language", language, domain="hub.test", path="/console")
    assert "Sở Nội vụ" in await browser.text(PATH)
    for page in PAGES:
        text = await browser.text(f"{PATH}/snv{page}")
        assert f'lang="{language}"' in text
        assert ("mới thử với bộ giả lập" in text) is (language == "vi")
        assert "<form" not in text.split('<main id="main"')[1] or page in ("/settings", "/versions")
    assert (await browser.get(f"{PATH}/khong-co")).status == 404


@ONE_STORE
async def test_the_list_is_narrowed_and_says_what_waits_for_a_person(hub: Trial) -> None:
    add(hub)
    hub.connect("quay")
    browser = signed_in(hub, "operator")
    text = await browser.text(PATH, q="nội vụ")
    assert "/console/connections/snv" in text
    assert "/console/connections/quay" not in text
    text = await browser.text(PATH, state="enabled")
    assert "/console/connections/quay" in text
    assert "/console/connections/snv" not in text


async def test_a_link_goes_through_its_life_by_buttons(hub: Trial) -> None:
    add(hub)
    browser = signed_in(hub, "administrator")
    mark_tested(hub.context, "snv", ME)
    assert await move(browser, "enable", held(hub).version) == 303
    assert held(hub).state == "enabled"
    assert (await browser.post(f"{PATH}/snv/run")).status == 303
    assert "Đã xếp lượt hỏi" in await browser.text(f"{PATH}/snv")
    assert await move(browser, "pause", held(hub).version, reason="sở nâng cấp") == 303
    newest = connection_history.history(hub.context, "snv")[-1].version
    assert (newest.author, newest.reason) == ("administrator 0", "sở nâng cấp")
    assert await move(browser, "resume", held(hub).version) == 303
    assert await move(browser, "retire", held(hub).version) == 422  # it wants a reason
    assert await move(browser, "retire", held(hub).version, reason="sở bỏ hệ thống") == 303
    assert held(hub).state == "retired"
    assert "ngừng hẳn" in await browser.text(f"{PATH}/snv")


async def test_a_form_that_is_out_of_date_changes_nothing_and_says_who_was_faster(
    hub: Trial,
) -> None:
    add(hub)
    browser = signed_in(hub, "administrator")
    seen = held(hub).version
    wish = Change(endpoint="http://127.0.0.1:2")
    connection_edits.mend(hub.context, "snv", wish, By("lan", "đổi cổng"))
    form = {"seen": str(seen), "endpoint": "http://127.0.0.1:3"}
    said = await browser.post(f"{PATH}/snv/settings", **form)
    assert said.status == 409
    text = said.raw.decode()
    assert "Biểu mẫu đã cũ" in text
    assert "lan sửa lúc" in text
    assert held(hub).endpoint == "http://127.0.0.1:2"
    said = await browser.post(f"{PATH}/snv/settings", headers={"HX-Request": "true"}, **form)
    assert (said.status, said.headers["hx-retarget"]) == (409, "#notices")
    assert "<html" not in said.raw.decode()


@ONE_STORE
async def test_settings_are_saved_cleared_and_refused(hub: Trial) -> None:
    add(hub, settings={"client_id": "truc", "page_size": "20"})
    browser = signed_in(hub, "administrator")
    form = {"option.client_id": "truc-2", "option.page_size": "", "endpoint": "http://127.0.0.1:1"}
    seen = str(held(hub).version)
    assert (await browser.post(f"{PATH}/snv/settings", seen=seen, **form)).status == 303
    assert held(hub).options == {"client_id": "truc-2"}
    seen = str(held(hub).version)
    said = await browser.post(f"{PATH}/snv/settings", seen=seen, **{**form, "option.xx": "1"})
    assert said.status == 422
    said = await browser.post(f"{PATH}/snv/schedule", seen=seen, schedule="*/5 * * * *")
    assert said.status == 303
    assert "*/5 * * * *" in await browser.text(f"{PATH}/snv/settings")
    said = await browser.post(f"{PATH}/snv/schedule/try", schedule="61 * * * *")
    assert "Chưa phải là lịch" in said.raw.decode()
    said = await browser.post(f"{PATH}/snv/schedule/try", schedule="0 7 * * *")
    assert "03/03/2026 07:00" in said.raw.decode()


async def test_a_secret_is_set_and_shown_by_nobody(hub: Trial) -> None:
    add(hub)
    browser = signed_in(hub, "administrator")
    seen = str(held(hub).version)
    form = {"seen": seen, "name": "client_secret", "value": CANARY, "expires": "2026-12-31"}
    assert (await browser.post(f"{PATH}/snv/secret", **form)).status == 303
    assert held(hub).secrets(hub.context.vault) == {"client_secret": CANARY}
    for page in PAGES:
        assert CANARY not in await browser.text(f"{PATH}/snv{page}")
    text = await browser.text(f"{PATH}/snv/settings")
    assert "31/12/2026" in text
    exported = (await browser.get(f"{PATH}/snv/export")).raw.decode()
    assert "client_secret" in exported
    assert CANARY not in exported


@ONE_STORE
async def test_any_two_versions_are_compared_and_one_is_taken_up_again(hub: Trial) -> None:
    add(hub)
    browser = signed_in(hub, "administrator")
    for port in (2, 3):
        connection_edits.mend(hub.context, "snv", Change(endpoint=f"http://127.0.0.1:{port}"), ME)
    text = await browser.text(f"{PATH}/snv/versions", first=1, second=3)
    assert "http://127.0.0.1:1</td>" in text
    assert "http://127.0.0.1:3</td>" in text
    form = {"seen": "3", "version": "1"}
    assert (await browser.post(f"{PATH}/snv/rollback", **form)).status == 422
    said = await browser.post(f"{PATH}/snv/rollback", reason="cổng cũ đúng", **form)
    assert said.status == 303
    assert (held(hub).endpoint, held(hub).version) == ("http://127.0.0.1:1", 4)


@ONE_STORE
@pytest.mark.parametrize(
    ("page", "form"),
    [
        ("move", {"to": "pause"}),
        ("move", {"to": "retire", "reason": "x"}),
        ("run", {}),
        ("test", {}),
        ("settings", {"endpoint": "http://127.0.0.1:9"}),
        ("secret", {"name": "client_secret", "value": "x"}),
        ("rollback", {"version": "1", "reason": "x"}),
        ("drift", {"id": "1", "reason": "x"}),
    ],
)
async def test_who_may_only_look_changes_nothing(
    hub: Trial, page: str, form: dict[str, str]
) -> None:
    add(hub, is_draft=False)
    before = held(hub)
    said = await signed_in(hub, "viewer").post(f"{PATH}/snv/{page}", seen="1", **form)
    assert said.status == 403
    assert held(hub) == before
    said = await signed_in(hub, "operator", ("H50.12",)).get(f"{PATH}/snv")
    assert said.status == 403  # the hub's own work is the whole province's


@ONE_STORE
async def test_a_refused_account_is_a_card_that_leads_to_its_repair(hub: Trial) -> None:
    add(hub, is_draft=False)
    at = clock.to_iso(hub.clock.at)
    hub.store.in_write(lambda tx: alarms.raise_alarm(tx, "credentials", "snv", "401", at))
    browser = signed_in(hub, "operator")
    for path in (PATH, f"{PATH}/snv"):
        text = await browser.text(path)
        assert "Sở từ chối tài khoản của trục" in text
        assert f"{PATH}/snv/settings#secrets" in text


@ONE_STORE
async def test_a_trial_shows_each_stage_and_how_to_mend_it(hub: Trial) -> None:
    add(hub)
    browser = signed_in(hub, "operator")
    assert (await browser.post(f"{PATH}/snv/test")).status == 303
    text = await ended(browser, f"{PATH}/snv/test")
    assert "Mã hóa TLS" in text
    assert "chưa tới" in text
    assert 'class="mend"' in text
    assert held(hub).state == "draft"


async def ended(browser: Browser, path: str) -> str:
    """The page once its long work has ended."""
    for _ in range(600):
        text = await browser.text(path)
        if 'hx-get="/console/tasks/' not in text:
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(path)


async def test_what_keeps_a_link_from_being_enabled_is_shown_with_values_and_figures(
    hub: Trial,
) -> None:
    hub.clock.set("2026-11-20T08:00:00")
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    await poll.run(json.dumps({"total": 1, "data": [row(1)]}).encode())
    wishes.pause(hub.context, "snv")
    overlay = {"tables": {"status": {"remove": ["processing"]}}}
    connection_edits.mend(hub.context, "snv", Change(told=Told(overlay=overlay)), ME)
    browser = signed_in(hub, "administrator")
    said = await browser.post(f"{PATH}/snv/move", to="resume", seen=str(held(hub).version))
    text = said.raw.decode()
    assert said.status == 409
    assert "processing" in text
    assert "1 hồ sơ đang có" in text
    assert "chỉ tiêu sẽ mất những hồ sơ này" in text
    assert held(hub).state == "paused"


@ONE_STORE
async def test_a_built_in_system_is_added_as_a_draft_with_its_secrets(hub: Trial) -> None:
    browser = signed_in(hub, "administrator")
    text = await browser.text(f"{PATH}/+new")
    assert "+new?system=rest" in text
    text = await browser.text(f"{PATH}/+new", system="one_stop")
    assert 'name="option.client_id"' in text
    form = {"system": "one_stop", "id": "snv", "endpoint": "http://127.0.0.1:1", "agency": "H50.06"}
    secret = {"secret.client_secret": CANARY, "option.client_id": "truc"}
    said = await browser.post(f"{PATH}/+new", **form, **secret)
    assert said.headers["location"] == f"{PATH}/snv/test"
    assert held(hub).state == "draft"
    assert held(hub).secrets(hub.context.vault) == {"client_secret": CANARY}
    said = await browser.post(f"{PATH}/+new", **form)
    assert said.status == 409  # the id is taken
    assert (await signed_in(hub, "viewer").get(f"{PATH}/+new")).status == 403


@ONE_STORE
async def test_a_declared_system_is_added_by_pasting_its_declaration(hub: Trial) -> None:
    browser = signed_in(hub, "administrator")
    assert "declaration" in await browser.text(f"{PATH}/+new", system="rest")
    declared = (Path(__file__).parents[1] / "contract" / "declared" / "rest.toml").read_text()
    form = {"system": "rest", "id": "snv", "endpoint": "http://127.0.0.1:1"}
    said = await browser.post(f"{PATH}/+new", **form, declaration="kind = ?")
    assert (said.status, "line 1" in said.raw.decode()) == (422, True)
    said = await browser.post(f"{PATH}/+new", **form, declaration=declared)
    assert said.headers["location"] == f"{PATH}/snv/settings"
    assert held(hub).state == "draft"
    text = await browser.text(f"{PATH}/snv/settings")
    assert "mat_khau" in text
    assert "Sở Mẫu (REST)" in text
    assert (
        "chưa được thử"
        in (
            await browser.post(f"{PATH}/snv/move", to="enable", seen=str(held(hub).version))
        ).raw.decode()
    )
    assert "maHoSo" in await browser.text(f"{PATH}/snv/mapping")


@ONE_STORE
async def test_a_contract_is_described_and_drafted(hub: Trial) -> None:
    hub.context.contracts = Contracts()
    browser = signed_in(hub, "administrator")
    files = {"files": (WSDL.name, WSDL.read_bytes(), "text/xml")}
    token = await browser.token()

    async def read(**more: str) -> str:
        form = {"token": token, **more}
        said = await browser.call("POST", f"{PATH}/+contract", data=form, files=files)
        assert said.status == 200
        return said.raw.decode()

    text = await read()
    assert "sha256:" in text
    operation = re.search(r'value="(\w+ push)"', text)
    assert operation is not None
    text = await read(draft=operation[1])
    assert 'hx-swap-oob="true"' in text
    assert "[mapping" in text
    assert "alert-danger" in await read(draft="khong-co pull")
    assert (await browser.post(f"{PATH}/+contract")).status == 422
