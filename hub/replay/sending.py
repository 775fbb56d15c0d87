"""The pushes sent through the gateway's own door by several workers, in order or in chaos.

Chaos: every push twice, all shuffled, and the answers of a twentieth of the calls thrown away as if
the connection had broken after sending, so that the sender must push again.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from adapters.wire import Wire
from adapters.wire.http import Http
from canonical.decide import Disposition
from hub.replay.own_hub import OwnHub
from hub.replay.pushes import Push
from store.clients import Credentials

WORKERS = 8
RECORDS_PER_CALL = 4
MOST_PER_CALL = 12  # in chaos a call holds one to so many
LOST_SHARE = 20  # one answer in so many is thrown away
# A pending record is durable and still to be decided: whether it was is seen in the timeline.
_TAKEN = (Disposition.APPLIED, Disposition.SUPERSEDED, Disposition.PENDING)


class Call(Struct, frozen=True):
    """One POST: records of one connection, by their place among the pushes."""

    connection: str
    places: tuple[int, ...]
    is_answer_lost: bool = False


class Sent(Struct):
    """What the hub answered, thrown-away answers included: the sender did not see those.

    Attributes:
        records: Records sent in all, repeats included.
        taken: place of a push -> how often it was taken as new, neither duplicate nor refused.
        counts: Disposition -> records.
        reasons: Reason code -> records that were quarantined for it.
    """

    calls: int = 0
    records: int = 0
    answers_lost: int = 0
    taken: Counter[int] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


def plan(pushes: Sequence[Push], seed: int | None) -> list[Call]:
    """The calls to make: in event time, or in the chaos that the seed gives."""
    places = range(len(pushes))
    if seed is None:
        return _calls(pushes, places, lambda: RECORDS_PER_CALL)
    dice = random.Random(seed)  # noqa: S311 - dice, no secrets
    shuffled = [*places, *places]
    dice.shuffle(shuffled)
    calls = _calls(pushes, shuffled, lambda: dice.randint(1, MOST_PER_CALL))
    lost = set(dice.sample(range(len(calls)), k=-(-len(calls) // LOST_SHARE)))
    return [
        Call(call.connection, call.places, is_answer_lost=number in lost)
        for number, call in enumerate(calls)
    ]


def _calls(pushes: Sequence[Push], places: Iterable[int], size: Callable[[], int]) -> list[Call]:
    """The places in order, gathered per connection into calls of so many records."""
    filling: dict[str, list[int]] = {}
    room: dict[str, int] = {}
    calls = []
    for place in places:
        connection = pushes[place].connection
        batch = filling.setdefault(connection, [])
        if not batch:
            room[connection] = size()
        batch.append(place)
        if len(batch) == room[connection]:
            calls.append(Call(connection, tuple(filling.pop(connection))))
    return calls + [Call(connection, tuple(batch)) for connection, batch in filling.items()]


async def send(
    hub: OwnHub,
    wire: Wire,
    pushes: Sequence[Push],
    calls: Sequence[Call],
    progress: Callable[[int, int], None] | None = None,
) -> Sent:
    """Make the calls with a few workers at once; a call whose answer was lost is made again.

    Args:
        hub: Where to.
        wire: By which.
        pushes: What the calls' places mean.
        calls: From `plan`.
        progress: Told (calls done, calls in all) after each.

    Raises:
        HubError: the hub did not answer, or refused a call whole.
    """
    sent = Sent()
    waiting = deque(calls)
    total = len(calls) + sum(call.is_answer_lost for call in calls)
    http = wire.http("replay", timeout_s=120)
    tokens = {name: await token(http, hub, who) for name, who in hub.pushers.items()}

    async def work() -> None:
        while waiting:
            call = waiting.popleft()
            records = [pushes[place].record for place in call.places]
            answer = await http.call(
                "POST",
                f"{hub.address}/api/v1/dossiers",
                headers={"authorization": f"Bearer {tokens[call.connection]}"},
                content=msgspec.json.encode(records),
                content_type="application/json",
                expect=("application/json",),
            )
            _note(sent, call, msgspec.json.decode(answer.body))
            if call.is_answer_lost:
                waiting.append(Call(call.connection, call.places))
            if progress is not None:
                progress(sent.calls, total)

    await by_workers(work)
    return sent


async def by_workers(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Several of a worker at once; the first failure stops all and is raised as it is.

    A task group would wrap it, and the command line knows a HubError only by its own class.
    """
    tasks = [asyncio.create_task(work()) for _ in range(WORKERS)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _note(sent: Sent, call: Call, answer: dict[str, Any]) -> None:
    sent.calls += 1
    sent.records += len(call.places)
    sent.answers_lost += call.is_answer_lost
    for place, told in zip(call.places, answer["records"], strict=True):
        sent.counts[told["disposition"]] += 1
        if told["disposition"] in _TAKEN:
            sent.taken[place] += 1
        if told["reason"] is not None:
            sent.reasons[told["reason"]] += 1


async def token(http: Http, hub: OwnHub, who: Credentials) -> str:
    """An access token, good for an hour."""
    answer = await http.call(
        "POST",
        f"{hub.address}/oauth/token",
        form={
            "grant_type": "client_credentials",
            "client_id": who.client_id,
            "client_secret": who.client_secret,
        },
    )
    return str(msgspec.json.decode(answer.body)["access_token"])
