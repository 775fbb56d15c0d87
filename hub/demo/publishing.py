"""What the Government's portal is told, and a refused record mended that moves the figure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from canonical.errors import HubError
from canonical.reasons import Reason
from hub.demo.asking import Portal
from hub.demo.figures import PROVINCE
from hub.demo.flow import Say
from hub.demo.night import UNKNOWN
from hub.demo.serving import Department
from hub.demo.setup import Commands
from hub.demo.telling import GOVERNMENT
from hub.demo.waiting import until
from store import publications, quarantine
from store.publications import PublicationRow
from store.quarantine import Chosen, Quarantined
from sync import quarantine_replay
from sync.context import Context
from sync.quarantine_replay import Why

CONNECTION = "one_stop"
ENTRY = f"status.processing/{UNKNOWN}=in_progress"


class Published(Struct, frozen=True):
    """Last month, published and restated.

    Attributes:
        revisions: As the hub holds them, oldest first.
        held: The documents that the portal holds.
        computed: The same month, asked for at the hub's door.
    """

    revisions: Sequence[PublicationRow]
    held: Sequence[Mapping[str, Any]]
    computed: Mapping[str, Any]

    @property
    def is_right(self) -> bool:
        """Whether the portal holds both revisions, and the newest is what the hub says now."""
        if len(self.revisions) != len(self.held):
            return False
        told = self.held[-1]["figures"]
        names = ("total", "resolved", "resolved_online", "buckets")
        return all(told[name] == self.computed[name] for name in names)


class Mended(Struct, frozen=True):
    """The record that was refused, and what became of it.

    Attributes:
        record: As the quarantine listed it.
        summary: Of its replay.
        dossier: What it became.
    """

    record: Quarantined
    summary: quarantine_replay.Summary
    dossier: Mapping[str, Any]

    @property
    def is_right(self) -> bool:
        """Whether it was applied."""
        return self.summary.applied == 1 and not self.summary.still


def last_month(today: date) -> tuple[date, date]:
    """First and last day of the month before today's."""
    end = today.replace(day=1) - timedelta(days=1)
    return end.replace(day=1), end


async def restated(
    context: Context,
    commands: Commands,
    portal: Portal,
    place: Department,
    unknown: str,
    today: date,
    say: Say,
) -> tuple[Published, Mended]:
    """Wait for the first publication, mend the refused record, and have the month counted again.

    Args:
        context: The hub's parts.
        commands: The command line's own work.
        portal: Who reads the hub.
        place: The simulated portal of the Government.
        unknown: Local code of the refused record.
        today: The day of the demo.
        say: Told how far it is.

    Raises:
        HubError: it was not published, or there is no such record.
    """
    await until(lambda: _delivered(context, 1), "the first publication")
    say("Cổng Chính phủ đã nhận chỉ số của tháng trước")
    mended = await _mend(context, commands, portal, unknown)
    say("Đã sửa một bản ghi cách ly: thêm một dòng mã, xử lý lại")
    commands.count_again(context, GOVERNMENT)
    revisions = await until(lambda: _delivered(context, 2), "the restatement")
    period = last_month(today)
    book = await portal.ledger(place.base)
    held = book["periods"].get(f"{PROVINCE} {period[0]} {period[1]}", [])
    computed = await portal.indicators(PROVINCE, *period)
    return Published(revisions, held, computed), mended


def _delivered(context: Context, count: int) -> list[PublicationRow] | None:
    with context.store.read() as tx:
        rows = publications.list_all(tx, GOVERNMENT)
    done = [row for row in rows if row.state == "delivered"]
    return done if len(done) >= count else None


async def _mend(context: Context, commands: Commands, portal: Portal, unknown: str) -> Mended:
    with context.store.read() as tx:
        listed = quarantine.list_quarantine(tx, CONNECTION)
    record = next((one for one in listed if one.code == unknown), None)
    if record is None:
        raise HubError(Reason.NOT_FOUND, f"{CONNECTION}: the record to be mended")
    commands.change_connection(context, CONNECTION, None, [], [ENTRY])
    why = Why("hub demo", "a line of the code table was added")
    [summary] = quarantine_replay.replay(context, Chosen(ids=(record.id,)), why)
    return Mended(record, summary, await portal.dossier(f"{CONNECTION}:{unknown}"))
