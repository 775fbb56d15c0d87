"""One department as the contract suite meets it: its simulator on a real socket, its own client."""

import importlib
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters import registry
from adapters.simulation import Simulation
from adapters.wire import Wire
from canonical.errors import HubError
from canonical.ports import Ask, Page, Settings, System
from canonical.record import Record, Rejected
from tests.contract import reading

ADAPTERS = Path(registry.__file__).parent


def folders() -> list[Path]:
    """Every adapter folder, the template to copy among them: found, not listed."""
    return sorted(path.parent for path in ADAPTERS.glob("*/manifest.toml"))


@dataclass
class Stage:
    """The one served app of the suite: whatever simulation stands on it answers.

    Attributes:
        base: Its address.
    """

    base: str = ""
    simulation: Simulation | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.simulation is not None
        await self.simulation(scope, receive, send)


@dataclass
class Run:
    """What one run of a client brought."""

    pages: list[Page] = field(default_factory=list)
    found: list[Record | Rejected] = field(default_factory=list)
    drift: set[str] = field(default_factory=set)
    error: HubError | None = None

    @property
    def statements(self) -> set[tuple[Any, ...]]:
        """Each thing said, once: a repeated row says nothing new."""
        return {
            (r.code, r.part, r.facet, r.version, r.updated_at, r.digest)
            for r in self.found
            if isinstance(r, Record)
        }

    @property
    def refused(self) -> set[tuple[Any, ...]]:
        return {(r.code, r.reason, r.field) for r in self.found if isinstance(r, Rejected)}


class Department:
    """A folder in one of its modes, with a fresh simulator for every run that asks for one."""

    def __init__(self, folder: Path, mode: str, stage: Stage) -> None:
        self.folder = folder
        self.mode = mode
        self.system: System = self.load(Wire())
        self.mapping = reading.mapping_of(self.system)
        self._stage = stage

    def load(self, wire: Wire) -> System:
        """The system, as its clients call through that wire."""
        return registry.load_folder(self.folder, wire)

    def open(self, mood: str = "well") -> Simulation:
        """A fresh simulator in that mood, on the stage."""
        module = importlib.import_module(f"adapters.{self.folder.name}.simulator")
        simulation: Simulation = module.build(None, {"mode": self.mode} if self.mode else None)
        simulation.mood = mood
        self._stage.simulation = simulation
        return simulation

    async def run(
        self,
        simulation: Simulation,
        *,
        deadline_s: float = 60.0,
        cursor: str | None = None,
        open_codes: tuple[str, ...] = (),
        options: dict[str, str] | None = None,
        secrets: dict[str, str] | None = None,
        acknowledges: bool = True,
        max_pages: int = 10_000,
        after_page: Callable[[], None] = lambda: None,
    ) -> Run:
        """One run for everything, page by page, each acknowledged where the source asks for it."""
        settings = Settings(
            id=f"{self.folder.name}-trial",
            endpoint=self._endpoint(simulation),
            options={
                **({"mode": self.mode} if self.mode else {}),
                **simulation.options,
                **(options or {}),
            },
            secrets={**simulation.secrets, **(secrets or {})},
        )
        ask = Ask(since=None, until=None, cursor=cursor, open_codes=open_codes, now=reading.NOW)
        run = Run()
        wire = Wire(longest_timeout_s=deadline_s)
        connect = self.load(wire).connect
        assert connect is not None
        client = connect(settings)
        try:
            async with aclosing(client.pages(ask)) as pages:
                async for page in pages:
                    self._take(run, page)
                    if page.token and acknowledges:
                        await client.acknowledge(page)
                    after_page()
                    if len(run.pages) >= max_pages:
                        break
        except HubError as error:
            run.error = error
        finally:
            await client.close()
            await wire.close()
        return run

    def _endpoint(self, simulation: Simulation) -> str:
        if self.system.manifest.protocol == "file":
            return simulation.endpoint
        return self._stage.base + simulation.endpoint

    def _take(self, run: Run, page: Page) -> None:
        found = reading.read(self.system, self.mapping, page.shape, page.raw)
        assert page.count == len(found), "Page.count is what reading its bytes gives"
        assert isinstance(page.observed_at, datetime)
        assert page.observed_at.tzinfo is not None
        run.pages.append(page)
        run.found.extend(found)
        run.drift |= reading.drift(self.system, self.mapping, page.shape, page.raw)
