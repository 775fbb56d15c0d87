"""A context for the time of one command."""

import contextlib
from collections.abc import Iterator

from hub.settings import load_settings
from sync.context import Context


@contextlib.contextmanager
def opened() -> Iterator[Context]:
    """The hub's parts; the store is closed at the end."""
    from hub import garbage, logs, wiring

    settings = load_settings()
    logs.install("WARNING")
    context = wiring.open_hub(settings)
    garbage.settle()
    try:
        yield context
    finally:
        context.store.dispose()
