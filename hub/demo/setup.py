"""The hub as the demo needs it: catalogue, connections to the simulated departments, clients."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from canonical import clock
from canonical.catalogue import CatalogueData
from hub.demo.durations import CATALOGUE
from hub.demo.serving import Department
from store import catalogue
from store.clients import Credentials
from sync.context import Context

TRIAL = "thu-nghiem"  # a connection in the hub's own format, for trying a push by hand
COUNTER = "quay-gplx"  # the licence counter: a desk that speaks the hub's own format
LICENCE = "1.002835"  # cấp giấy phép lái xe
CITIES = ("dong-ha", "vinh-linh")


class Commands(Struct, frozen=True):
    """The command line's own work, which the demo does instead of a person.

    Handed in, because the commands know the demo and the demo must not know the commands.

    Attributes:
        merge_catalogue: `hub catalogue import`: the catalogue with a CSV's lines put in.
        add_connection: `hub connections add`.
        change_connection: `hub connections change`: context, id, endpoint, settings, tables.
        add_client: `hub clients add`: context, name, scopes, connections, agencies.
        add_receiver: `hub receivers add`.
        count_again: `hub publications recount`: context, receiver.
    """

    merge_catalogue: Callable[[CatalogueData, str], CatalogueData]
    add_connection: Callable[..., Any]
    change_connection: Callable[[Context, str, str | None, list[str], list[str]], Any]
    add_client: Callable[[Context, str, list[str], list[str], list[str]], Credentials]
    add_receiver: Callable[..., Any]
    count_again: Callable[[Context, str], None]


class Accounts(Struct, frozen=True):
    """The clients that were made, with their secrets.

    Attributes:
        doors: City, or the licence counter -> what its app calls the hub with.
    """

    doors: dict[str, Credentials]
    reader: Credentials


def load_catalogue(context: Context, commands: Commands) -> tuple[int, int]:
    """Put the demo's catalogue in; how many agencies and procedures it has now."""
    text = CATALOGUE.read_text("utf-8")
    at = clock.to_iso(context.now())
    books = context.store.in_write(
        lambda tx: catalogue.change_catalogue(
            tx, lambda data: commands.merge_catalogue(data, text), "hub demo", at
        )
    )
    return len(books.data.agencies), len(books.data.procedures)


def connect(context: Context, commands: Commands, departments: Sequence[Department]) -> None:
    """A connection per simulated department, the licence counter, and one to try a push with."""
    for one in departments:
        commands.add_connection(
            context,
            one.connection,
            one.system,
            endpoint=one.endpoint,
            settings=[f"{name}={value}" for name, value in one.options.items()],
            tables=[],
        )
    commands.add_connection(context, COUNTER, "canonical", role="desk", settings=[], tables=[])
    commands.add_connection(context, TRIAL, "canonical", settings=[], tables=[])


def add_clients(context: Context, commands: Commands) -> Accounts:
    """A client for each app that calls the hub, and one for whoever tries the demo."""
    add = commands.add_client
    doors = {city: add(context, f"app-{city}", ["push"], [city], []) for city in (*CITIES, COUNTER)}
    scopes = ["push", "read", "indicators"]
    return Accounts(doors, add(context, "nguoi-xem-thu", scopes, [TRIAL], []))
