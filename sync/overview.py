"""All links at a glance: which of them work, how old what they told is, what waits for a person."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from store import alarms, connections, links, plans, quarantine, suspects, verifications
from store.alarms import AlarmRow
from store.connections import ConnectionRow
from store.plans import RunRow
from store.quarantine import Chosen
from sync import wishes
from sync.context import Context
from sync.last_proof import Proved, stands
from sync.wishes import Standing

DAYS = 14


class Link(Struct, frozen=True):
    """How one connection stands.

    Attributes:
        title: Of its system; its own id where the system is not known.
        owner: Whom to ring; "" where nobody is known.
        health: good | off (not enabled) | stopped (breaker open, or a person is waited for)
            | failing (its last run failed) | silent (nothing came where something was due).
        heard_at: When it was last heard; None for never.
        lag_s: Seconds since then.
        quarantined: Records in the quarantine that nothing has settled.
        days: Records that said something new, per day of the last two weeks, oldest first.
    """

    row: ConnectionRow
    title: str
    owner: str
    standing: Standing
    newest: RunRow | None
    health: str
    heard_at: str | None
    lag_s: float | None
    suspect_since: str | None
    quarantined: int
    days: list[int]


class Overview(Struct, frozen=True):
    """What the first page shows.

    Attributes:
        days: The days that each link's `days` are of.
        proved: How it stands with the last `hub verify`.
    """

    links: Sequence[Link]
    alarms: Sequence[AlarmRow]
    days: list[date]
    proved: Proved

    def count(self, *health: str) -> int:
        """How many links stand so."""
        return sum(link.health in health for link in self.links)


def look(context: Context, tx: Tx) -> Overview:
    """Every link that is not retired, those that need somebody first."""
    now = context.now()
    today = clock.day_of(now)
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    standings = wishes.standings(context, tx)
    silent = suspects.list_suspect(tx)
    heard = links.heard_at(tx)
    refused = quarantine.count_chosen(tx, Chosen())
    found = []
    for row in connections.list_connections(tx):
        if row.state == "retired":
            continue
        counts = suspects.day_counts(tx, row.id, days[0])
        newest, standing = plans.newest_run(tx, row.id), standings[row.id]
        title, owner = who(context, row)
        heard_at = heard.get(row.id)
        found.append(
            Link(
                row=row,
                title=title,
                owner=owner,
                standing=standing,
                newest=newest,
                health=_health(row, standing, newest, is_silent=row.id in silent),
                heard_at=heard_at,
                lag_s=_lag(heard_at, now),
                suspect_since=silent.get(row.id),
                quarantined=refused.get(row.id, 0),
                days=[counts.get(day, 0) for day in days],
            )
        )
    order = ("stopped", "failing", "silent", "good", "off")
    found.sort(key=lambda link: (order.index(link.health), link.row.id))
    proved = stands(verifications.newest(tx), now)
    return Overview(found, alarms.list_alarms(tx), days, proved)


def who(context: Context, row: ConnectionRow) -> tuple[str, str]:
    """(title, whom to ring) of a connection's system; its id where nobody knows it any more."""
    try:
        manifest = context.system_of(row).manifest
    except (HubError, KeyError):
        return row.id, ""
    return manifest.title, manifest.owner


def _health(
    row: ConnectionRow, standing: Standing, newest: RunRow | None, *, is_silent: bool
) -> str:
    if row.state != "enabled":
        return "off"
    if standing.waits_for is not None or standing.breaker == "open":
        return "stopped"
    if standing.failures or (newest is not None and newest.state == "failed"):
        return "failing"
    return "silent" if is_silent else "good"


def _lag(heard_at: str | None, now: datetime) -> float | None:
    return (now - clock.from_iso(heard_at)).total_seconds() if heard_at is not None else None
