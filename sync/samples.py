"""Where a sample body comes from: a page asked for without effect, a receipt, a file, an invention.

Nothing is stored, acknowledged or moved; a page is asked for as a run would ask, the first only.
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from canonical.errors import HubError
from canonical.ports import Ask, Client, Page, Row, System
from canonical.reasons import Reason
from canonical.text import Malformed
from store import intake, samples
from store.connections import ConnectionRow
from sync import shapes
from sync.context import Context
from sync.reading import CANONICAL, JSON, NDJSON, SOAP

_LOOKED_BACK = timedelta(days=30)


class Sampled(Struct, frozen=True):
    """A body to look into.

    Attributes:
        origin: page | stored | file | made.
        shape: Name by which the reader reads it.
    """

    origin: str
    shape: str
    raw: bytes


def stored(context: Context, row: ConnectionRow, receipt: str | None = None) -> Sampled | None:
    """What a receipt of the connection brought: the one named, else the newest with records.

    Raises:
        HubError: NOT_FOUND for a receipt that is not of this connection.
    """
    with context.store.read() as tx:
        found = samples.newest_body(tx, row.id, receipt)
        if found is None:
            if receipt is not None:
                raise HubError(Reason.NOT_FOUND, f"{row.id!r} has no receipt {receipt!r}")
            return None
        raw = intake.load_raw(tx, context.vault, found.digest)
    return Sampled("stored", shapes.told(found.shape).name, raw)


def from_file(context: Context, row: ConnectionRow, raw: bytes, shape: str = "") -> Sampled:
    """A body from a file, and by which name it is read where nobody said.

    Raises:
        HubError: no reader of the system takes it; the first one's refusal.
    """
    if shape:
        return Sampled("file", shape, raw)
    if row.system == CANONICAL:
        told = raw.lstrip()[:1]
        name = SOAP if told == b"<" else JSON if told in (b"{", b"[") else NDJSON
        return Sampled("file", name, raw)
    system = context.system_of(row)
    failure: HubError | None = None
    for name in _candidates(context, row, system, raw):
        try:
            if any(isinstance(one, Row) for one in system.rows(name, raw)):
                return Sampled("file", name, raw)
        except (HubError, Malformed) as error:
            failure = failure or (error if isinstance(error, HubError) else None)
    raise failure or HubError(Reason.BODY_MALFORMED, "no record in it; say how it is read: --shape")


def _candidates(context: Context, row: ConnectionRow, system: System, raw: bytes) -> Iterator[str]:
    """Names by which the system's reader may read a body, likeliest first."""
    if system.door is not None:
        with contextlib.suppress(HubError):
            yield system.door.call(raw, "text/xml", "").shape
    with context.store.read() as tx:
        yield from (shapes.told(one).name for one in samples.body_shapes(tx, row.id))
    made = system.sample() if system.sample is not None else None
    if made is not None and made.shape:
        yield made.shape
    if system.manifest.native_shape:
        yield system.manifest.native_shape
    yield from ("pull", "drop")
    yield from (system.mapping_document or {}).get("shapes", {})


def made(system: System) -> Sampled | None:
    """An invented body as the department would push it; None where none can be made."""
    found = system.sample() if system.sample is not None else None
    if found is None:
        return None
    return Sampled("made", found.shape, found.raw)


async def asked(context: Context, row: ConnectionRow, client: Client) -> Page | None:
    """The first page of a source: of the last days, else of all; None where it has none.

    Raises:
        HubError: as the client says.
    """
    now = context.now()
    system = context.system_of(row)
    since: Sequence[datetime | None] = [now - _LOOKED_BACK, None]
    if system.manifest.durable_cursor:
        since = [None]
    page: Page | None = None
    for begin in since:
        page = await _first(client, Ask(begin, None, None, (), now))
        if page is not None and _has_rows(system, page):
            return page
    return page


async def _first(client: Client, ask: Ask) -> Page | None:
    pages = client.pages(ask)
    try:
        return await anext(pages, None)
    finally:
        close = getattr(pages, "aclose", None)
        if close is not None:
            await close()


def _has_rows(system: System, page: Page) -> bool:
    try:
        return len(system.rows(page.shape, page.raw)) > 0
    except (HubError, Malformed):
        return True  # what is wrong with it is looked at by whoever asked


async def fetched(context: Context, row: ConnectionRow) -> Sampled | None:
    """A body asked of the source without any effect; None where it has none, or is not asked.

    Raises:
        HubError: as its client says.
    """
    connect = context.system_of(row).connect
    if connect is None:
        return None
    client = connect(row.settings(context.vault))
    try:
        page = await asked(context, row, client)
    finally:
        with contextlib.suppress(HubError):
            await client.close()
    return Sampled("page", page.shape, page.raw) if page is not None else None
