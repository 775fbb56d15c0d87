"""/console/deliveries: how receivers fare, what was given up, trying and telling again."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Form, Query
from fastapi.responses import Response

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from gateway.console.desk import Desk
from gateway.console.door import needs, staff_router
from gateway.console.dossiers import PAGE, Text
from gateway.console.why import typed
from store import delivery_views, replays
from store.staff_rights import Right
from sync import deliver_acts

router = staff_router()
PATH = "/console/deliveries"
_KINDS = ("dead", "parked", "")
_NEWEST_REPLAYS = 20


@router.get(PATH)
def show(
    desk: Annotated[Desk, needs(Right.WATCH)],
    only: Text = "dead",
    receiver: Text = "",
    after: Annotated[int, Query(ge=0, lt=2**62)] = 0,
) -> Response:
    """Receivers, and the deliveries of one kind."""
    only = only if only in _KINDS else "dead"
    with desk.context.store.read() as tx:
        fares = delivery_views.list_fares(tx)
        names = [fare.receiver for fare in fares]
        # One receiver at a time: its deliveries are read along their seq.
        chosen = receiver if receiver in names else names[0] if names else None
        rows = (
            delivery_views.list_deliveries(
                tx, only=only, receiver_id=chosen, limit=PAGE + 1, after=(chosen, after)
            )
            if chosen is not None
            else []
        )
        told_again = replays.list_replays(tx)[-_NEWEST_REPLAYS:]
    return desk.page(
        "deliveries.html",
        fares=fares,
        rows=rows[:PAGE],
        only=only,
        kinds=_KINDS,
        receiver=chosen or "",
        replays=told_again[::-1],
        more=rows[PAGE - 1].seq if len(rows) > PAGE else None,
        is_first=after == 0,
    )


@router.post(f"{PATH}/retry")
def retry(
    desk: Annotated[Desk, needs(Right.REPAIR)],
    why: Annotated[str, Form()] = "",
    receiver: Annotated[str, Form()] = "",
    delivery: Annotated[list[int] | None, Form()] = None,
) -> Response:
    """Have these tried anew, or all dead ones of a receiver."""
    reason = typed(desk, why)
    count = deliver_acts.try_again(
        desk.context, delivery or [], receiver or None, desk.member.name, reason
    )
    return desk.back(PATH, "deliveries.retried", count=count)


@router.post(f"{PATH}/drop")
def drop(
    desk: Annotated[Desk, needs(Right.REPAIR)],
    delivery: Annotated[int, Form()],
    why: Annotated[str, Form()] = "",
) -> Response:
    """Take one out for good; what stood behind it goes on."""
    name = deliver_acts.drop(desk.context, delivery, desk.member.name, typed(desk, why))
    return desk.back(PATH, "deliveries.dropped", name=name)


@router.post(f"{PATH}/tell-again")
def tell_again(
    desk: Annotated[Desk, needs(Right.REPAIR)],
    receiver: Annotated[str, Form()],
    why: Annotated[str, Form()] = "",
    first: Annotated[str, Form()] = "",
    last: Annotated[str, Form()] = "",
    dossier: Annotated[str, Form()] = "",
) -> Response:
    """Tell a receiver changes once more: a stretch of them, or those of one dossier."""
    stretch = (_seq(desk, first), _seq(desk, last))
    if stretch == (None, None) and not dossier.strip():
        raise RequestRefused(Reason.FIELD_MISSING, 422, detail=desk.say("deliveries.which"))
    number = deliver_acts.tell_again(
        desk.context, receiver, stretch, dossier.strip() or None, desk.member.name, typed(desk, why)
    )
    return desk.back(PATH, "deliveries.told_again", number=number)


def _seq(desk: Desk, told: str) -> int | None:
    told = told.strip()
    if not told:
        return None
    if not (told.isascii() and told.isdecimal() and len(told) < 19):
        raise RequestRefused(Reason.FIELD_TYPE, 422, detail=desk.say("deliveries.which"))
    return int(told)


def _setting(state: str) -> Callable[..., Response]:
    def change(desk: Annotated[Desk, needs(Right.REPAIR)], replay_id: int) -> Response:
        deliver_acts.set_replay(desk.context, replay_id, state)
        return desk.back(PATH, f"deliveries.{state}", number=replay_id)

    return change


router.post(f"{PATH}/replays/{{replay_id}}/pause")(_setting("paused"))
router.post(f"{PATH}/replays/{{replay_id}}/resume")(_setting("running"))
