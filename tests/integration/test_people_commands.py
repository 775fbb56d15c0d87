"""`hub lookup`, `dossiers`, `receipts`, `company`: what they print and mask, how they exit."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from adapters.business_registry import simulator
from adapters.simulation import running
from canonical.states import TEXT_VI, Status
from hub import logs, main, wiring
from hub.settings import Settings
from store import indicators, reads
from tests.trial import Trial, dossier

KEY = "people-" + "k" * 40
TODAY = datetime(2026, 3, 20, 3, 0, tzinfo=UTC)


@dataclass
class Printed:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Printed]


@pytest.fixture
def hub_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """`hub …` in this process, on 20 March 2026."""
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HUB_SECRET_KEY", KEY)
    monkeypatch.setattr(logs, "install", lambda _: None)  # it would replace the test run's own

    def run(*words: str) -> Printed:
        monkeypatch.setattr("sys.argv", ["hub", *words])
        with pytest.raises(SystemExit) as stop:
            main.main()
        told = capsys.readouterr()
        return Printed(int(stop.value.code or 0), told.out, told.err)

    with time_machine.travel(TODAY, tick=True):
        yield run


@pytest.fixture
async def filled(tmp_path: Path) -> AsyncIterator[Trial]:
    """A hub with a few dossiers in the store that the commands open."""
    context = wiring.open_hub(Settings(data_dir=tmp_path, secret_key=KEY))
    trial = Trial(context)
    yield trial
    await trial.close()
    context.store.dispose()


PERSON = {
    "kind": "person",
    "name": "Nguyễn Văn Thử",
    "id_number": "045090001234",
    "phone": "0912345678",
    "email": "thu@example.com",
    "address": "Phường 1, Đông Hà",
}
SECRETS = ("Nguyễn", "045090001234", "0912345678", "thu@example.com", "Phường 1")


async def test_a_dossier_is_shown_masked_unless_asked_otherwise(
    filled: Trial, hub_command: Command
) -> None:
    own = await filled.take(dossier(1, applicant=PERSON, acting={"name": "Nguyễn Thị Hộ"}))
    for words in (("dossiers", "show"), ("dossiers", "show", "--json")):
        said = hub_command(*words, "desk:A-00001")
        assert said.code == 0, said.err
        for secret in SECRETS:
            assert secret not in said.out
    told = said.json
    assert told["id"] == own
    assert told["applicant"] == {
        "kind": "person",
        "name": "N*** V*** T***",
        "id_number": "***234",
        "phone": "***678",
        "email": "***",
        "address": "***",
    }
    assert told["acting"]["name"] == "N*** T*** H***"
    assert told["findings"][0]["reason"] == "UNLISTED_PROCEDURE"
    assert "pin" not in told
    open_words = hub_command("dossiers", "show", "desk:A-00001", "--json", "--personal").json
    assert open_words["applicant"] == PERSON


@pytest.mark.parametrize(
    "code",
    [
        "H50.12-260302-0001",
        "000.00.12.H50-260302-0001",
        "DH/2026/0001",
        "desk:A-00001",
        "{id}",
    ],
)
async def test_every_code_of_a_dossier_leads_to_it(
    filled: Trial, hub_command: Command, code: str
) -> None:
    own = await filled.take(dossier(1, receipt_number="DH/2026/0001"))
    said = hub_command("dossiers", "show", code.format(id=own), "--json")
    assert (said.code, said.json["id"]) == (0, own)
    told = hub_command("dossiers", "history", code.format(id=own), "--json").json
    assert [item["status"] for item in told] == ["in_progress"]


async def test_a_code_of_several_dossiers_names_them(filled: Trial, hub_command: Command) -> None:
    filled.introduce("other")
    first = await filled.take(dossier(1, receipt_number="1/2026"))
    second = await filled.take(dossier(2, receipt_number="1/2026", agency="H50.14"), "other")
    said = hub_command("dossiers", "show", "1/2026")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("CONFLICT")
    assert first in said.err
    assert second in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("dossiers", "show", "desk:none"),
        ("dossiers", "history", "desk:none"),
        ("receipts", "show", "none"),
        ("company", "none", "9900000016"),
        ("lookup", "none", "--pin", "123456"),
    ],
)
def test_what_is_not_there_exits_2_and_prints_nothing(
    hub_command: Command, words: tuple[str, ...]
) -> None:
    for more in ((), ("--json",)):
        said = hub_command(*words, *more)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("NOT_FOUND: ")


async def test_history_tells_every_step_and_as_it_was_known(
    filled: Trial, hub_command: Command
) -> None:
    await filled.take(dossier(1, status="accepted"))
    seq = await filled.seq()
    await filled.take(
        dossier(1, version=2, updated_at="2026-03-03T09:00:00+07:00", status="finished")
    )
    told = hub_command("dossiers", "history", "desk:A-00001", "--json").json
    assert [item["status"] for item in told] == ["accepted", "finished"]
    known = hub_command(
        "dossiers", "history", "desk:A-00001", "--known-at", str(seq), "--json"
    ).json
    assert [item["status"] for item in known] == ["accepted"]
    assert TEXT_VI[Status.FINISHED] in hub_command("dossiers", "history", "desk:A-00001").out


async def test_the_list_asks_by_agency_and_state(filled: Trial, hub_command: Command) -> None:
    await filled.take(dossier(1))
    await filled.take(dossier(2, agency="H50.12.03", status="accepted"))
    await filled.take(dossier(3, agency="H50.14"))

    def codes(*words: str) -> list[str]:
        rows = hub_command("dossiers", "list", *words, "--json").json
        return [row["code"].rpartition("-")[2] for row in rows]

    assert codes() == ["0001", "0002", "0003"]
    assert codes("--agency", "H50.12") == ["0001", "0002"]
    assert codes("--agency", "000.00.14.H50") == ["0003"]
    assert codes("--agency", "H50.12", "--status", "accepted") == ["0002"]
    assert codes("--agency", "H50.99") == []
    limited = hub_command("dossiers", "list", "--limit", "2", "--json")
    assert len(limited.json) == 2
    assert "--limit" in limited.err
    assert hub_command("dossiers", "list", "--status", "no-such").code == 2


async def test_the_list_masks_names(filled: Trial, hub_command: Command) -> None:
    await filled.take(dossier(1, applicant=PERSON))
    for words in ((), ("--json",)):
        assert "Nguyễn" not in hub_command("dossiers", "list", *words).out
    [row] = hub_command("dossiers", "list", "--json").json
    assert row["applicant"] == "N*** V*** T***"
    [row] = hub_command("dossiers", "list", "--json", "--personal").json
    assert row["applicant"] == "Nguyễn Văn Thử"


async def test_overdue_is_what_the_indicators_call_open_overdue(
    filled: Trial, hub_command: Command
) -> None:
    ahead, today = "2026-03-27T17:00:00+07:00", "2026-03-20T00:00:00+07:00"
    extension = {"new_due_at": ahead, "at": "2026-03-05T09:00:00+07:00"}
    await filled.take(dossier(1))  # due 10 March: overdue
    await filled.take(dossier(2, due_at=ahead))
    await filled.take(dossier(3, due_at=today))  # due today is not past due
    await filled.take(dossier(4, status="finished", finished_at="2026-03-12T09:00:00+07:00"))
    await filled.take(dossier(5, status="supplement"))  # it waits for the citizen
    await filled.take(dossier(6, extensions=[extension]))
    await filled.take(dossier(7, status="accepted", due_at="2026-03-19T17:00:00+07:00"))
    await filled.take(dossier(8, due_at=None))
    rows = hub_command("dossiers", "list", "--overdue", "--json").json
    found = {row["code"].rpartition("-")[2]: row["days_past_due"] for row in rows}
    assert found == {"0001": 10, "0007": 1}
    period = ("--from", "2026-01-01", "--to", "2026-12-31", "--as-of", "2026-03-20")
    told = hub_command("indicators", "--agency", "H50.12", *period, "--json").json
    assert told["buckets"]["open_overdue"] == len(found)
    assert hub_command("dossiers", "list", "--overdue", "--agency", "H50.14", "--json").json == []


async def test_both_stores_agree_on_what_is_overdue(hub: Trial) -> None:
    own = await hub.take(dossier(1))
    await hub.take(dossier(2, due_at="2026-03-27T17:00:00+07:00"))
    for on, expected in ((date(2026, 3, 10), []), (date(2026, 3, 11), [own])):
        with hub.store.read() as tx:
            overdue = indicators.overdue_on(tx, on)
            found = reads.list_dossiers(tx, reads.Filters(), overdue, 0, 10)
        assert [shown.public_id for shown in found] == expected


async def test_a_receipt_tells_each_record(filled: Trial, hub_command: Command) -> None:
    pushed = await filled.push([dossier(1), dossier(2, status="?")])
    told = hub_command("receipts", "show", pushed.receipt, "--json").json
    assert (told["receipt"], told["connection"]) == (pushed.receipt, "desk")
    assert told["digest"].startswith("sha256:")
    assert [(r["code"], r["disposition"], r["reason"]) for r in told["records"]] == [
        ("A-00001", "applied", None),
        ("A-00002", "quarantined", "STATUS_UNKNOWN"),
    ]
    assert "STATUS_UNKNOWN" in hub_command("receipts", "show", pushed.receipt).out


async def test_lookup_tells_what_the_citizen_sees(
    filled: Trial, hub_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled.take(dossier(1, pin="482139"))
    code = "H50.12-260302-0001"
    told = hub_command("lookup", code, "--pin", "482139", "--json").json
    assert (told["code"], told["status"]) == (code, "in_progress")
    assert told["applicant_masked"] == "N*** V*** T***"
    wrong = hub_command("lookup", code, "--pin", "482138")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("NOT_FOUND: ")
    monkeypatch.setattr("sys.stdin", _Typed("482139\n"))
    asked = hub_command("lookup", code, "--json")
    assert asked.json["code"] == code
    assert "PIN" in asked.err
    assert "482139" not in asked.out + asked.err


class _Typed:
    """What somebody types, where no terminal is."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)

    def isatty(self) -> bool:
        return False

    def readline(self, *_: Any) -> str:
        return self._lines.pop(0) if self._lines else ""


