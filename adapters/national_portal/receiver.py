"""The national portal as a receiver of changes: an upsert of the dossier, then its progress rows.

Everything may be told again: DongBoHoSoMC is an upsert by MaHoSo, whichever way it is begun, and
progress rows are the same rows. So a lost answer needs no look-up (contract/mapi.md).
"""

from collections.abc import Sequence
from typing import Any

from adapters.national_portal import rendering
from adapters.national_portal.answers import Meaning
from adapters.national_portal.rendering import Told
from adapters.national_portal.session import Session, account_of
from adapters.wire import Wire
from canonical.errors import HubError, Refused, TryAgain, Unreachable
from canonical.ports import Event, Outgoing, Settings
from canonical.reasons import Reason

_CHUNK = 10  # progress rows in one call (domain/statuses.md 2.3)
# What a failing portal says of one dossier alone; the others are told meanwhile.
_OF_ONE = frozenset({Reason.HTTP_5XX})


class Receiver:
    """One configured account at the portal."""

    def __init__(self, settings: Settings, session: Session) -> None:
        self._id = settings.id
        self._session = session

    def render(self, event: Event) -> bytes | None:
        """The record and the progress rows of a change; None where the portal is not told of it."""
        return rendering.to_bytes(event)

    async def send(self, events: Sequence[Outgoing]) -> Sequence[HubError | None]:
        """Tell changes one after another; per change None (the portal has it) or why not.

        Refused: what the portal demands is missing or too long (FIELD_MISSING, FIELD_TOO_LONG,
        REF_UNKNOWN; nothing was called), or it said no (SOURCE_ERROR). TryAgain: it failed on
        this one (HTTP_5XX, error_code -1).

        Raises:
            HubError: it did not answer, let nobody in, or asked for patience. Changes before it in
                the same call may be told again.
        """
        return [await self._one(event) for event in events]

    async def close(self) -> None:
        """Give back the sockets."""
        await self._session.close()

    async def _one(self, event: Outgoing) -> HubError | None:
        told = rendering.from_bytes(event.body)
        if told.fault is not None:
            reason, field = told.fault
            return Refused(reason, field, system=self._id)
        try:
            return await self._record(told) or await self._progress(told.progress)
        except TryAgain as error:
            if error.reason in _OF_ONE and not isinstance(error, Unreachable):
                return error
            raise

    async def _record(self, told: Told) -> HubError | None:
        meaning, code = await self._write(told.record, is_new=told.is_new)
        other = Meaning.EXISTS if told.is_new else Meaning.ABSENT
        if meaning is other:
            meaning, code = await self._write(told.record, is_new=not told.is_new)
        return self._failure(meaning, code)

    async def _write(self, record: dict[str, Any], *, is_new: bool) -> tuple[Meaning, str]:
        updating = "False" if is_new else "True"
        return await self._session.call("DongBoHoSoMC", {"isUpdating": updating, "data": [record]})

    async def _progress(self, rows: Sequence[dict[str, str]]) -> HubError | None:
        for start in range(0, len(rows), _CHUNK):
            meaning, code = await self._session.call(
                "CapNhatTienDoHoSoMC", {"data": list(rows[start : start + _CHUNK])}
            )
            failure = self._failure(meaning, code)
            if failure is not None:
                return failure
        return None

    def _failure(self, meaning: Meaning, code: str) -> HubError | None:
        match meaning:
            case Meaning.DONE:
                return None
            case Meaning.TROUBLE:
                return TryAgain(Reason.SOURCE_ERROR, f"error_code {code}", system=self._id)
            case _:
                return Refused(Reason.SOURCE_ERROR, f"error_code {code}", system=self._id)


def connect(settings: Settings, wire: Wire) -> Receiver:
    """A receiver of one account; nothing is called yet."""
    timeout_s = float(settings.options.get("timeout_s", "10"))
    http = wire.http(system=settings.id, timeout_s=timeout_s)
    return Receiver(settings, Session(settings, http, account_of(wire, settings)))
