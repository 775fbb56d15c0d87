"""The sample record that a mapping is tried on: stored, asked of the source, invented or pasted.

A page that was asked of the source is kept in this process for some minutes, so that one may type
without asking again; it is stored nowhere.
"""

import asyncio
import threading
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from msgspec import Struct, structs

from canonical.errors import HubError
from canonical.reasons import Reason
from canonical.text import Malformed
from gateway.console.connection_frame import Frame
from gateway.console.desk import Desk
from gateway.console.form_data import Typed
from store.staff_rights import Right
from sync import preview, samples
from sync.context import Context
from sync.mapping_edits import Candidate
from sync.preview import Preview
from sync.samples import Sampled

_KEPT_FOR = timedelta(minutes=10)
_MOST_KEPT = 20


class Sampling(Struct, frozen=True):
    """Which sample the form asks for.

    Attributes:
        choices: stored | page | made | pasted, those there are.
        place: Which record of it, from 0.
    """

    choices: list[str]
    chosen: str
    receipt: str
    place: int
    pasted: str


class _Kept(Struct, frozen=True):
    at: datetime
    sampled: Sampled


_pages: WeakKeyDictionary[Context, dict[str, _Kept]] = WeakKeyDictionary()
_lock = threading.Lock()


def asked(desk: Desk, frame: Frame, form: Typed | None) -> Sampling:
    """What a form says about the sample; where it says nothing, what there is."""
    choices = ["stored"]
    system = frame.system
    if system is not None and system.connect is not None and desk.may(Right.REPAIR):
        choices.append("page")
    if system is not None and system.sample is not None:
        choices.append("made")
    choices.append("pasted")
    if form is None:
        return Sampling(choices, "stored", "", 0, "")
    chosen = form.text("sample")
    return Sampling(
        choices,
        chosen if chosen in choices else "stored",
        form.text("receipt"),
        form.number("place") or 0,
        form.raw("pasted"),
    )


def previewed(
    desk: Desk, frame: Frame, candidate: Candidate, form: Typed, *, personal: bool
) -> Preview:
    """One record of the sample beside what it becomes.

    Raises:
        HubError: NOT_FOUND where there is no sample yet; else as `preview`.
    """
    sampling = asked(desk, frame, form)
    try:
        sampled = _sampled(desk.context, frame, sampling)
        if sampled is None:
            raise HubError(Reason.NOT_FOUND, desk.say("mapping.no_sample"))
        row = structs.replace(frame.row, tables=candidate.tables)
        return preview.preview(
            desk.context,
            row,
            sampled,
            place=sampling.place,
            overlay=candidate.overlay,
            personal=personal,
        )
    except Malformed as error:
        raise HubError(Reason.BODY_MALFORMED) from error


def _sampled(context: Context, frame: Frame, sampling: Sampling) -> Sampled | None:
    row = frame.row
    if sampling.chosen == "pasted":
        if not sampling.pasted.strip():
            return None
        return samples.from_file(context, row, sampling.pasted.encode())
    if sampling.chosen == "made" and frame.system is not None:
        return samples.made(frame.system)
    if sampling.chosen == "page":
        return _page(context, frame)
    found = samples.stored(context, row, sampling.receipt or None)
    if found is None and frame.system is not None:
        return samples.made(frame.system)
    return found


def _page(context: Context, frame: Frame) -> Sampled | None:
    """The first page of the source, asked for without effect."""
    now = context.now()
    key = f"{frame.row.id}\0{frame.row.version}"
    with _lock:
        kept = _pages.setdefault(context, {}).get(key)
    if kept is not None and now - kept.at < _KEPT_FOR:
        return kept.sampled
    found = asyncio.run(samples.fetched(context, frame.row))
    if found is not None:
        with _lock:
            pages = _pages.setdefault(context, {})
            pages[key] = _Kept(now, found)
            while len(pages) > _MOST_KEPT:
                pages.pop(next(iter(pages)))
    return found
