"""The mapping editor: rows and codes as data, a sample beside its dossier, proofs before live."""

import json
import re
from typing import Any

import pytest

from store import connections
from sync import connection_edits
from sync.connecting import By
from sync.connection_edits import New
from tests.integration.test_console_connections import ended
from tests.polled import Poll, row
from tests.signed import Browser, signed_in
from tests.trial import Trial

ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
PATH = "/console/connections/snv"
PART = {"HX-Request": "true"}
WITHOUT = '[tables.status]\nremove = ["processing"]\n'


async def polled(hub: Trial, *rows: dict[str, Any]) -> None:
    hub.clock.set("2026-11-20T08:00:00")
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    await poll.run(json.dumps({"total": len(rows), "data": list(rows)}).encode())


def held(hub: Trial) -> connections.ConnectionRow:
    with hub.store.read() as tx:
        found = connections.load_connection(tx, "snv")
    assert found is not None
    return found


async def send(browser: Browser, page: str, status: int = 200, **form: str) -> str:
    said = await browser.post(f"{PATH}/{page}", **{"headers": PART, **form})
    assert said.status == status, said.raw.decode()[-1500:]
    return said.raw.decode()


def overlay_in(text: str) -> str:
    found = re.search(r'<textarea[^>]*name="overlay"[^>]*>(.*?)</textarea>', text, re.DOTALL)
    assert found is not None
    return found.group(1).replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.unproved
async def test_the_pages_are_shown_in_both_languages(hub: Trial, language: str) -> None:
    await polled(hub, row(1))
    hub.connect("quay")
    for role in ("viewer", "administrator"):
        browser = signed_in(hub, role)
        browser.cookies.set("hub_language", language, domain="hub.test", path="/console")
        text = await browser.text(f"{PATH}/mapping")
        assert "dossierStatus" in text
        assert ("Dòng ánh xạ" in text) is (language == "vi")
        assert ('value="new-row dossiers"' in text) is (role == "administrator")
        assert f'lang="{language}"' in await browser.text(f"{PATH}/change")
        assert "editor" not in await browser.text("/console/connections/quay/mapping")


@ONE_STORE
@pytest.mark.unproved
async def test_a_sample_stands_beside_its_dossier_masked_and_follows_what_is_typed(
    hub: Trial,
) -> None:
    await polled(hub, row(1, dossierStatus="processing"))
    browser = signed_in(hub, "viewer")
    text = await send(browser, "mapping/preview", sample="stored")
    assert "sẽ được áp dụng" in text
    assert "in_progress" in text
    assert row(1)["applicantName"] not in text
    text = await send(browser, "mapping/preview", sample="stored", overlay=WITHOUT)
    assert "sẽ bị cách ly" in text
    assert "STATUS_UNKNOWN" in text
    assert "trường" in text
    text = await send(browser, "mapping/preview", overlay="[tables.status")
    assert "BODY_MALFORMED" not in text
    assert "overlay:" in text  # with line and column
    text = await send(browser, "mapping/preview", sample="stored", place="7")
    assert "the sample has 1 records" in text
    pasted = json.dumps({"total": 1, "data": [row(5, dossierStatus="done")]})
    text = await send(browser, "mapping/preview", sample="pasted", pasted=pasted)
    assert "handed_over" in text
    assert held(hub).version == 1


@ONE_STORE
@pytest.mark.unproved
async def test_a_row_is_opened_typed_previewed_kept_and_put_back(hub: Trial) -> None:
    await polled(hub, row(1))
    browser = signed_in(hub, "administrator")
    page = await browser.text(f"{PATH}/mapping")
    key = re.search(r'value="row (base:dossiers:\d+)" aria-label="Sửa step"', page)
    key = key or re.search(r'value="row (base:dossiers:\d+)" aria-label="Sửa receipt_number"', page)
    assert key is not None
    text = await send(browser, "mapping/edit", act=f"row {key[1]}")
    target = re.search(r'name="row.target" value="([^"]+)"', text)
    assert target is not None
    form = {"row.key": key[1], "row.target": target[1], "row.source": "khong.co"}
    preview = await send(browser, "mapping/preview", sample="stored", **form)
    assert "khong.co" in preview
    text = await send(browser, "mapping/edit", act="save-row", **form)
    overlay = overlay_in(text)
    assert 'do = "replace"' in overlay
    assert "đã sửa" in text
    text = await send(browser, "mapping/edit", act=f"undo-row {key[1]}", overlay=overlay)
    assert overlay_in(text) == ""
    text = await send(browser, "mapping/edit", act=f"drop-row {key[1]}")
    assert 'do = "remove"' in overlay_in(text)
    text = await send(browser, "mapping/edit", act="save-row", **{**form, "row.source": "[["})
    assert "shapes.dossiers" in text or "khong" not in text  # what is wrong is said, nothing lost
    assert held(hub).overlay == {}


