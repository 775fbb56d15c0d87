"""Bodies that stand at the doors at the same time: looked up, read and taken in together.

Who sends, for which connection, and whether the answer was given before is asked once for all of
them. Each ends for itself, with an outcome or with the reason why it was refused.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy.engine import Connection as Tx

from canonical.errors import RequestRefused
from canonical.reasons import Reason
from store import clients, connections, intake
from store.clients import KeptAnswer, Keyed, Principal
from store.connections import ConnectionRow
from sync.context import Context
from sync.intake import Answering, Body, OtherWasFirst, read_by, take_in_together
from sync.taken import Outcome, Taken


class Push(Struct, frozen=True):
    """One body at a door, of which nothing was looked up yet.

    Attributes:
        client_id: Who sends it, named by a signed token or by `secret`.
        secret: Of HTTP Basic, to be checked; None where a token was.
        asked: The connection it is for; None where the client has but one.
        system: The only system that may be; None for any.
        shape: By what name the body is read, as its connection has it; "" where it has no door.
        key: Its Idempotency-Key.
        render: The answer to an outcome, kept under that key.
    """

    client_id: str
    secret: str | None
    asked: str | None
    system: str | None
    shape: Callable[[ConnectionRow, Tx], str]
    raw: bytes
    received_at: datetime
    key: str | None = None
    render: Callable[[Outcome], KeptAnswer] | None = None

    @property
    def keyed(self) -> Keyed | None:
        """Under what its answer is kept."""
        return (self.client_id, self.key) if self.key is not None else None


End = Outcome | KeptAnswer | Exception


def take_pushes(context: Context, pushes: Sequence[Push]) -> list[End]:
    """What became of each: an outcome, the answer that was given before, or why it was refused."""
    ends: list[End] = [OtherWasFirst(Reason.CONFLICT)] * len(pushes)
    waiting = list(range(len(pushes)))
    while waiting:
        now, later = _by_key(pushes, waiting)
        told = _take([pushes[i] for i in now], context)
        for place, end in zip(now, told, strict=True):
            ends[place] = end
        # Somebody else answered its key meanwhile, at another process: it is told that answer.
        late = [i for i in now if isinstance(ends[i], OtherWasFirst)]
        waiting = sorted(late + later)
    return ends


def _by_key(pushes: Sequence[Push], waiting: Sequence[int]) -> tuple[list[int], list[int]]:
    """Of several with one key the first goes now; the others are told its answer later."""
    seen: set[Keyed] = set()
    now: list[int] = []
    later: list[int] = []
    for place in waiting:
        keyed = pushes[place].keyed
        (later if keyed in seen else now).append(place)
        if keyed is not None:
            seen.add(keyed)
    return now, later


def _take(pushes: Sequence[Push], context: Context) -> list[End]:
    ends: list[End | None] = [None] * len(pushes)
    bodies: dict[int, Body] = {}
    try:
        with context.store.read() as tx:
            look = _Look(context, tx, pushes)
            for place, push in enumerate(pushes):
                try:
                    found = look.at(push)
                except Exception as error:  # noqa: BLE001 - told to its own caller
                    ends[place] = error
                    continue
                if isinstance(found, Body):
                    bodies[place] = found
                else:
                    ends[place] = found
    except Exception as error:  # noqa: BLE001 - told to every caller
        return [error] * len(pushes)
    taken = take_in_together(context, list(bodies.values())) if bodies else []
    for place, end in zip(bodies, taken, strict=True):
        ends[place] = end
    return [end for end in ends if end is not None]


class _Look:
    """What the store knows of the senders of some pushes."""

    def __init__(self, context: Context, tx: Tx, pushes: Sequence[Push]) -> None:
        self._context, self._tx = context, tx
        self._clients = clients.load_clients(tx, {p.client_id for p in pushes})
        self._known = {i: clients.granted(row) for i, row in self._clients.items()}
        keys = {p.keyed for p in pushes if p.keyed is not None}
        self._kept = clients.load_answers(tx, keys) if keys else {}
        meant = (self._asked(push) for push in pushes)
        self._connections = connections.load_connections(tx, {one for one in meant if one})

    def at(self, push: Push) -> Body | KeptAnswer:
        """The body, read; or the answer once given to its key.

        Raises:
            RequestRefused: 401 where the sender is nobody, 403 where it may not push for this
                connection, 422 where it must name one or its key was used for another body.
            Malformed, Garbled: the body is refused whole.
        """
        who = self._principal(push)
        if not who.may("push"):
            raise RequestRefused(Reason.FORBIDDEN, 403)
        row = self._connection(push, who)
        shape = push.shape(row, self._tx)
        if not shape:
            raise RequestRefused(Reason.NOT_FOUND, 404)
        answering = None
        if push.keyed is not None:
            digest = intake.digest_of(f"{row.id}\0{shape}\0".encode() + push.raw)
            kept = self._kept.get(push.keyed)
            if kept is not None and kept.body_digest != digest:
                raise RequestRefused(Reason.IDEMPOTENCY_MISMATCH, 422)
            if kept is not None:
                return kept
            answering = _answering(push, push.keyed, digest)
        taken = Taken(
            connection=row,
            shape=shape,
            raw=push.raw,
            received_at=push.received_at,
            client_id=who.id,
            agencies=who.agencies,
        )
        found = read_by(self._context, self._tx, taken, row.mapping_version)
        return Body(taken, found, row.mapping_version, None, answering)

    def _principal(self, push: Push) -> Principal:
        found = self._known.get(push.client_id)
        if push.secret is not None:
            row = self._clients.get(push.client_id)
            found = clients.let_in(row, push.secret, self._context.now())
        if found is None:
            raise RequestRefused(Reason.UNAUTHENTICATED, 401)
        return found

    def _asked(self, push: Push) -> str | None:
        """The connection a push is for; None where it has to name one."""
        if push.asked is not None:
            return push.asked
        who = self._known.get(push.client_id)
        return who.connections[0] if who is not None and len(who.connections) == 1 else None

    def _connection(self, push: Push, who: Principal) -> ConnectionRow:
        asked = self._asked(push)
        if asked is None:
            raise RequestRefused(Reason.FIELD_MISSING, 422, field="connection")
        row = self._connections.get(asked) if asked in who.connections else None
        if row is None or row.state != "enabled" or push.system not in (None, row.system):
            raise RequestRefused(Reason.FORBIDDEN, 403)
        return row


def _answering(push: Push, keyed: Keyed, digest: str) -> Answering | None:
    render = push.render
    if render is None:
        return None
    return Answering(keyed, lambda outcome: structs.replace(render(outcome), body_digest=digest))
