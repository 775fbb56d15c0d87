"""`hub verify` finds every change: each stored column of one dossier is changed in turn.

One case lives through all there is: three departments, joined late, a withdrawn tie, a reused code
made new by a person, retracted and late entries, duplicates, a quarantined record, a poll. Then its
store is copied, one value of one column is changed to another that the CHECKs allow, and verify has
to say where. A column that may change freely stands in `FREE` with its reason.
"""

import asyncio
import datetime as dt
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Date, LargeBinary, Text
from sqlalchemy.schema import CheckConstraint
from sqlmodel import SQLModel

from canonical.agencies import Agency
from canonical.catalogue import ProcedureFacts
from hub.commands.connections import alter
from store import console_tables, quarantine, work_tables
from store.engine import open_store
from store.quarantine import Chosen
from store.types import Moment
from sync import resolve
from sync.context import Context
from sync.quarantine_replay import Why, replay
from sync.verify import Report, verify
from tests.gone import bury
from tests.polled import Poll, row
from tests.trial import Trial, dossier, trial_over

pytestmark = pytest.mark.unproved  # here verify is what is tested

# Not what a dossier is, or follows from: configuration, clocks of the moment, tallies of a night.
WORK = [
    one.__tablename__
    for models in (work_tables, console_tables)
    for one in vars(models).values()
    if hasattr(one, "__table__")
]
FREE = {
    "connection.state": "whether it is paused now; decides nothing that was taken in",
    "connection.endpoint": "where it is called now",
    "connection.options": "how it is called now",
    "connection.secrets": "with what it is called now; sealed",
    "connection.mapping_version": "what the next receipt is read by; each receipt names its own",
    "connection.tables": "as its mapping version holds them, which is digested",
    "connection.system": "a replay reads by the system it is; see the receipt's shape",
    "connection.created_at": "when somebody typed it",
    "connection.overlay": "as its mapping version holds it, which is digested",
    "connection.declaration": "as its mapping version holds it, which is digested",
    "connection.files": "as its mapping version names them, which is digested",
    "connection.secret_facts": "what is known of its secrets now",
    "connection.tested": "whether it was tested as it is now",
    "connection_version.*": "who configured it how; its own tests prove it",
    "promotion.*": "what was foreseen of a change, as it was foreseen; its own tests prove it",
    "contract_file.*": "of declared systems alone; its own tests prove it",
    "kept_key.*": "sealed; what was made with them no longer fits where they are others",
    "connection_mapping.created_at": "when somebody typed it",
    "checkpoint.*": "where the next run begins; what came in does not depend on it",
    "lease.*": "who may write this minute",
    "run.*": "the log of a run; what it brought is in its receipts",
    "client.*": "whom we let in today; what came in stands in the receipts",
    "catalogue_version.actor": "who typed it",
    "catalogue_version.created_at": "when somebody typed it",
    "receipt.attempts": "how often deciding was tried before it succeeded",
    "act.actor": "who decided; the act itself is proved",
    "act.reason": "why, in that person's words",
    "act.at": "when, by that person's clock",
    "idempotency.*": "an answer kept for its repetition; what it answered is proved by the receipt",
    "lookup_failure.*": "a tally of ten minutes",
    "claim_crowd.*": "no claim of this dossier is crowded; its own test proves the table",
    "run.cause": "why a run was begun follows from nothing that came in",
    "run.nominal_at": "as above",
    **{f"{one}.*": "work, no picture of a dossier; its own tests prove it" for one in WORK},
}


# What a dossier is made of: here the finding names the table. A change of what the rest follows
# from (a connection's role, the feed's counter) is found by what no longer follows from it.
OF_A_DOSSIER = {
    "agency_seen",
    "blob",
    "change",
    "claim",
    "dossier",
    "judgement",
    "judgement_span",
    "leg",
    "member",
    "receipt",
    "record",
    "timeline",
}


def free(name: str) -> bool:
    table, _, _ = name.partition(".")
    return name in FREE or f"{table}.*" in FREE


# ---------------------------------------------------------------- one case with everything in it


