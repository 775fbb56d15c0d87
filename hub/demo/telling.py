"""Who is told of changes: receivers added, waited for, and held against their own books."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from canonical.states import Status
from hub.demo.asking import Portal
from hub.demo.figures import PROVINCE
from hub.demo.serving import Department
from hub.demo.setup import Commands
from hub.demo.waiting import until
from store import alarms, delivery_views
from store.delivery_views import DeliveryView, Fare
from sync import deliver_acts
from sync.context import Context

PORTAL, NATIONAL, GOVERNMENT = "cong-tinh", "cong-quoc-gia", "cong-chinh-phu"
SYSTEMS = {
    PORTAL: "public_portal",
    NATIONAL: "national_portal",
    GOVERNMENT: "government_portal",
}
_NUMBER = {status.value: str(number) for number, status in enumerate(Status, 1)}


class Told(Struct, frozen=True):
    """How a receiver of changes fared, by the hub's tables and by its own book.

    Attributes:
        fare: As the hub says.
        out_of_order: Events of a dossier that came in the wrong order, or left it in a state that
            is not the hub's.
        twice: What it was told more than once.
        missing: Changes, or dossiers, that it should have and does not.
    """

    fare: Fare
    out_of_order: int
    twice: int
    missing: int

    @property
    def is_right(self) -> bool:
        """Whether everything was told once and in order, and nothing is left."""
        fare = self.fare
        left = fare.backlog + fare.waiting + fare.parked + fare.dead + fare.dropped
        return not (left + self.out_of_order + self.twice + self.missing)


def add(context: Context, commands: Commands, places: Mapping[str, Department], since: str) -> None:
    """Add the receivers: they are told what changes from now on, and nothing older.

    Args:
        context: The hub's parts.
        commands: The command line's own work.
        places: Name -> the simulated receiver.
        since: First day of the months that are published, YYYY-MM-DD.
    """
    for name, one in places.items():
        settings = [f"{key}={value}" for key, value in one.options.items()]
        if name == GOVERNMENT:
            # Counted as soon as the month is over: the demo has no days to let it settle.
            settings += [f"agencies={PROVINCE}", "periods=month", f"since={since}"]
            settings.append("settle_days=0")
        commands.add_receiver(context, name, one.system, endpoint=one.endpoint, settings=settings)


class Books(Struct, frozen=True):
    """What the receivers of changes themselves say that they were told.

    Attributes:
        events: Of the public portal, in the order it took them.
        dossiers: Of the national portal, by MaHoSo.
    """

    events: Sequence[Mapping[str, Any]]
    dossiers: Mapping[str, Mapping[str, Any]]


class Refusal(Struct, frozen=True):
    """One event that the public portal did not want, and was told again later.

    Attributes:
        dead: The delivery when it was given up.
        alarmed: Whether there was an alarm, and is none any more.
        left: Given up now: 0.
    """

    dead: DeliveryView
    alarmed: bool
    left: int

    @property
    def is_right(self) -> bool:
        """Whether a person was called, and what he did was all that was needed."""
        return self.alarmed and not self.left


async def refused_once(context: Context, portal: Portal, place: Department) -> Refusal:
    """Wait for the event that the portal refuses; have the portal mended, and tell it again.

    Raises:
        HubError: it was not given up, or not taken afterwards.
    """
    [dead] = await until(lambda: _dead(context) or None, "a refused event to be given up")
    alarmed = _alarms(context)
    await portal.replace_data(place.base, {"refuse": []})
    deliver_acts.try_again(context, [], PORTAL, "hub demo", "the portal takes them now")
    await until(lambda: not _on_way(context, dead) or None, "the refused event to be taken")
    return Refusal(dead, alarmed and not _alarms(context), len(_dead(context)))


def _dead(context: Context) -> list[DeliveryView]:
    with context.store.read() as tx:
        return delivery_views.list_deliveries(tx, only="dead", receiver_id=PORTAL)


def _on_way(context: Context, sought: DeliveryView) -> bool:
    with context.store.read() as tx:
        return delivery_views.load_delivery(tx, sought.id) is not None


def _alarms(context: Context) -> bool:
    with context.store.read() as tx:
        return any(one.kind == "dead_delivery" for one in alarms.list_alarms(tx))


async def told_all(
    context: Context, portal: Portal, places: Mapping[str, Department], after: int
) -> tuple[list[Told], Books]:
    """Wait until everyone has everything; how each fared, and what their own books say.

    Args:
        context: The hub's parts.
        portal: Who reads the hub.
        places: Name -> the simulated receiver.
        after: The newest change when the receivers were added.

    Raises:
        HubError: somebody was not told all.
    """
    fares = await until(lambda: _settled(context), "the receivers to be told")
    changes = await portal.changes(after)
    book = await portal.ledger(places[PORTAL].base)
    held = (await portal.ledger(places[NATIONAL].base))["dossiers"]
    told = [
        _public(fares[PORTAL], book, changes),
        await _national(fares[NATIONAL], held, portal, changes),
    ]
    return told, Books(book["taken"], held)


def _settled(context: Context) -> dict[str, Fare] | None:
    """Every receiver's fare, once nothing is left for any."""
    with context.store.read() as tx:
        fares = {fare.receiver: fare for fare in delivery_views.list_fares(tx)}
    has_more = any(fare.backlog or fare.waiting for fare in fares.values())
    return None if has_more else fares


def _public(fare: Fare, book: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]) -> Told:
    taken = [event["seq"] for event in book["taken"]]
    wanted = {change["seq"] for change in changes}
    twice = book["again"] + len(book["differing"]) + len(taken) - len(set(taken))
    return Told(fare, len(book["violations"]), twice, len(wanted - set(taken)))


async def _national(
    fare: Fare,
    held: Mapping[str, Any],
    portal: Portal,
    changes: Sequence[Mapping[str, Any]],
) -> Told:
    """It keeps dossiers and not events: each once, and as the hub shows it now."""
    living = {change.get("into") or change["dossier"] for change in changes}
    shown = [await portal.dossier_of(dossier) for dossier in sorted(living)]
    wanted = {one["national_code"]: one for one in shown if one["national_code"]}
    known = {code: held[code] for code in wanted if code in held}
    is_behind = [
        code
        for code, one in known.items()
        if one["states"][-1:] != [_NUMBER.get(wanted[code]["status"])]
    ]
    twice = sum(one["created"] - 1 for one in known.values())
    return Told(fare, len(is_behind), twice, len(wanted) - len(known))
