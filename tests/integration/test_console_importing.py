"""A file of connections at the console: its plan first, all of it or nothing, by whom and why."""

import base64
import re
from typing import Any

import pytest

from canonical.errors import HubError
from canonical.reasons import Reason
from store import connections
from sync import connection_edits, connection_exports, connection_history
from sync.connecting import By
from sync.connection_edits import Change, New
from sync.connection_file_faults import explained
from tests.signed import Browser, signed_in
from tests.trial import Answer, Trial

pytestmark = pytest.mark.unproved  # no record is decided here
ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
PATH = "/console/connections/+import"
ME = By("nguoi-truc", "thử nghiệm")
PLAIN = {"system": "one_stop", "endpoint": "http://127.0.0.1:1", "is_draft": True}
HIDDEN = re.compile(r'<input type="hidden" name="((?:seen\.|carried|name)[^"]*)" value="([^"]*)">')


def add(hub: Trial, name: str, **more: Any) -> None:
    connection_edits.make(hub.context, New(id=name, **{**PLAIN, **more}), ME)


def held(hub: Trial) -> dict[str, connections.ConnectionRow]:
    with hub.store.read() as tx:
        return {row.id: row for row in connections.list_connections(tx)}


async def handed_in(browser: Browser, raw: bytes, **headers: str) -> Answer:
    files = {"file": ("ket-noi.toml", raw, "application/toml")}
    form = {"token": await browser.token()}
    return await browser.call("POST", PATH, data=form, files=files, headers=headers)


@ONE_STORE
async def test_a_plan_is_shown_and_taken_with_author_and_reason(hub: Trial) -> None:
    add(hub, "snv", settings={"client_secret": "khong-ai-duoc-thay"})
    text = connection_exports.export(hub.context)
    text = text.replace("127.0.0.1:1", "127.0.0.1:2")
    new = text.replace("[connections.snv", "[connections.moi").replace('"snv"', '"moi"')
    text += new.partition("version = 1")[2]
    browser = signed_in(hub, "administrator")
    assert PATH in await browser.text("/console/connections")
    said = await handed_in(browser, text.encode(), **{"HX-Request": "true"})
    shown = said.raw.decode()
    assert (said.status, "<html" in shown) == (200, False)
    assert "http://127.0.0.1:2</td>" in shown
    assert "Còn thiếu bí mật" in shown
    assert set(held(hub)) == {"snv"}  # nothing is done yet
    form = dict(HIDDEN.findall(shown))
    assert form["seen.snv"] == "1"
    assert base64.b64decode(form["carried"]).decode() == text
    assert (await browser.post(f"{PATH}/apply", **form)).status == 422  # it wants a reason
    said = await browser.post(f"{PATH}/apply", reason="chuyển máy chủ", **form)
    assert said.status == 303
    assert "moi: client_secret" in await browser.text("/console/connections")
    assert {row.endpoint for row in held(hub).values()} == {"http://127.0.0.1:2"}
    newest = connection_history.history(hub.context, "snv")[-1].version
    assert (newest.author, newest.reason) == ("administrator 0", "chuyển máy chủ")
    # Once more there is nothing to do; and what was planned before is out of date.
    assert "không có gì để làm" in (await handed_in(browser, text.encode())).raw.decode()
    connection_edits.mend(hub.context, "snv", Change(endpoint="http://127.0.0.1:3"), ME)
    said = await browser.post(f"{PATH}/apply", reason="lần nữa", **form)
    assert said.status == 422
    assert "đã bị sửa sau khi hiện kế hoạch" in said.raw.decode()
    assert held(hub)["snv"].endpoint == "http://127.0.0.1:3"


@ONE_STORE
async def test_what_keeps_one_from_being_enabled_keeps_all_of_the_file_out(hub: Trial) -> None:
    text = """version = 1
[connections.a]
system = "one_stop"
namespace = "a"
role = "desk"
state = "draft"
[connections.b]
system = "rest"
namespace = "b"
role = "desk"
state = "enabled"
[connections.b.declaration]
kind = "rest"
id = "b"
title = "Sở Mẫu"
owner = "phòng CNTT"
push = { native = {} }
mapping = { version = 1, shapes = { record = { facet = "snapshot", version_by = "observed", rows = [
    { target = "code", source = "ma", required = true } ] } } }
"""
    browser = signed_in(hub, "administrator")
    shown = (await handed_in(browser, text.encode())).raw.decode()
    form = dict(HIDDEN.findall(shown))
    said = await browser.post(f"{PATH}/apply", reason="thử", **form)
    assert said.status == 409, said.raw.decode()[-900:]
    assert "phải được thử" in said.raw.decode() or "chưa được thử" in said.raw.decode()
    assert held(hub) == {}


@ONE_STORE
async def test_who_may_not_configure_imports_nothing(hub: Trial) -> None:
    browser = signed_in(hub, "viewer")
    assert (await browser.get(PATH)).status == 403
    assert (await handed_in(browser, b"version = 1")).status == 403
    assert (await browser.post(f"{PATH}/apply", reason="x", carried="")).status == 403
    assert (await browser.get("/console/connections/+export")).status == 403
    admin = signed_in(hub, "administrator")
    assert (
        await admin.get("/console/connections/+export")
    ).raw == b"version = 1\nconnections = {}\n"
    assert (await admin.post(PATH)).status == 422


HEAD = 'version = 1\n[connections.snv]\nsystem = "one_stop"\nnamespace = "snv"\nrole = "desk"\n'


@ONE_STORE
@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        (HEAD + "state = draft\n", 6, "không phải giá trị TOML"),
        (HEAD + 'state "draft"\n', 6, "phải có dấu ="),
        (HEAD + 'state = "draft\n', 6, "chuỗi chưa đóng"),
        (HEAD + 'role = "desk"\n', 6, "đã có ở trên"),
        (HEAD, 2, "thiếu trường “state”"),
        (HEAD + 'state = "draft"\nstat = 1\n', 7, "không có trường “stat”"),
        (HEAD + 'state = "on"\n', 6, "không có trạng thái “on”"),
        (HEAD + 'state = "draft"\nendpoint = 7\n', 7, "cần chuỗi, nhưng là số nguyên"),
        (
            HEAD + 'state = "draft"\n[connections.snv.options]\ncolour = "đỏ"\n',
            8,
            "không có thiết lập “colour”",
        ),
        (HEAD + 'state = "draft"\nsecrets = [\n    "khoa",\n]\n', 8, "không có bí mật “khoa”"),
        (HEAD.replace("one_stop", "khong-co") + 'state = "draft"\n', 2, "không có hệ thống"),
        (HEAD.replace("= 1", "= 7") + 'state = "draft"\n', 0, "version = 1"),
        ("version = 1\nconnections = 3\n", 0, "phải là bảng"),
    ],
)
async def test_what_is_wrong_is_told_with_its_line_and_cause(
    hub: Trial, text: str, line: int, cause: str
) -> None:
    said = await handed_in(signed_in(hub, "administrator"), text.encode())
    shown = said.raw.decode()
    assert said.status == 422
    assert cause in shown
    assert (f"Dòng {line}:" in shown) is (line > 0)
    assert "Chưa có gì được thay đổi" in shown
    assert held(hub) == {}


def test_a_cause_that_nobody_wrote_down_is_told_by_its_reason() -> None:
    fault = explained("version = 1\n", HubError(Reason.EGRESS_DENIED, "so-mau.gov.vn:443"))
    assert (fault.line, fault.detail) == (0, "so-mau.gov.vn:443")
    assert fault.vi != fault.en != ""
