"""What goes on after the five years are in: receivers told, a licence filed, a figure restated."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from hub.demo import filing, publishing, telling
from hub.demo.asking import Portal
from hub.demo.filing import FilingStory
from hub.demo.flow import Say, asked_again
from hub.demo.generate import Generated
from hub.demo.papers import Papers
from hub.demo.publishing import Mended, Published, last_month
from hub.demo.serving import Department
from hub.demo.setup import Commands
from hub.demo.standing import Standing, standings
from hub.demo.telling import GOVERNMENT, PORTAL, Books, Refusal, Told
from sync.context import Context


class Stage(Struct, frozen=True):
    """Who takes part.

    Attributes:
        reader: Reads the hub.
        counter: The licence counter, which calls the hub.
        departments: Connection -> its simulator.
        receivers: Name -> its simulator.
    """

    context: Context
    commands: Commands
    reader: Portal
    counter: Portal
    departments: Mapping[str, Department]
    receivers: Mapping[str, Department]
    papers: Papers
    made: Generated


class Live(Struct, frozen=True):
    """What came of it.

    Attributes:
        since: The newest change when the receivers were added.
        night: What changed when the one-stop app was asked again.
        told: How the receivers of changes fared.
    """

    since: int
    night: Sequence[Mapping[str, Any]]
    refusal: Refusal
    filed: FilingStory
    published: Published
    mended: Mended
    told: Sequence[Told]
    books: Books
    standings: Sequence[Standing]

    def wrong(self) -> list[str]:
        """The parts that did not go as they must; empty where all did."""
        parts = {
            "báo lại": self.refusal.is_right,
            "nộp hồ sơ": self.filed.is_right,
            "công bố": self.published.is_right,
            "cách ly": self.mended.is_right,
            **{f"nơi nhận {one.fare.receiver}": one.is_right for one in self.told},
        }
        return [name for name, is_right in parts.items() if not is_right]


async def live(stage: Stage, say: Say) -> Live:
    """Let all of it happen; returns when everyone has been told everything.

    Raises:
        HubError: something that had to happen did not.
    """
    context, commands, reader = stage.context, stage.commands, stage.reader
    today = stage.made.today
    first_day = last_month(today)[0].isoformat()
    since = await reader.newest_seq()
    portals_of_changes = {n: one for n, one in stage.receivers.items() if n != GOVERNMENT}
    telling.add(context, commands, portals_of_changes, first_day)
    filing.file_licences(context, commands)
    say(f"{len(portals_of_changes)} nơi nhận nghe từ đây, sau thay đổi số {since}")
    unwanted = await reader.dossier(f"one_stop:{stage.made.moved[0]}")
    await reader.replace_data(stage.receivers[PORTAL].base, {"refuse": [unwanted["id"]]})
    say("Cổng tỉnh sẽ từ chối một sự kiện, để thấy việc bỏ cuộc và báo lại")
    one_stop = stage.departments["one_stop"]
    night = await asked_again(context, reader, one_stop, stage.made.later, say)
    transport = stage.departments["transport"]
    portals = (reader, stage.counter)
    filed = await filing.filed(context, portals, transport, stage.papers, say)
    government = stage.receivers[GOVERNMENT]
    # Only now: what came in the night may move last month's figure, too, and no other story is told
    # of it.
    telling.add(context, commands, {GOVERNMENT: government}, first_day)
    published, mended = await publishing.restated(
        context, commands, reader, government, stage.made.unknown, today, say
    )
    refusal = await telling.refused_once(context, reader, stage.receivers[PORTAL])
    told, books = await telling.told_all(context, reader, stage.receivers, since)
    say(f"Mọi nơi nhận đã có đủ: {', '.join(str(one.fare.delivered) for one in told)} lần báo")
    return Live(
        since=since,
        night=night,
        refusal=refusal,
        filed=filed,
        published=published,
        mended=mended,
        told=told,
        books=books,
        standings=standings(context),
    )