async def lived(hub: Trial) -> None:
    """The case, from its first word to its last."""
    hub.catalogue(
        agencies=[Agency("H50.12", "UBND thành phố Đông Hà")],
        procedures=[ProcedureFacts("1.001612", "Đăng ký hộ kinh doanh", duration="5")],
    )
    hub.clock.set("2026-03-02T09:30:00+07:00")
    first = dossier(
        1,
        pin="48213907",
        receipt_number="DH/2026/0001",
        channel="online",
        history=[
            {"status": "accepted", "at": "2026-03-02T09:00:00+07:00", "officer": "B", "unit": "U"},
            {"status": "financial", "at": "2026-03-03T09:00:00+07:00", "note": "nhầm"},
        ],
    )
    await hub.push(first, headers={"Idempotency-Key": "k"})
    await hub.push([first, dossier(1, version=1, status="stopped"), dossier(2, status="?")])
    hub.clock.forward(days=1)
    land = dossier(1, code="L-1", national_code=None, status="supplement", agency="H50.09")
    await hub.take(land, "land")
    hub.clock.forward(days=1)
    later = {"updated_at": "2026-03-04T09:00:00+07:00"}
    await hub.take({**land, **later, "version": 2, "national_code": first["national_code"]}, "land")
    money = {"code": "T-1", "facet": "money", "links": [{"namespace": "desk", "code": "A-00001"}]}
    await hub.take(
        {**money, "updated_at": "2026-03-05T09:00:00+07:00", "status": "financial"}, "tax"
    )
    await hub.take(
        {
            **money,
            "updated_at": "2026-03-06T09:00:00+07:00",
            "status": "finished",
            "fees": [{"amount": 2_500_000, "paid_at": "2026-03-06T08:00:00+07:00"}],
        },
        "tax",
    )
    await hub.push(
        {**first, "version": 0, "updated_at": "2026-03-01T09:00:00+07:00", "status": "submitted"}
    )
    done = {
        **first,
        "version": 2,
        "updated_at": "2026-03-09T10:00:00+07:00",
        "status": "handed_over",
        "finished_at": "2026-03-09T10:00:00+07:00",
        "handed_over_at": "2026-03-10T10:00:00+07:00",
        "history": first["history"][:1],
        "extensions": [
            {"new_due_at": "2026-03-12T17:00:00+07:00", "at": "2026-03-08T09:00:00+07:00"}
        ],
    }
    await hub.take(done)
    # One that was handed over, and returned all the same.
    await hub.take(
        dossier(
            4,
            status="stopped",
            handed_over_at="2026-03-05T10:00:00+07:00",
            stopped_at="2026-03-09T10:00:00+07:00",
        )
    )
    # A second case that was tied and no longer is.
    third = dossier(3, code="L-3", agency="H50.09")
    await hub.take(dossier(3))
    await hub.take({**third, "national_code": None}, "land")
    await hub.take({**third, "version": 2, **later}, "land")
    await hub.take({**third, "version": 3, "national_code": None, **later}, "land")
    # The code of the first is given again, to another.
    other = {"kind": "person", "name": "Lê Thị Khác"}
    again = dossier(1, version=9, applicant=other, accepted_at="2026-05-04T09:00:00+07:00")
    again |= {"national_code": None, "updated_at": "2026-05-04T09:00:00+07:00"}
    assert (await hub.push(again)).fate == "CODE_REUSED"
    with hub.store.read() as tx:
        [settled] = [q for q in quarantine.list_quarantine(tx) if q.reason == "CODE_REUSED"]
    resolve.resolve_as_new(hub.context, settled.id, "nguoi-truc", "mã được cấp lại")
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    bad = row(2, dossierStatus="la")
    await poll.run(json.dumps({"total": 2, "data": [row(1), bad]}).encode())
    # What was refused is taken up again once its code is known.
    alter(hub.context, "snv", None, [], ["status.la=supplement"])
    hub.clock.forward(days=1)
    replay(hub.context, Chosen("snv"), Why("nguoi-truc", "thêm mã"))
    # One is found gone at its source; another came again.
    bury(hub, "snv", "uid-1", "uid-2")
    hub.clock.forward(days=1)
    await poll.run(json.dumps({"total": 1, "data": [row(1)]}).encode())


# ---------------------------------------------------------------- changing one value


def changed(column: Any, value: Any, listed: list[str]) -> Any:
    """Another value of the same kind, one that the column's CHECK allows."""
    if value is None:
        return _anything(column, listed)
    if listed:
        return next((one for one in listed if one != value), "another")
    if isinstance(column.type, Boolean):
        return 0 if value else 1
    if isinstance(column.type, Date):
        return (dt.date.fromisoformat(value) + dt.timedelta(days=1)).isoformat()
    if isinstance(column.type, Moment):
        return (dt.datetime.fromisoformat(value) + dt.timedelta(seconds=1)).isoformat()
    if isinstance(column.type, LargeBinary):
        return value[:-1] + bytes([value[-1] ^ 1])
    if isinstance(value, str):
        return in_text(value)
    return value + 1_000_000  # of a key: far from any other row's


def _anything(column: Any, listed: list[str]) -> Any:
    if listed:
        return listed[0]
    if isinstance(column.type, Date):
        return "2026-03-15"
    if isinstance(column.type, Moment):
        return "2026-03-15T09:00:00+07:00"
    return "x" if isinstance(column.type, Text) else 7


