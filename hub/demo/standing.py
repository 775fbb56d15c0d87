"""How every connection stands with its schedule: asked when, next when, and its breaker."""

from datetime import datetime

from msgspec import Struct

from store import connections, plans
from store.plans import RunRow
from sync import wishes
from sync.context import Context


class Standing(Struct, frozen=True):
    """One connection.

    Attributes:
        schedule: Cron text; None where the hub does not ask it.
        run: Its newest run; None where there was none.
        next_at: When it will be asked next.
        breaker: closed | open | half_open.
    """

    connection: str
    schedule: str | None
    run: RunRow | None
    next_at: datetime | None
    breaker: str


def standings(context: Context) -> list[Standing]:
    """All of them, those that are asked first."""
    with context.store.read() as tx:
        found = wishes.standings(context, tx)
        shown = [
            Standing(
                connection=row.id,
                schedule=found[row.id].schedule,
                run=plans.newest_run(tx, row.id),
                next_at=found[row.id].next_at,
                breaker=found[row.id].breaker,
            )
            for row in connections.list_connections(tx)
        ]
    return sorted(shown, key=lambda one: (one.schedule is None, one.connection))
