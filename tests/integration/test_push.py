"""What a department is answered when it pushes: dispositions, receipts, refusals, languages."""

import hashlib
import json
import unicodedata

import msgspec

from tests.trial import PUSH, Trial, dossier


async def test_a_new_record_is_applied_and_names_the_hubs_own_id(hub: Trial) -> None:
    said = await hub.push(dossier(1))
    assert said.status == 200
    assert said.body["counts"] == {
        "applied": 1,
        "superseded": 0,
        "duplicate": 0,
        "quarantined": 0,
        "pending": 0,
    }
    [record] = said.body["records"]
    assert (record["position"], record["code"], record["disposition"]) == (0, "A-00001", "applied")
    assert record["dossier"] not in ("A-00001", "H50.12-260302-0001", None)


async def test_the_same_again_is_a_duplicate_with_its_own_receipt_and_no_change(
    hub: Trial,
) -> None:
    first = await hub.push(dossier(1))
    before = await hub.seq()
    again = await hub.push(dossier(1))
    assert again.fate == "duplicate"
    assert again.dossier == first.dossier
    assert again.receipt != first.receipt
    assert await hub.seq() == before


async def test_other_bytes_of_the_same_content_are_a_duplicate(hub: Trial) -> None:
    record = dossier(1, applicant={"kind": "person", "name": "Nguyễn Thị Thử"})
    await hub.take(record)
    turned = json.dumps(dict(reversed(record.items())), indent=3).encode()
    apart = unicodedata.normalize("NFD", json.dumps(record, ensure_ascii=False)).encode()
    utc = {**record, "updated_at": "2026-03-02T02:00:00Z", "agency": "000.00.12.H50"}
    for raw in (turned, apart, json.dumps(utc).encode()):
        assert (await hub.push(raw=raw)).fate == "duplicate"


async def test_text_is_nfc_after_intake(hub: Trial) -> None:
    name = unicodedata.normalize("NFD", "Trần Thị Ưởng")
    made = await hub.take(dossier(1, applicant={"kind": "person", "name": name}))
    shown = (await hub.read(made))["applicant"]["name"]
    assert shown == unicodedata.normalize("NFC", name) != name


async def test_the_receipt_proves_the_bytes_and_tells_what_became_of_them(hub: Trial) -> None:
    hub.clock.set("2026-03-02T10:30:00+07:00")
    raw = json.dumps([dossier(1), dossier(2, status="?"), dossier(1)]).encode()
    said = await hub.push(raw=raw)
    told = await hub.get(f"/api/v1/receipts/{said.receipt}", "desk")
    assert told["records"] == said.body["records"]
    assert told["counts"] == said.body["counts"]
    assert told["counts"] == {
        "applied": 1,
        "superseded": 0,
        "duplicate": 1,
        "quarantined": 1,
        "pending": 0,
    }
    assert told["connection"] == "desk"
    assert told["size_bytes"] == len(raw)
    assert told["digest"] == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert told["received_at"] == "2026-03-02T10:30:00+07:00"


async def test_somebody_elses_receipt_answers_as_one_that_is_not_there(hub: Trial) -> None:
    mine = await hub.push(dossier(1))
    hub.introduce("second-desk", connections=["desk"])
    for who in ("land", "second-desk"):
        there = await hub.call("GET", f"/api/v1/receipts/{mine.receipt}", who=who)
        nowhere = await hub.call("GET", "/api/v1/receipts/no-such-receipt", who=who)
        assert there.status == nowhere.status == 404
        assert there.body["reason"] == nowhere.body["reason"] == "NOT_FOUND"
    assert (await hub.call("GET", f"/api/v1/receipts/{mine.receipt}", who="portal")).status == 403
    assert await hub.get(f"/api/v1/receipts/{mine.receipt}", "desk")


