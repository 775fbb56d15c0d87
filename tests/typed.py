"""`hub …` as a person types it, in this process, over a hub that the test fills."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hub import logs, main, wiring
from hub.settings import Settings
from tests.trial import Trial

KEY = "typed-" + "k" * 40


@dataclass
class Printed:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Typed:
    """A filled hub, and its commands."""

    def __init__(
        self,
        hub: Trial,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.hub = hub
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str) -> Printed:
        self._monkeypatch.setattr("sys.argv", ["hub", *words])
        with pytest.raises(SystemExit) as stop:
            main.main()
        told = self._capsys.readouterr()
        return Printed(int(stop.value.code or 0), told.out, told.err)


@contextmanager
def typed(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: Sequence[tuple[str, str]] = (),
) -> Iterator[Typed]:
    """Commands over a store of their own; `hub` reaches the same one."""
    for name, value in (("HUB_DATA_DIR", str(folder)), ("HUB_SECRET_KEY", KEY), *settings):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(logs, "install", lambda _: None)  # it would replace the test run's own
    context = wiring.open_hub(Settings(data_dir=folder, secret_key=KEY))
    try:
        yield Typed(Trial(context), monkeypatch, capsys)
    finally:
        context.store.dispose()