@pytest.fixture
def registry() -> Iterator[str]:
    """The business registry's simulator on a socket, in a thread of its own."""
    found: list[str] = []
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with running(simulator.build()) as base:
            found.append(base)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield found[0]
    over.set()
    thread.join(20)


def test_a_company_is_asked_for_at_the_registry(hub_command: Command, registry: str) -> None:
    for name, system in (("dkkd", "business_registry"), ("desk", "canonical")):
        made = hub_command(
            "connections",
            "add",
            name,
            "--system",
            system,
            *(
                ("--endpoint", registry, "--set", "consumer_key=trial-key")
                if name == "dkkd"
                else ()
            ),
            *(("--set", "consumer_secret=trial-secret") if name == "dkkd" else ()),
        )
        assert made.code == 0, made.err
    told = hub_command("company", "dkkd", "9900000016", "--json")
    assert told.code == 0, told.err
    assert told.json["msdn"] == "9900000016"
    masked = told.json["representatives"]
    assert masked
    assert all("***" in name for name in masked)
    bare = hub_command("company", "dkkd", "9900000016", "--json", "--personal").json
    assert bare["representatives"] != masked
    assert told.json["name"] in hub_command("company", "dkkd", "9900000016").out.replace("\n", "")
    for number, reason in (("9900000017", "FIELD_TYPE"), ("", "FIELD_MISSING")):
        said = hub_command("company", "dkkd", number)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith(reason)
    other = hub_command("company", "desk", "9900000016")
    assert (other.code, other.err.partition(":")[0]) == (2, "CONFLICT")