async def test_one_refused_record_is_a_problem_that_never_tells_the_input(hub: Trial) -> None:
    secret = {"kind": "person", "name": "Lộ Bí Mật"}
    said = await hub.push(dossier(1, status="xx", applicant=secret, pin="10203040"))
    assert said.status == 422
    assert said.headers["content-type"] == "application/problem+json"
    told = said.body
    assert (told["reason"], told["field"], told["status"]) == ("STATUS_UNKNOWN", "status", 422)
    assert told["type"]
    assert told["title"]
    assert told["correlation_id"]
    for hidden in ("Lộ Bí Mật", "10203040", "xx"):
        assert hidden not in json.dumps({**told, "correlation_id": ""}, ensure_ascii=False)
    counts = (await hub.get(f"/api/v1/receipts/{told['receipt']}", "desk"))["counts"]
    assert counts["quarantined"] == 1


async def test_the_detail_is_vietnamese_and_english_when_asked(hub: Trial) -> None:
    for language, text in (
        (None, "Trạng thái không có trong bảng trạng thái."),
        ("vi-VN,vi;q=0.9", "Trạng thái không có trong bảng trạng thái."),
        ("en-GB,en;q=0.8", "The state is not in the table of states."),
    ):
        headers = {"Accept-Language": language} if language else {}
        said = await hub.push(dossier(1, status="xx"), headers=headers)
        assert said.body["detail"] == text


async def test_in_a_list_only_the_bad_record_is_quarantined(hub: Trial) -> None:
    said = await hub.push([dossier(1), dossier(2, status="xx"), dossier(3)])
    assert said.status == 200
    assert said.fates == [
        ("applied", None, None),
        ("quarantined", "STATUS_UNKNOWN", "status"),
        ("applied", None, None),
    ]
    assert await hub.find("desk:A-00003")
    assert not await hub.find("desk:A-00002")


async def test_a_list_of_one_bad_record_is_answered_200(hub: Trial) -> None:
    said = await hub.push([dossier(1, status="xx")])
    assert (said.status, said.fates) == (200, [("quarantined", "STATUS_UNKNOWN", "status")])


async def test_an_empty_list_is_taken_and_has_a_receipt(hub: Trial) -> None:
    said = await hub.push([])
    assert (said.status, said.body["records"]) == (200, [])
    assert set(said.body["counts"].values()) == {0}
    assert await hub.get(f"/api/v1/receipts/{said.receipt}", "desk")


async def test_an_ndjson_line_that_is_broken_costs_only_itself(hub: Trial) -> None:
    lines = [json.dumps(dossier(1)), '{"code": "half', "", json.dumps(dossier(2)), "[]"]
    said = await hub.push(raw="\n".join(lines).encode(), kind="application/x-ndjson")
    assert [f[:2] for f in said.fates] == [
        ("applied", None),
        ("quarantined", "BODY_MALFORMED"),
        ("applied", None),
        ("quarantined", "BODY_MALFORMED"),
    ]


async def test_a_body_beyond_the_limit_is_413_and_keeps_nothing(hub: Trial) -> None:
    hub.context.limits = msgspec.structs.replace(hub.context.limits, body_bytes=2_000)
    small = json.dumps(dossier(1)).encode()
    assert (await hub.push(raw=small.ljust(2_000))).status == 200

    async def dripped():  # no Content-Length to believe
        for _ in range(3):
            yield b" " * 1_000

    token = hub.token("desk")
    for body in (b" " * 2_001, dripped()):
        said = await hub.http.post(PUSH, content=body, headers={"Authorization": f"Bearer {token}"})
        assert (said.status_code, said.json()["reason"]) == (413, "BODY_TOO_LARGE")
    assert [i["kind"] for i in await hub.feed()] == ["created"]


