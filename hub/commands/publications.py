"""`hub publications …`: the figures told, revision by revision, and who stands behind them."""

from typing import Annotated, Any

import typer
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import HubError
from canonical.indicators import BUCKETS
from canonical.reasons import Reason
from hub import output
from hub.commands.opened import opened
from store import alarms, indicators, publications, receivers
from store.publications import PublicationRow
from sync.context import Context
from sync.deliver_parking import alarm_key
from sync.indicators import Ask, question_of

app = typer.Typer(help="Số liệu đã công bố cho nơi nhận.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một tài liệu JSON.")]
Id = Annotated[int, typer.Argument(metavar="ID")]
_IN_SHORT = (
    *("id", "receiver", "agency", "from", "to", "revision", "state"),
    *("total", "resolved", "reason", "detail", "delivered_at"),
)
_FLAT = ("total", "resolved", "resolved_online", "carried_over")


@app.command("list")
def list_all(
    receiver: Annotated[str | None, typer.Option(help="Chỉ nơi nhận này.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Chỉ những lần đã thôi gửi.")] = False,
    as_json: AsJson = False,
) -> None:
    """Liệt kê các lần công bố / list publications."""
    with opened() as context:
        told = listed(context, receiver, is_dead=dead)
    if not as_json:
        told = [{name: one[name] for name in _IN_SHORT} for one in told]
    output.show(told, as_json=as_json, title="Công bố số liệu")


def listed(
    context: Context, receiver: str | None = None, *, is_dead: bool = False
) -> list[dict[str, Any]]:
    """Every revision, in the order in which they were made."""
    with context.store.read() as tx:
        rows = publications.list_all(tx, receiver)
    return [
        {**_shown(row), "total": row.figures["total"], "resolved": row.figures["resolved"]}
        for row in rows
        if not is_dead or row.state == "dead"
    ]


@app.command()
def show(publication_id: Id, as_json: AsJson = False) -> None:
    """Một lần công bố: số liệu, và khác gì lần trước / one publication and what it restates."""
    with opened() as context:
        told = shown(context, publication_id)
    output.show(told, as_json=as_json)


def shown(context: Context, publication_id: int) -> dict[str, Any]:
    """One revision with its figures and what differs from the one before.

    Raises:
        HubError: NOT_FOUND.
    """
    with context.store.read() as tx:
        row = _known(tx, publication_id)
        before = publications.load_before(tx, row)
    return {
        **_shown(row),
        "figures": {**_plain(row), "buckets": row.figures["buckets"]},
        "complete": row.figures["complete"],
        "why": row.why,
        "changed": _changed(before, row) if before is not None else [],
    }


@app.command()
def dossiers(
    publication_id: Id,
    bucket: Annotated[str, typer.Option(help=" | ".join(BUCKETS))],
    as_json: AsJson = False,
) -> None:
    """Hồ sơ nào đứng sau một con số, theo số liệu hiện có / the dossiers behind a figure."""
    with opened() as context:
        told = behind(context, publication_id, bucket)
    output.show(told, as_json=as_json)


def behind(context: Context, publication_id: int, bucket: str) -> dict[str, Any]:
    """Public ids of the dossiers that count in a bucket of a published period, as known now.

    `is_same` says whether they are as many as were published; where they are not, the next count
    restates the period.

    Raises:
        HubError: NOT_FOUND; FIELD_TYPE for a bucket that does not exist.
    """
    if bucket not in BUCKETS:
        raise HubError(Reason.FIELD_TYPE, f"--bucket: one of {', '.join(BUCKETS)}")
    with context.store.read() as tx:
        row = _known(tx, publication_id)
        ask = Ask(row.agency, row.period_from, row.period_to, as_of=row.as_of)
        question = question_of(tx, context.books(tx), ask, context.now(), context.scopes)
        found = indicators.list_bucket(tx, question, bucket)
    published = row.figures["buckets"][bucket]
    return {
        "publication": row.id,
        "bucket": bucket,
        "published": published,
        "now": len(found),
        "is_same": published == len(found),
        "dossiers": found,
    }


@app.command()
def retry(publication_id: Id, as_json: AsJson = False) -> None:
    """Gửi lại một lần công bố đã thôi gửi / send a dead publication again."""
    with opened() as context:
        told = send_again(context, publication_id)
    output.show(told, as_json=as_json)


def send_again(context: Context, publication_id: int) -> dict[str, Any]:
    """Have a dead publication sent again: the same bytes under the same id.

    Raises:
        HubError: NOT_FOUND; CONFLICT where it is not dead.
    """
    at = clock.to_iso(context.now())

    def work(tx: Tx) -> None:
        row = _known(tx, publication_id)
        if not publications.revive(tx, row.id, at):
            raise HubError(Reason.CONFLICT, f"publication {row.id} is {row.state}, not dead")
        if not publications.count_dead(tx, row.receiver_id):
            alarms.end_alarm(tx, "dead_delivery", alarm_key(row.receiver_id), at)

    context.store.in_write(work)
    return shown(context, publication_id)


@app.command()
def recount(receiver: Annotated[str, typer.Argument(metavar="RECEIVER")]) -> None:
    """Đếm lại mọi kỳ của một nơi nhận ngay / count all periods of a receiver again, now."""
    with opened() as context:
        count_again(context, receiver)


def count_again(context: Context, receiver: str) -> None:
    """Have the periods of a receiver counted at the next look, not only tomorrow.

    Raises:
        HubError: NOT_FOUND; CONFLICT for a receiver that is told no figures.
    """

    def work(tx: Tx) -> None:
        held = receivers.load_receiver(tx, receiver)
        if held is None:
            raise HubError(Reason.NOT_FOUND, f"no receiver {receiver!r}")
        if held.shards:
            raise HubError(Reason.CONFLICT, f"{receiver!r} is told changes, not figures")
        publications.forget_counted(tx, receiver)

    context.store.in_write(work)


def _known(tx: Tx, publication_id: int) -> PublicationRow:
    row = publications.load(tx, publication_id)
    if row is None:
        raise HubError(Reason.NOT_FOUND, f"no publication {publication_id}")
    return row


def _shown(row: PublicationRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "receiver": row.receiver_id,
        "agency": row.agency,
        "from": row.period_from.isoformat(),
        "to": row.period_to.isoformat(),
        "revision": row.revision,
        "state": row.state,
        "attempts": row.attempts,
        "due_at": row.due_at if row.state == "waiting" else None,
        "reason": row.reason,
        "detail": row.detail,
        "known_seq": row.known_seq,
        "event_id": row.event_id,
        "created_at": row.created_at,
        "delivered_at": row.delivered_at,
    }


def _plain(row: PublicationRow) -> dict[str, int]:
    return {name: row.figures[name] for name in _FLAT}


def _changed(before: PublicationRow, row: PublicationRow) -> list[dict[str, Any]]:
    old = {**_plain(before), **before.figures["buckets"]}
    new = {**_plain(row), **row.figures["buckets"]}
    return [
        {"figure": name, "before": old[name], "now": new[name]}
        for name in new
        if new[name] != old[name]
    ]