@ONE_STORE
@pytest.mark.unproved
async def test_codes_are_mapped_refused_by_name_and_taken_out(hub: Trial) -> None:
    await polled(hub, row(1))
    browser = signed_in(hub, "administrator")
    code = {"code.table": "status", "code.key": "la", "code.kind": "mapped"}
    text = await send(browser, "mapping/edit", act="save-code", **code, **{"code.value": "stopped"})
    overlay = overlay_in(text)
    assert 'la = "stopped"' in overlay.replace('"la"', "la")
    why = {**code, "code.kind": "refused", "code.value": "chưa có đích"}
    text = await send(browser, "mapping/edit", act="save-code", overlay=overlay, **why)
    overlay = overlay_in(text)
    assert "refused.status" in overlay
    assert "tables" not in overlay
    text = await send(browser, "mapping/edit", act="drop-code status processing", overlay=overlay)
    assert 'remove = [\n    "processing",' in overlay_in(text)
    said = await send(browser, "mapping/save", 204, overlay=overlay, seen="1", reason="sở báo")
    assert said == ""
    assert held(hub).overlay == {"refused": {"status": {"set": {"la": "chưa có đích"}}}}
    assert "Biểu mẫu đã cũ" in await send(browser, "mapping/save", 409, overlay="", seen="1")


async def test_a_change_is_proved_promoted_and_replayed(hub: Trial) -> None:
    await polled(hub, row(1), row(2, dossierStatus="la"))
    browser = signed_in(hub, "administrator")
    await send(browser, "coverage", 204)
    text = await ended(browser, f"{PATH}/change")
    assert "<code>la</code>" in text
    assert "mapping?table=status&amp;code=la" in text
    overlay = '[tables.status]\nset = { la = "stopped" }\n'
    await send(browser, "whatif", 204, overlay=overlay)
    text = await ended(browser, f"{PATH}/change")
    assert "cách ly → áp dụng" in text
    assert "Chỉ tiêu trước và sau" in text
    task = re.search(r'name="task" value="(\d+)"', text)
    assert task is not None
    assert held(hub).overlay == {}
    form = {"task": task[1], "seen": str(held(hub).version)}
    assert "Hãy ghi lý do" in await send(browser, "promote", 422, **form)
    await send(browser, "promote", 204, reason="sở báo mã mới", **form)
    assert held(hub).overlay == {"tables": {"status": {"set": {"la": "stopped"}}}}
    text = await browser.text(f"{PATH}/change")
    assert "Báo cáo đã áp dụng" in text
    assert "Sửa tiếp bản này" in text
    version = held(hub).version
    assert "Chỉ tiêu trước" in await browser.text(f"{PATH}/change", version=version)
    await send(browser, "replay", 204, act="begin")
    assert "đang chạy" in await browser.text(f"{PATH}/change")
    await send(browser, "replay", 204, act="pause")
    await send(browser, "replay", 204, act="resume")


@ONE_STORE
@pytest.mark.parametrize("page", ["mapping/edit", "mapping/save", "whatif", "promote", "replay"])
@pytest.mark.unproved
async def test_who_may_only_look_changes_nothing(hub: Trial, page: str) -> None:
    connection_edits.make(hub.context, New(id="snv", system="one_stop"), By("a", "b"))
    await send(signed_in(hub, "viewer"), page, 403, act="text", task="1", reason="x")