def in_text(value: str) -> str:
    """One character changed; of JSON one that leaves it JSON, as the subtler fault."""
    for old, new in (("2026-03-02", "2026-03-03"), ("Nguyễn", "Nguyên"), ("desk", "dask")):
        if old in value and value[:1] in "{[":
            return value.replace(old, new, 1)
    if value == "[]":
        return '[{"reason":"DUE_MISSING","field":null,"about":null}]'
    return f"{value[:-1]}{'b' if value[-1] == 'a' else 'a'}" if value else "a"


def listed_in(table: Any, column: str) -> list[str]:
    """The words a CHECK lists for a column."""
    for rule in table.constraints:
        text = str(rule.sqltext) if isinstance(rule, CheckConstraint) else ""
        head, mark, rest = text.partition(f"{column} IN (")
        if (mark and not head.strip(" ")) or (mark and head.endswith("OR ")):
            return [word.strip(" '") for word in rest.rstrip(")").split(",")]
    return []


TABLES = {table.name: table for table in SQLModel.metadata.sorted_tables}


@dataclass
class Case:
    """The lived case: its store's file, and what opens it."""

    file: Path
    context: Context

    def rows(self, table: str, column: str) -> list[tuple[int, Any]]:
        """(rowid, value) of a column."""
        with closing(sqlite3.connect(self.file)) as tx:
            return tx.execute(f'SELECT rowid, "{column}" FROM "{table}" ORDER BY rowid').fetchall()

    def proved(self, at: Path, spoilt: str = "", *values: Any) -> Report:
        """What verify says of a copy in which one statement changed something."""
        file = at / "hub.db"
        shutil.copy(self.file, file)
        if spoilt:
            with closing(sqlite3.connect(file, isolation_level=None)) as tx:
                tx.execute("PRAGMA foreign_keys=OFF")
                tx.execute("PRAGMA ignore_check_constraints=ON")
                assert tx.execute(spoilt, values).rowcount > 0
        store = open_store(f"sqlite:///{file}")
        try:
            mine = self.context
            return verify(Context(store, mine.vault, mine.systems, mine.limits, mine.now))
        finally:
            store.dispose()


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, sqlite_shelf: Any) -> Case:
    folder = tmp_path_factory.mktemp("lived")
    store = sqlite_shelf.fresh(folder)
    trial = trial_over(store)

    async def live() -> None:
        await lived(trial)
        await trial.close()

    asyncio.run(live())
    store.dispose()
    return Case(folder / "hub.db", trial.context)


def test_the_untouched_store_is_proved(case: Case, tmp_path: Path) -> None:
    report = case.proved(tmp_path)
    assert report.ok, [check for check in report.checks if not check.ok]
    assert sum(check.checked for check in report.checks) > 50


def test_the_case_holds_a_row_and_a_value_of_everything(case: Case) -> None:
    """Else a column would pass below for want of anything to change."""
    untried = {
        f"{name}.{column.name}"
        for name, table in TABLES.items()
        for column in table.c
        if not free(f"{name}.{column.name}")
        and all(value is None for _, value in case.rows(name, column.name))
    }
    assert not untried


def tried(case: Case, table: str, column: Any) -> list[tuple[int, Any, Any]]:
    """(rowid, value, other value): of a row with a value, of one without; and the value lost."""
    rows = case.rows(table, column.name)
    without = [r for r in rows if r[1] is None][:1]
    having = [r for r in rows if r[1] is not None]
    listed = listed_in(TABLES[table], column.name)
    found = [(i, v, changed(column, v, listed)) for i, v in [*without, *having[:1]]]
    if column.nullable and having:
        found.append((*having[0], None))
    return found


PROVED = [
    (name, column.name)
    for name, table in TABLES.items()
    for column in table.c
    if not free(f"{name}.{column.name}")
]


@pytest.mark.parametrize(("table", "column"), PROVED, ids=lambda name: name)
def test_a_changed_value_is_found_and_named(
    case: Case, tmp_path: Path, table: str, column: str
) -> None:
    for rowid, value, other in tried(case, table, TABLES[table].c[column]):
        assert other != value
        report = case.proved(
            tmp_path, f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', other, rowid
        )
        told = [check.detail for check in report.checks if not check.ok]
        assert not report.ok, f"row {rowid}: {value!r} became {other!r} and nobody noticed"
        if table in OF_A_DOSSIER:
            assert any(table in detail for detail in told), told


@pytest.mark.parametrize("table", [n for n in TABLES if not free(f"{n}.any")])
def test_a_lost_row_is_found(case: Case, tmp_path: Path, table: str) -> None:
    rowid, _ = case.rows(table, next(iter(TABLES[table].c)).name)[0]
    report = case.proved(tmp_path, f'DELETE FROM "{table}" WHERE rowid = ?', rowid)
    assert not report.ok


def test_what_is_free_is_a_column_and_has_a_reason() -> None:
    names = {f"{name}.{column.name}" for name, table in TABLES.items() for column in table.c}
    whole = {f"{name}.*" for name in TABLES}
    assert set(FREE) <= names | whole
    assert all(reason for reason in FREE.values())
