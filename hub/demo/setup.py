"""The hub as the demo needs it: catalogue, connections to the simulated departments, clients."""

from collections.abc import Sequence
from functools import partial

from canonical import clock
from hub.commands import clients, connections
from hub.commands.catalogue_csv import merged_into
from hub.demo.durations import CATALOGUE
from hub.demo.serving import Department
from store import catalogue
from store.clients import Credentials
from sync.context import Context

TRIAL = "thu-nghiem"  # a connection in the hub's own format, for trying a push by hand
CITIES = ("dong-ha", "vinh-linh")


class Accounts:
    """The clients that were made, with their secrets."""

    def __init__(self, doors: dict[str, Credentials], reader: Credentials) -> None:
        self.doors = doors
        self.reader = reader


def load_catalogue(context: Context) -> tuple[int, int]:
    """Put the demo's catalogue in; how many agencies and procedures it has now."""
    text = CATALOGUE.read_text("utf-8")
    at = clock.to_iso(context.now())
    books = context.store.in_write(
        lambda tx: catalogue.change_catalogue(tx, partial(merged_into, text=text), "hub demo", at)
    )
    return len(books.data.agencies), len(books.data.procedures)


def connect(context: Context, departments: Sequence[Department]) -> None:
    """One connection per simulated department, and one for trying a push by hand."""
    for one in departments:
        connections.make(
            context,
            one.connection,
            one.system,
            endpoint=one.endpoint,
            settings=[f"{name}={value}" for name, value in one.options.items()],
            tables=[],
        )
    connections.make(context, TRIAL, "canonical", settings=[], tables=[])


def add_clients(context: Context) -> Accounts:
    """A client for the door of each city's app, and one for whoever tries the demo."""
    doors = {city: clients.make(context, f"app-{city}", ["push"], [city], []) for city in CITIES}
    scopes = ["push", "read", "indicators"]
    return Accounts(doors, clients.make(context, "nguoi-xem-thu", scopes, [TRIAL], []))
