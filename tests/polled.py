"""A polled department whose pages a test writes itself; reader and mapping are the real ones."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from canonical.ports import Ask, Page, System
from sync.run import Summary, Window, sync_connection
from tests.trial import Trial

BEGUN = 1_772_416_800_000  # 2026-03-02 09:00 at +07:00, as that app writes moments


def row(number: int, **over: Any) -> dict[str, Any]:
    """A dossier in the words of Sở Nội vụ's one-stop app."""
    return {
        "referenceUid": f"uid-{number}",
        "dossierNo": f"H50.06-260302-{number:04d}",
        "serviceCode": "SNV.HOI.TL",
        "govAgencyCode": "SNV",
        "online": False,
        "viaPostal": 0,
        "serviceLevel": 2,
        "applicantName": "Nguyễn Văn Mẫu",
        "receiveDate": BEGUN,
        "dueDate": BEGUN + 8 * 86_400_000,
        "modifiedDate": BEGUN,
        "dossierStatus": "processing",
        **over,
    }


class Source:
    """Stands in for a department's client: hands out the pages it was given.

    Attributes:
        asked: What every run wanted.
    """

    def __init__(self, hub: Trial, shape: str) -> None:
        self._hub = hub
        self._shape = shape
        self.bodies: list[bytes] = []
        self.asked: list[Ask] = []
        self.total: int | None = None

    async def pages(self, ask: Ask) -> AsyncIterator[Page]:
        self.asked.append(ask)
        for place, raw in enumerate(self.bodies):
            is_last = place == len(self.bodies) - 1
            yield Page(
                raw=raw,
                shape=self._shape,
                observed_at=self._hub.clock(),
                cursor=None if is_last else f"page-{place + 1}",
                total=self.total,
            )

    async def acknowledge(self, page: Page) -> None:
        return None

    async def close(self) -> None:
        return None


class Poll:
    """One connection of a system whose client is `source`."""

    def __init__(self, hub: Trial, name: str, system: System, shape: str, **more: Any) -> None:
        self.hub = hub
        self.name = name
        self.source = Source(hub, shape)
        known: Mapping[str, System] = hub.context.systems
        replaced = msgspec.structs.replace(system, connect=lambda _: self.source)
        hub.context.systems = {**dict(known), system.manifest.id: replaced}
        hub.connect(name, system=system.manifest.id, **more)

    async def run(
        self, *bodies: bytes, total: int | None = None, window: Window | None = None
    ) -> Summary:
        """One run over these pages."""
        self.source.bodies = list(bodies)
        self.source.total = total
        return await sync_connection(self.hub.context, self.name, window)


def quarantined(hub: Trial) -> list[tuple[str | None, str, str | None]]:
    """(code, reason, field) of all that is in the quarantine, first seen first."""
    from store import quarantine

    with hub.store.read() as tx:
        rows: Sequence[Any] = quarantine.list_quarantine(tx)
    return [(row.code, row.reason, row.field) for row in rows]
