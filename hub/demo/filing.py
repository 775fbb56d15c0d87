"""One licence dossier: taken in at the counter, filed with the Department by the hub, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from hub.demo.asking import Portal
from hub.demo.flow import Say, ask, newest_run
from hub.demo.papers import Papers, licence
from hub.demo.serving import Department
from hub.demo.setup import COUNTER, LICENCE, Commands
from hub.demo.waiting import until
from store import filings
from store.filings import FilingRow
from sync.context import Context

_NAMESPACE = "transport"
_AT_WORK = "03"  # TT_XuLy: the Department works on it


class FilingStory(Struct, frozen=True):
    """What became of it.

    Attributes:
        filing: As the hub holds it.
        before: The dossier's state when it was filed, after that `dossier`.
        dossier: As the hub shows it once the Department has worked on it.
        ledger: The Department's own entries of this filing's number.
        history: The dossier's timeline.
    """

    filing: FilingRow
    before: str
    dossier: Mapping[str, Any]
    ledger: Sequence[Mapping[str, Any]]
    history: Sequence[Mapping[str, Any]]

    @property
    def is_right(self) -> bool:
        """Whether it was filed once, papers and all, and the Department's word came back."""
        filed, other = self.filing, f"{_NAMESPACE}:{self.filing.filed_code}"
        taken = [entry["MaDK"] for entry in self.ledger if entry["MaDK"]]
        papers = [len(entry["papers"]) for entry in self.ledger]
        return (
            taken == [filed.filed_code]
            and papers == [filed.papers] == [filed.papers_sent]
            and self.dossier["status"] == "in_progress"
            and self.dossier["spoke"].get("status") == other
        )


def file_licences(context: Context, commands: Commands) -> None:
    """Have licences filed from now on."""
    commands.change_connection(context, _NAMESPACE, None, [f"files_procedures={LICENCE}"], [])


async def filed(
    context: Context,
    portals: tuple[Portal, Portal],
    department: Department,
    papers: Papers,
    say: Say,
) -> FilingStory:
    """Take the dossier in, wait until it is filed, and ask the Department how it stands.

    Args:
        context: The hub's parts.
        portals: Who reads, and the counter.
        department: The simulated Department of Transport.
        papers: What the counter keeps.
        say: Told how far it is.

    Raises:
        HubError: it was not filed.
    """
    reader, counter = portals
    record = licence(papers, context.now())
    await counter.push(record)
    say(f"Quầy {COUNTER} đã nhận một hồ sơ giấy phép lái xe: {record['code']}")
    filing = await until(lambda: _with_papers(context), "the licence to be filed")
    say(f"Trục đã nộp sang Sở GTVT, Sở cấp mã {filing.filed_code}")
    name = f"{COUNTER}:{record['code']}"
    before = await reader.dossier(name)
    await reader.control(department.base, "__states", {filing.filed_code: _AT_WORK})
    asked = newest_run(context, _NAMESPACE)
    await ask(context, _NAMESPACE, say, after=asked)
    dossier = await reader.dossier(name)
    told = await reader.ledger(department.base)
    own = [entry for entry in told if entry["SoHoSo1"] == filing.number]
    history = await reader.history(dossier["id"])
    return FilingStory(filing, before["status"], dossier, own, history)


def _with_papers(context: Context) -> FilingRow | None:
    """The one filing, once the Department has it and its papers."""
    with context.store.read() as tx:
        rows = filings.list_filings(tx)
    done = [row for row in rows if row.state == "filed" and row.due_at is None]
    return done[0] if done else None
