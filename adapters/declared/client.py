"""The client of a declared pull: pages asked for as the declaration says, read strictly."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, structs

from adapters.declared import refusals, templates
from adapters.declared.calling import Caller, Reply
from adapters.declared.declaration import Declaration, Pull
from adapters.declared.places import Place
from adapters.declared.reader import PULL, Found, Reader
from adapters.wire import Wire
from canonical.errors import HubError, Refused
from canonical.ports import Ask, Page, Settings
from canonical.prepared import prepare
from canonical.reasons import Reason

_NEXT = re.compile(r"<([^<>]*)>\s*;[^,]*\brel\s*=\s*\"?next\b", re.IGNORECASE)
_LARGEST_PAGE = 100_000


class Owed(Struct, frozen=True):
    """What an acknowledgement of one page names."""

    ids: list[Any]
    batch: str


prepare(Owed)


class PullClient:
    """One connection to a declared system that is asked."""

    def __init__(
        self, told: Declaration, settings: Settings, wire: Wire, reader: Reader, contract: bytes
    ) -> None:
        """Nothing is called yet.

        Raises:
            Refused: FIELD_TYPE for an option that cannot be read.
            NotAllowed: AUTH_DENIED where a declared secret is not set.
        """
        assert told.pull is not None  # noqa: S101 - `building` has looked
        self._pull: Pull = told.pull
        self._id = settings.id
        self._zone = ZoneInfo(told.time_zone)
        self._reader = reader
        self._size = _size(settings, self._pull.paging.size)
        self._caller = Caller(told, settings, wire, reader, contract)
        self._rules = told.errors
        self._form = self._pull.answer.format

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """What changed in [since, until), page after page.

        `total` is what the first answer declared, less what lies before the cursor.

        Raises:
            HubError: as the wire, the declared error rules and the reader say; CURSOR_LOST for a
                cursor this client did not write.
        """
        place: Place | None = self._begin(ask)
        before = place.seen if place is not None else 0
        declared: int | None = None
        while place is not None:
            try:
                reply, found = await self._page(place)
                if declared is None:
                    declared = found.total
                found = self._followed(reply, found)
                place = place.after(self._pull, found, declared, self._size)
            except HubError as error:
                error.system = self._id
                raise
            yield Page(
                raw=reply.body,
                shape=PULL,
                observed_at=datetime.now(UTC),
                cursor=None if place is None else place.to_cursor(),
                total=None if declared is None else max(declared - before, 0),
                count=len(found.rows),
                token=self._owed(found),
            )

    async def acknowledge(self, page: Page) -> None:
        """Tell the source that a page is durable, where it asks for that. Raises HubError."""
        acknowledge = self._pull.acknowledge
        if acknowledge is None or not page.token:
            return
        owed = msgspec.json.decode(page.token, type=Owed)
        values = {"ids": owed.ids, "batch": owed.batch or None}

        async def tell(session: dict[str, Any]) -> None:
            reply = await self._caller.call(
                acknowledge.request, {**values, **session}, acknowledge.join
            )
            if reply.body.strip():
                refusals.check(self._reader.open(reply.body, self._form), self._rules)

        try:
            await self._caller.within(tell)
        except HubError as error:
            error.system = self._id
            raise

    async def close(self) -> None:
        """Give back sockets and session."""
        await self._caller.close()

    def _begin(self, ask: Ask) -> Place:
        if ask.cursor is not None:
            return Place.from_cursor(ask.cursor, system=self._id)
        since = ask.since
        if since is None and self._pull.since_default:
            since = datetime.fromisoformat(self._pull.since_default)
            since = since if since.tzinfo else since.replace(tzinfo=self._zone)
        until = ask.until or ask.now
        return Place(since.isoformat() if since else "", until.isoformat())

    async def _page(self, place: Place) -> tuple[Reply, Found]:
        pull = self._pull
        values = place.values(pull, self._size) | self._window(place)
        if pull.paging.kind == "link" and place.cursor:
            values["link"] = place.cursor

        async def get(session: dict[str, Any]) -> tuple[Reply, Found]:
            reply = await self._caller.call(pull.request, {**values, **session})
            return reply, self._reader.page(reply.body)

        found: tuple[Reply, Found] = await self._caller.within(get)
        return found

    def _window(self, place: Place) -> dict[str, Any]:
        form = self._pull.since_format
        since = datetime.fromisoformat(place.since) if place.since else None
        until = datetime.fromisoformat(place.until)
        return {
            "since": templates.moment(since, form, self._zone),
            "until": templates.moment(until, self._pull.until_format or form, self._zone),
        }

    def _followed(self, reply: Reply, found: Found) -> Found:
        """The page with the address of the next one, where links lead there."""
        if self._pull.paging.kind != "link":
            return found
        link = found.next
        if not self._pull.paging.next:
            told = _NEXT.search(reply.headers.get("link", ""))
            link = told.group(1) if told else ""
        return structs.replace(
            found, next=self._caller.same_origin(link, reply.url) if link else ""
        )

    def _owed(self, found: Found) -> str:
        if self._pull.acknowledge is None or not (found.ids or found.batch):
            return ""
        return msgspec.json.encode(Owed(found.ids, found.batch)).decode()


def _size(settings: Settings, declared: int) -> int:
    told = settings.options.get("page_size", "")
    size = int(told) if told.isascii() and told.isdecimal() and len(told) < 8 else 0
    if told and not 0 < size <= _LARGEST_PAGE:
        raise Refused(Reason.FIELD_TYPE, "option page_size", system=settings.id)
    return size or declared
