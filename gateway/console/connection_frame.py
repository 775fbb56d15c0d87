"""What every page of one connection shows around its own: who it is, its state, what it waits for.

Also the one way in which those pages change something: `attempt`.
"""

from collections.abc import Callable
from typing import Any

from fastapi.responses import Response
from msgspec import Struct

from canonical.errors import HubError, RequestRefused
from canonical.ports import Manifest, System
from canonical.reasons import Reason
from gateway.console.desk import Desk
from gateway.console.repairs import Repair, repairs_of
from store import alarms, connection_versions, connections, plans, tasks
from store.connections import ConnectionRow
from store.staff_rights import Right
from store.tasks import TaskRow
from sync import wishes
from sync.connecting import By
from sync.gates import NotEnabled
from sync.wishes import Standing

PATH = "/console/connections"
_LONGEST_REASON = 500


class Frame(Struct, frozen=True):
    """One connection, as its pages show it.

    Attributes:
        system: None where nobody knows it any more, or its declaration cannot be taken.
        standing: How it stands with its schedule.
        own_schedule: Cron text of its own; None takes its system's.
        repairs: What waits for a person.
        path: Of its first page.
    """

    row: ConnectionRow
    system: System | None
    standing: Standing
    own_schedule: str | None
    repairs: list[Repair]
    path: str

    @property
    def manifest(self) -> Manifest | None:
        """Of its system."""
        return self.system.manifest if self.system is not None else None

    @property
    def title(self) -> str:
        """For people; its id where nothing better is known."""
        return self.system.manifest.title if self.system is not None else self.row.id

    @property
    def is_over(self) -> bool:
        """Whether it changes no more."""
        return self.row.state == "retired"


def framed(desk: Desk, connection_id: str) -> Frame:
    """A connection. Raises RequestRefused: 404."""
    context = desk.context
    with context.store.read() as tx:
        row = connections.load_connection(tx, connection_id)
        if row is None:
            raise RequestRefused(Reason.NOT_FOUND, 404)
        standing = wishes.standings(context, tx)[row.id]
        own = plans.own_schedules(tx).get(row.id)
        lasting = alarms.list_alarms(tx)
    system = context.system_of(row) if context.knows(row) else None
    repairs = repairs_of(row, standing, lasting)
    return Frame(row, system, standing, own, repairs, path_of(row.id))


def path_of(connection_id: str, page: str = "") -> str:
    """The address of a page of a connection; an id holds nothing that would need escaping."""
    return f"{PATH}/{connection_id}" + (f"/{page}" if page else "")


def said(desk: Desk, reason: str, seen: int | None, otherwise: str) -> By:
    """Who changes something: who has signed in, in their words.

    Args:
        desk: Of the request.
        reason: As it was typed.
        seen: The version their page showed.
        otherwise: A word of the catalogue that says it where nothing was typed.
    """
    return By(desk.member.name, reason.strip()[:_LONGEST_REASON] or desk.say(otherwise), seen)


def attempt(
    desk: Desk, connection_id: str, seen: int | None, work: Callable[[], Any], done: Response
) -> Response:
    """Change something; what keeps it from being done is shown in full.

    Args:
        desk: Of the request.
        connection_id: Which.
        seen: The version the form was made of.
        work: Changes it.
        done: The answer where it was.

    Raises:
        HubError: as `work`, but for a form that is out of date and a connection that its gates do
            not let through.
    """
    try:
        work()
    except NotEnabled as refused:
        frame = framed(desk, connection_id)
        told = {"frame": frame, "tab": "state", "objections": refused.objections}
        return _notice(desk, "connection_objections", 409, **told)
    except HubError as error:
        frame = framed(desk, connection_id)
        if error.reason is not Reason.CONFLICT or seen is None or seen == frame.row.version:
            raise
        with desk.context.store.read() as tx:
            newest = connection_versions.load_version(tx, connection_id, frame.row.version)
        told = {"frame": frame, "tab": "versions", "seen": seen, "newest": newest}
        return _notice(desk, "connection_conflict", 409, **told)
    return done


def _notice(desk: Desk, name: str, status: int, **told: Any) -> Response:
    if not desk.is_part:
        return desk.page(f"{name}.html", status, **told)
    answer = desk.page(f"{name}_part.html", status, **told)
    answer.headers["HX-Retarget"] = "#notices"
    answer.headers["HX-Reswap"] = "innerHTML show:#notices:top"
    return answer


def shown_task(desk: Desk, kind: str, subject: str) -> TaskRow | None:
    """The newest long work of a kind about something, where who asks may see it."""
    with desk.context.store.read() as tx:
        row = tasks.newest(tx, kind, subject)
    if row is None or not (row.staff_id == desk.member.id or desk.may(Right.ADMINISTER)):
        return None
    return row
