"""A hub with a little of everything in it, served on loopback, to try the console's pages on.

Invented people only. Everything is in the store before it serves; nothing goes on by itself but
what a test sets going.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from canonical import clock
from canonical.agencies import Agency, Level, Succession
from canonical.catalogue import ProcedureFacts
from gateway.app import create_app
from hub.commands import receivers as receiver_commands
from hub.demo.serving import AppThread
from store import alarms, quarantine, reconciliations
from store import staff as accounts
from store.engine import open_store
from store.migrate import ensure
from store.reconciliations import Found
from store.tables import table
from store.work_tables import Delivery
from sync import staff
from tests.everything import complete
from tests.trial import Trial, dossier, trial_over

PASSWORD = "một câu đủ dài để thử"
NAMES = ("Nguyễn Văn Thử", "Trần Thị Mẫu", "Lê Văn Ví Dụ", "Phạm Thị Giả Định")
STATUSES = ("accepted", "in_progress", "supplement", "finished", "handed_over")


@dataclass
class Seeded:
    """A hub that is serving.

    Attributes:
        base: Its address.
        first: Public id of a dossier that two systems hold.
        receipt: Public id of a receipt with several records.
        refused: Id of a record in the quarantine, refused for its state.
    """

    base: str
    trial: Trial
    first: str
    receipt: str
    refused: int


async def fill(hub: Trial) -> tuple[str, str]:
    """Dossiers of two systems, some refused; a catalogue."""
    hub.clock.at = now()
    hub.catalogue(
        agencies=[
            Agency("H50", "UBND tỉnh", "", level=Level.PROVINCE),
            Agency(
                "H50.12", "UBND thành phố Đông Hà", level=Level.DISTRICT, valid_to=date(2025, 7, 1)
            ),
            Agency("H50.19", "Sở Giao thông Vận tải", level=Level.DEPARTMENT),
            Agency(
                "H50.40", "UBND phường Đông Hà", level=Level.COMMUNE, valid_from=date(2025, 7, 1)
            ),
        ],
        successions=[Succession("H50.12", "H50.40", date(2025, 7, 1))],
        procedures=[
            ProcedureFacts("1.001612", "Đăng ký thành lập hộ kinh doanh", "Kinh doanh", "3"),
            ProcedureFacts("1.002835", "Cấp mới giấy phép lái xe", "Đường bộ", "10"),
        ],
    )
    today = clock.local(hub.clock.at)
    many = [_one(number, today) for number in range(1, 61)]
    many[7]["status"] = "no such state"
    many[21]["status"] = "no such state"
    many[30]["due_at"] = "ngày kia"
    said = await hub.push(many, "desk")
    first = str(said.body["records"][0]["dossier"])
    await hub.push(
        dossier(
            1,
            version=2,
            status="in_progress",
            updated_at=today.isoformat(),
            agency="H50.19",
            code="L-1",
            applicant={"kind": "person", "name": NAMES[1]},
            accepted_at=many[0]["accepted_at"],
            history=[
                {
                    "status": "in_progress",
                    "at": today.isoformat(),
                    "unit": "Phòng Cấp phép",
                    "officer": "Cán bộ A",
                    "note": "Đã nhận của Nguyễn Văn Thử",
                }
            ],
        ),
        "land",
    )
    return first, said.receipt


def _one(number: int, today: Any) -> dict[str, Any]:
    accepted = today - timedelta(days=number % 14, hours=2)
    return dossier(
        number,
        updated_at=accepted.isoformat(),
        accepted_at=accepted.isoformat(),
        due_at=(accepted + timedelta(days=5)).isoformat(),
        agency="H50.40",
        status=STATUSES[number % len(STATUSES)],
        applicant={
            "kind": "person",
            "name": NAMES[number % len(NAMES)],
            "id_number": f"0450000{number:05d}",
            "phone": "0905000000",
        },
    )


def now() -> datetime:
    return datetime.now(UTC)


def work_under_way(hub: Trial) -> None:
    """An alarm, a receiver, a reconciliation with differences."""
    at = clock.to_iso(hub.clock.at)
    hub.store.in_write(
        lambda tx: alarms.raise_alarm(tx, "suspect", "land", "nothing since this morning", at)
    )
    receiver_commands.make(hub.context, "cong", "public_portal", endpoint="http://127.0.0.1:9/")

    def reconciled(tx: Any) -> None:
        one = reconciliations.start(tx, "desk", at)
        found = [
            Found("", "A-00003", "snapshot", "stale", True),
            Found("", "A-00099", "snapshot", "missing", False),
        ]
        reconciliations.save_found(tx, one, found)
        reconciliations.end(
            tx,
            one,
            compared=60,
            counts={"stale": 1, "missing": 1},
            healed=1,
            reason=None,
            detail=None,
            at=at,
        )

    def given_up(tx: Any) -> None:
        for seq in (1, 2):
            row = {"receiver_id": "cong", "dossier_id": seq, "seq": seq, "event_id": f"e{seq}"}
            row |= {"shard": seq % 4, "lane": "live", "state": "dead", "attempts": 9}
            row |= {"due_at": at, "created_at": at, "first_at": at, "reason": "HTTP_4XX"}
            tx.execute(table(Delivery).insert().values(**complete(Delivery, row)))

    hub.store.in_write(reconciled)
    hub.store.in_write(given_up)


def people(hub: Trial) -> None:
    """One account of each role, all with one password."""
    hashed, at = staff._hash(PASSWORD), clock.to_iso(hub.clock.at)

    def add(tx: Any) -> None:
        for role in ("administrator", "operator", "viewer"):
            made = accounts.add_member(tx, role, role, [], hashed, at)
            assert made is not None
            accounts.set_password(tx, made.id, hashed, at, must_change=False)

    hub.store.in_write(add)


@contextlib.contextmanager
def seeded(folder: Path) -> Iterator[Seeded]:
    """The hub, filled and serving."""
    store = open_store(f"sqlite:///{folder / 'hub.db'}")
    ensure(store)
    hub = trial_over(store)

    async def filled() -> tuple[str, str]:
        try:
            return await fill(hub)
        finally:
            await hub.close()

    # A browser's driver has a loop on this thread.
    with ThreadPoolExecutor(1) as thread:
        first, receipt = thread.submit(lambda: asyncio.run(filled())).result()
    work_under_way(hub)
    people(hub)
    with store.read() as tx:
        refused = quarantine.list_quarantine(tx, "desk")[0].id
    hub.context.now = now
    served = AppThread("console", create_app(hub.context))
    try:
        yield Seeded(served.base, hub, first, receipt, refused)
    finally:
        served.stop()
        served.join()
        store.dispose()
