"""`hub quarantine …`: whom to ring, the one record with its fault marked, taken up again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.commands.connections import alter
from tests.polled import Poll, row
from tests.trial import dossier
from tests.typed import Typed, typed


@pytest.fixture
def hub_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Typed]:
    with typed(tmp_path, monkeypatch, capsys) as made:
        yield made


def page(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"total": len(rows), "data": list(rows)}, ensure_ascii=False).encode()


async def fill(hub_command: Typed) -> Poll:
    poll = Poll(hub_command.hub, "snv", hub_command.hub.context.systems["one_stop"], "dossiers")
    bad = [row(n, dossierStatus="la", applicantName=f"Trần Thị Mẫu {n}") for n in (1, 2, 3)]
    await poll.run(page(row(9), *bad, row(4, serviceCode="KHONG.CO")))
    await hub_command.hub.push([dossier(5), dossier(6, status="?")])
    return poll


async def test_the_list_says_how_often_since_when_and_whom_to_ring(hub_command: Typed) -> None:
    await fill(hub_command)
    told = hub_command("quarantine", "list", "--json").json
    assert [(one["code"], one["reason"], one["count"]) for one in told] == [
        ("uid-1", "STATUS_UNKNOWN", 1),
        ("uid-2", "STATUS_UNKNOWN", 1),
        ("uid-3", "STATUS_UNKNOWN", 1),
        ("uid-4", "REF_UNKNOWN", 1),
        ("A-00006", "STATUS_UNKNOWN", 1),
    ]
    assert told[0]["owner"] == "Phòng Cải cách hành chính, Sở Nội vụ"
    causes = hub_command("quarantine", "list", "--by-cause", "--json").json
    assert [(one["connection"], one["reason"], one["count"], one["codes"]) for one in causes] == [
        ("snv", "STATUS_UNKNOWN", 3, 3),
        ("snv", "REF_UNKNOWN", 1, 1),
        ("desk", "STATUS_UNKNOWN", 1, 1),
    ]
    assert causes[0]["first_seen"] == causes[0]["last_seen"] == told[0]["first_seen"]
    only = hub_command("quarantine", "list", "--by-cause", "--connection", "desk", "--json").json
    assert [one["connection"] for one in only] == ["desk"]


async def test_the_record_is_shown_alone_with_its_fault_marked(hub_command: Typed) -> None:
    await fill(hub_command)
    second = hub_command("quarantine", "list", "--json").json[1]
    shown = hub_command("quarantine", "show", str(second["id"]), "--json")
    assert "Mẫu" not in shown.out  # people's names only where they are asked for
    told = hub_command("quarantine", "show", str(second["id"]), "--raw", "--json").json
    assert (told["raw_of"], told["position"]) == ("record", 2)
    assert json.loads(told["raw"])["applicantName"] == "Trần Thị Mẫu 2"
    assert told["owner"] == "Phòng Cải cách hành chính, Sở Nội vụ"
    text = hub_command("quarantine", "show", str(second["id"]), "--raw").out
    assert [line for line in text.splitlines() if line.startswith(">>")] == [
        '>>   "dossierStatus": "la"'
    ]
    whole = hub_command("quarantine", "show", str(second["id"]), "--body", "--json").json
    assert (whole["raw_of"], len(json.loads(whole["raw"])["data"])) == ("body", 5)
    pushed = hub_command("quarantine", "list", "--connection", "desk", "--json").json[0]
    told = hub_command("quarantine", "show", str(pushed["id"]), "--raw", "--json").json
    assert json.loads(told["raw"])["code"] == "A-00006"


async def test_taken_up_again_it_says_what_is_bad_still_and_exits_1(hub_command: Typed) -> None:
    await fill(hub_command)
    alter(hub_command.hub.context, "snv", None, [], ["status.la=supplement"])
    said = hub_command("quarantine", "replay", "--connection", "snv", "--why", "sửa", "--json")
    assert said.code == 1
    assert said.json == [
        {
            "connection": "snv",
            "tried": 4,
            "applied": 3,
            "superseded": 0,
            "duplicate": 0,
            "still": [{"reason": "REF_UNKNOWN", "field": "serviceCode", "count": 1}],
        }
    ]
    alter(hub_command.hub.context, "snv", None, [], ["procedure.KHONG.CO=1.001612"])
    [left] = hub_command("quarantine", "list", "--connection", "snv", "--json").json
    said = hub_command("quarantine", "replay", str(left["id"]))
    assert (said.code, hub_command("verify").code) == (0, 0)
    assert hub_command("quarantine", "replay", str(left["id"])).code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "FIELD_MISSING"),
        (("--all", "--connection", "snv"), "CONFLICT"),
        (("--reason", "NO_SUCH"), "FIELD_TYPE"),
        (("77",), "NOT_FOUND"),
    ],
)
async def test_what_is_meant_has_to_be_said(
    hub_command: Typed, words: tuple[str, ...], said: str
) -> None:
    told = hub_command("quarantine", "replay", *words)
    assert (told.code, told.err.partition(":")[0]) == (2, said)
