"""Listing dossiers: keyset paging, filters, and from which change to follow on."""

import base64
import unicodedata
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.trial import PUSH, Trial, dossier


async def test_keyset_paging_lists_every_dossier_once_while_others_are_written(
    hub: Trial,
) -> None:
    first = await hub.push([dossier(n, national_code=None) for n in range(45)])
    wanted = {r["dossier"] for r in first.body["records"]}
    seen: list[str] = []
    params: dict[str, object] = {"limit": 10}
    starts = None
    while True:
        said = await hub.call("GET", PUSH, who="portal", params=params)
        seen += [item["id"] for item in said.body["items"]]
        starts = said.body["changes_from"] if starts is None else starts
        following = said.body["next"]
        if following is None:
            assert "link" not in said.headers
            break
        target, _, relation = said.headers["link"].partition("; ")
        assert relation == 'rel="next"'
        told = parse_qs(urlsplit(target.strip("<>")).query)
        assert (told["cursor"], told["limit"]) == ([following], ["10"])
        params = {"limit": 10, "cursor": following}
        # Written meanwhile: neither a page that shifts nor one seen twice.
        await hub.take(dossier(100 + len(seen), national_code=None))
    assert len(seen) == len(set(seen))
    assert wanted <= set(seen)
    assert starts == 45


async def test_a_joined_dossier_is_listed_once_and_under_its_living_id(hub: Trial) -> None:
    one = await hub.take(dossier(1))
    await hub.take(dossier(2, national_code=None), "land")
    await hub.take(dossier(2, version=2, national_code="H50.12-260302-0001"), "land")
    assert [i["id"] for i in (await hub.get(PUSH))["items"]] == [one]


async def stocked(hub: Trial) -> None:
    await hub.push(
        [
            dossier(1, status="finished", channel="online"),
            dossier(2, procedure={"code": "2.000889"}, due_at="2026-03-05T17:00:00+07:00"),
            dossier(3, procedure={"code": "2.000889.000.00.00.H50"}, agency="H50.14"),
            dossier(4, accepted_at="2026-02-28T23:59:00+07:00"),
            dossier(5, accepted_at="2026-03-01T00:30:00+07:00", received_at_agency="H50.14"),
        ]
    )
    await hub.take(dossier(6, national_code=None), "land")


@pytest.mark.unproved
@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({}, "123456"),
        ({"status": "finished"}, "1"),
        ({"channel": "online"}, "1"),
        ({"procedure": "2.000889"}, "23"),
        ({"procedure": "2.0008"}, ""),
        ({"connection": "land"}, "6"),
        ({"connection": "nobody"}, ""),
        ({"agency": "H50.14"}, "35"),
        ({"agency": "000.00.14.H50"}, "35"),
        ({"agency": "H50"}, "123456"),
        ({"agency": "H50.1"}, ""),
        ({"accepted_from": "2026-03-01"}, "12356"),
        ({"accepted_to": "2026-02-28"}, "4"),
        ({"accepted_from": "2026-03-01", "accepted_to": "2026-03-01"}, "5"),
        ({"due_before": "2026-03-06"}, "2"),
        ({"due_before": "2026-03-05"}, ""),
        ({"status": "finished", "connection": "land"}, ""),
    ],
)
async def test_each_filter_narrows_by_its_own_column(
    hub: Trial, query: dict[str, str], codes: str
) -> None:
    await stocked(hub)
    found = (await hub.get(PUSH, **query))["items"]
    assert sorted(item["legs"][0]["code"][-1] for item in found) == sorted(codes)


@pytest.mark.unproved
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "happy"}, "status"),
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"accepted_from": "hôm qua"}, "accepted_from"),
        ({"cursor": "###"}, "cursor"),
        ({"cursor": "\U0001f600"}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"9" * 40).decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"-1").decode()}, "cursor"),
    ],
)
async def test_a_wrong_question_is_422_and_names_its_field(
    hub: Trial, query: dict[str, object], field: str
) -> None:
    said = await hub.call("GET", PUSH, who="portal", params=query)
    assert (said.status, said.body["field"]) == (422, field)


async def test_an_unknown_code_finds_nothing_and_an_unknown_id_is_404(hub: Trial) -> None:
    await hub.take(dossier(1))
    for code in ("H50.99-150302-9999", "desk:nothing", ":", "desk:", "%", "A-00001"):
        assert await hub.find(code) == []
    for one in ("no-such-id", "00000000-0000-0000-0000-000000000000"):
        assert (await hub.call("GET", f"{PUSH}/{one}", who="portal")).status == 404
        assert (await hub.call("GET", f"{PUSH}/{one}/history", who="portal")).status == 404


async def test_a_code_with_slashes_and_diacritics_is_found_in_the_query(hub: Trial) -> None:
    made = await hub.take(
        dossier(code="HS/2026/Đ 07:1", receipt_number="ĐH/2026/0123", national_code=None)
    )
    assert await hub.find("desk:HS/2026/Đ 07:1") == [made]
    assert await hub.find("ĐH/2026/0123") == [made]


async def test_a_code_is_found_whatever_the_form_of_its_letters(hub: Trial) -> None:
    made = await hub.take(dossier(code="Hồ sơ số 7", national_code=None))
    assert await hub.find(unicodedata.normalize("NFD", "desk:Hồ sơ số 7")) == [made]