async def test_an_etag_answers_304_until_the_dossier_changes(hub: Trial) -> None:
    made = await hub.take(dossier(1))
    first = await hub.call("GET", f"{PUSH}/{made}", who="portal")
    asked = {"If-None-Match": first.headers["etag"]}
    unchanged = await hub.call("GET", f"{PUSH}/{made}", who="portal", headers=asked)
    assert (unchanged.status, unchanged.raw) == (304, b"")
    await hub.take(dossier(1, version=2, status="finished"))
    changed = await hub.call("GET", f"{PUSH}/{made}", who="portal", headers=asked)
    assert changed.status == 200
    assert changed.headers["etag"] != first.headers["etag"]


async def test_no_door_tells_the_pin(hub: Trial) -> None:
    made = await hub.take(dossier(1, pin="48213907"))
    receipt = (await hub.push(dossier(1, pin="48213907"))).receipt
    for path, who in (
        (f"{PUSH}/{made}", "portal"),
        (f"{PUSH}?code=desk:A-00001", "portal"),
        (f"{PUSH}/{made}/history", "portal"),
        ("/api/v1/changes", "portal"),
        (f"/api/v1/receipts/{receipt}", "desk"),
    ):
        said = await hub.call("GET", path, who=who)
        assert said.status == 200
        assert b"48213907" not in said.raw
    with hub.store.read() as tx:
        [(pins,)] = tx.exec_driver_sql("SELECT pins FROM dossier").all()
        [(fold,)] = tx.exec_driver_sql("SELECT fold FROM leg").all()
    assert "48213907" not in pins + fold


async def test_a_client_of_two_connections_must_name_one_and_only_its_own(hub: Trial) -> None:
    hub.introduce("desk")
    hub.introduce("land")
    hub.introduce("both", connections=["desk", "land"])
    unnamed = await hub.push(dossier(1), "both")
    assert (unnamed.status, unnamed.body["field"]) == (422, "connection")
    assert (await hub.push(dossier(1), "both", connection="land")).fate == "applied"
    foreign = await hub.push(dossier(1), "desk", connection="land")
    assert (foreign.status, foreign.body["reason"]) == (403, "FORBIDDEN")


async def test_one_local_code_at_two_connections_is_two_legs(hub: Trial) -> None:
    one = await hub.take(dossier(1, national_code=None))
    other = await hub.take(dossier(1, national_code=None, status="stopped"), "land")
    assert one != other
    assert (await hub.read(one))["status"] == "in_progress"
    assert await hub.find("desk:A-00001") == [one]
    assert await hub.find("land:A-00001") == [other]


async def test_tokens_are_wanted_unforged_unexpired_and_of_the_right_scope(hub: Trial) -> None:
    good = hub.token("portal")
    assert (await hub.call("GET", "/api/v1/changes")).status == 401
    forged = {"Authorization": f"Bearer {good[:-4]}AAAA"}
    assert (await hub.call("GET", "/api/v1/changes", headers=forged)).status == 401
    assert (await hub.push(dossier(1), "portal")).status == 403
    assert (await hub.call("GET", PUSH, who="desk")).status == 403
    assert (await hub.call("GET", "/api/v1/changes", who="government")).status == 403
    kept = {"Authorization": f"Bearer {good}"}
    assert (await hub.call("GET", "/api/v1/changes", headers=kept)).status == 200
    hub.clock.forward(hours=1, seconds=1)
    assert (await hub.call("GET", "/api/v1/changes", headers=kept)).status == 401


async def test_a_client_gets_its_token_with_its_secret_alone(hub: Trial) -> None:
    made = hub.introduce("portal")
    form = {
        "grant_type": "client_credentials",
        "client_id": made.client_id,
        "client_secret": made.client_secret,
    }
    told = (await hub.call("POST", "/oauth/token", data=form)).body
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 3600)
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    assert (await hub.call("GET", "/api/v1/changes", headers=bearer)).status == 200
    wrong = await hub.call("POST", "/oauth/token", data={**form, "client_secret": "guess"})
    assert (wrong.status, wrong.body["reason"]) == (401, "UNAUTHENTICATED")
