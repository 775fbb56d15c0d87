"""The steps of a filing: sent, looked up, its papers handed in. Each ends in one commit.

What leaves is committed as `sending` first. Whoever finds it so later knows only that it may have
left: it is looked up, never sent again blindly. It is sent again where the department's own list
said twice, the second time `settle_s` or more after it left, that it has no such dossier: by then a
request that was still under way has ended on either side.
"""

import logging
from typing import Any

from msgspec import structs

from canonical import clock
from canonical.errors import Garbled, HubError, Refused, TryAgain
from canonical.filing import (
    DeskLeg,
    PaperPlan,
    desk_leg,
    desk_legs,
    form_of,
    has_digest,
    plan_papers,
    procedures_of,
)
from canonical.ports import Paper
from canonical.reading import json
from canonical.reasons import Reason
from canonical.text import Malformed
from store import filing_cursors, filings
from store.connections import CLOCK_TRUST
from store.filing_cursors import Case
from store.filings import FilingRow
from sync.filing_work import Reporter, Work, note_filed, papers_told
from sync.retry import AskAPerson, LookUpReceipt, RetryIn
from sync.threads import to_the_end

logger = logging.getLogger(__name__)


async def step(work: Work, row: FilingRow) -> None:
    """Do what is due of a filing."""
    match row.state:
        case "due":
            await send(work, row)
        case "unknown":
            await look_up(work, row)
        case "filed":
            await hand_in(work, row)
        case _:
            await work.change(row, due_at=None)


async def send(work: Work, row: FilingRow) -> None:
    """File a dossier, as it is now."""
    case, why_not = await to_the_end(_look_again, work, row)
    if case is None:
        await work.change(row, state="cancelled", due_at=None, detail=why_not)
        return
    rendered = await _rendered(work, row, case)
    if rendered is None:
        return
    plans = plan_papers(case.body, work.files.form, row.plans)
    sending = await work.change(
        row,
        state="sending",
        dossier_id=case.id,
        body=work.context.vault.seal(rendered),
        attempts=row.attempts + 1,
        looked_up=0,
        sent_at=work.iso(),
        due_at=None,
        reason=None,
        detail=None,
        **papers_told(plans),
    )
    await work.lease.sure()  # a process that was stopped for long sends nothing any more
    try:
        filed = await work.files.submit(rendered)
    except HubError as error:
        await _not_filed(work, sending, error)
    else:
        await to_the_end(note_filed, _reporter(work), sending, filed, plans)
        await work.reached()


def _look_again(work: Work, row: FilingRow) -> tuple[Case | None, str | None]:
    """The dossier as it is now, or why it is not to be filed any more."""
    desk = DeskLeg(row.namespace, row.code, row.generation)
    with work.context.store.read() as tx:
        case = filing_cursors.load_case_of(tx, desk)
        if case is None:
            return None, "its desk's leg is gone"
        others = filings.list_of_legs(tx, work.connection.id, desk_legs(case.body))
    wanted = desk_leg(case.body, work.connection.namespace, procedures_of(work.connection.options))
    if wanted is None:
        return None, "it is not to be filed any more: ended, withdrawn, or with the department"
    if any(one.id != row.id and one.state != "cancelled" for one in others):
        return None, "the dossier was joined to one that is filed"
    return case, None


async def _rendered(work: Work, row: FilingRow, case: Case) -> bytes | None:
    """What is to be sent; None where it cannot be said, which is then in the store."""
    try:
        form = await _form(work, case.body)
        return work.files.render(row.number, {**case.body, "form": form})
    except TryAgain as error:
        await _later(work, row, error)
    except HubError as error:
        await _refused(work, row, error, sent_at=None)
    except Exception as error:  # its neighbours must go on, whatever this one holds
        logger.exception(
            "A filing cannot be made",
            extra={"event": "filing.poison", "connection": row.connection_id, "filing": row.id},
        )
        poison = HubError(Reason.CRASH_POISON, type(error).__name__)
        await _refused(work, row, poison, sent_at=None)
    return None


async def _form(work: Work, body: dict[str, Any]) -> dict[str, Any]:
    """What the dossier's application form says; {} where it has none."""
    told = form_of(body, work.files.form)
    if told is None:
        return {}
    raw = await _fetched(work, told.get("url"), told.get("digest"))
    try:
        form = json.decode(raw)
    except Malformed as error:
        raise Garbled(Reason.BODY_MALFORMED, "the application form") from error
    if not isinstance(form, dict):
        raise Garbled(Reason.BODY_MALFORMED, "the application form")
    return form


async def _fetched(work: Work, url: str | None, digest: str | None) -> bytes:
    """An attachment, as the desk said it is."""
    if not url:
        raise Refused(Reason.FIELD_MISSING, "the desk gave no address of it")
    raw = await work.files.fetch(url)
    if not has_digest(raw, digest):
        raise Garbled(Reason.BODY_MALFORMED, "it is not what the desk told the digest of")
    return raw


async def _later(work: Work, row: FilingRow, error: HubError) -> None:
    """Come back to a filing; nothing of it changes."""
    await work.change(
        row,
        due_at=work.iso(work.pause_s(row.looked_up + 1)),
        looked_up=row.looked_up + 1,
        reason=error.reason,
        detail=error.detail,
    )


async def _refused(work: Work, row: FilingRow, error: HubError, sent_at: str | None) -> None:
    await work.change(
        row,
        state="refused",
        sent_at=sent_at,
        due_at=None,
        reason=error.reason,
        detail=error.detail,
    )
    logger.warning(
        "A dossier cannot be filed",
        extra={
            "event": "filing.refused",
            "connection": row.connection_id,
            "filing": row.id,
            "reason": error.reason,
            "detail": error.detail,
        },
    )


async def _not_filed(work: Work, row: FilingRow, error: HubError) -> None:
    """What becomes of a filing that was sent and not confirmed."""
    decision = work.decision(error, work.failures + 1)
    told = {"reason": error.reason, "detail": error.detail}
    if isinstance(decision, RetryIn | AskAPerson):  # nothing left, or nothing was let in
        wait_s = work.wait_s(decision)
        await work.change(row, state="due", sent_at=None, due_at=work.iso(wait_s), **told)
        await work.leave_alone(error, wait_s)
    elif isinstance(decision, LookUpReceipt) or not isinstance(error, Refused):
        await work.change(row, state="unknown", due_at=work.iso(work.pause_s(1)), **told)
        logger.warning(
            "A filing left and no receipt came",
            extra={
                "event": "filing.unknown",
                "connection": row.connection_id,
                "filing": row.id,
                "reason": error.reason,
            },
        )
    else:
        await _refused(work, row, error, row.sent_at)
        await work.reached()


async def look_up(work: Work, row: FilingRow) -> None:
    """Ask the department whether it has a filing whose answer was lost."""
    if row.body is None:  # it may have left before this store was restored
        prepared = await _as_if_sent(work, row)
        if prepared is None:
            return
        row = prepared
    rendered, others = await to_the_end(_sent, work, row)
    try:
        filed = await work.files.find_receipt(rendered, others)
    except HubError as error:
        await _not_found_out(work, row, error)
        return
    await work.reached()
    if filed is not None:
        await to_the_end(note_filed, _reporter(work), row, filed, row.plans)
        return
    left_s = work.context.limits.settle_s - _age_s(work, row)
    if left_s <= 0 and row.looked_up:
        await work.change(row, state="due", due_at=work.iso(), looked_up=0)
        return
    pause_s = work.pause_s(row.looked_up + 1)
    is_odd = left_s > work.context.limits.settle_s + CLOCK_TRUST.total_seconds()
    await work.change(
        row,
        # A clock that was far ahead when it left tells nothing: the time begins anew.
        sent_at=work.iso() if is_odd else row.sent_at,
        due_at=work.iso(pause_s if left_s <= 0 else min(pause_s, left_s)),
        looked_up=row.looked_up + 1,
    )


async def _as_if_sent(work: Work, row: FilingRow) -> FilingRow | None:
    """A filing of which this store knows no sending, made what would be sent; None where not."""
    case, why_not = await to_the_end(_look_again, work, row)
    if case is None:
        await work.change(row, state="cancelled", due_at=None, detail=why_not)
        return None
    rendered = await _rendered(work, row, case)
    if rendered is None:
        return None
    plans = plan_papers(case.body, work.files.form, row.plans)
    sealed = work.context.vault.seal(rendered)
    return await work.change(row, body=sealed, sent_at=work.iso(), **papers_told(plans))


def _sent(work: Work, row: FilingRow) -> tuple[bytes, set[str]]:
    """What was sent, and the department's codes that are other dossiers'."""
    with work.context.store.read() as tx:
        desk = DeskLeg(row.namespace, row.code, row.generation)
        case = filing_cursors.load_case_of(tx, desk)
        living = row if case is None else structs.replace(row, dossier_id=case.id)
        others = filings.codes_of_others(tx, living, work.connection.namespace)
    if row.body is None:
        raise HubError(Reason.CONFLICT, f"filing {row.id} was sent and has no body")
    return work.context.vault.open(row.body), others


def _age_s(work: Work, row: FilingRow) -> float:
    if row.sent_at is None:
        return 0.0
    return (work.context.now() - clock.from_iso(row.sent_at)).total_seconds()


async def _not_found_out(work: Work, row: FilingRow, error: HubError) -> None:
    """A look-up that came to nothing: again later, or a person must say."""
    decision = work.decision(error, row.looked_up + 1)
    told = {"looked_up": row.looked_up + 1, "reason": error.reason, "detail": error.detail}
    is_bearable = isinstance(error, Garbled) and _age_s(work, row) < work.context.limits.give_up_s
    if isinstance(decision, RetryIn | AskAPerson):
        wait_s = work.wait_s(decision)
        await work.change(row, due_at=work.iso(wait_s), **told)
        await work.leave_alone(error, wait_s)
    elif is_bearable:
        await work.change(row, due_at=work.iso(work.pause_s(row.looked_up + 1)), **told)
    else:
        await work.change(row, state="person", due_at=None, **told)
        logger.warning(
            "A person must say whether a dossier was filed",
            extra={"event": "filing.person", "connection": row.connection_id, "filing": row.id},
        )


async def hand_in(work: Work, row: FilingRow) -> None:
    """Hand in the papers that wait, one after another; each is safely handed in again."""
    for place, plan in enumerate(row.plans):
        if plan.state != "waiting":
            continue
        try:
            paper = await _paper(work, plan)
        except TryAgain:
            await _papers_later(work, row)
            return
        except (Refused, Garbled) as error:
            row = await _told(work, row, place, "failed", error)
            continue
        try:
            await work.files.send_paper(row.filed_code or "", paper)
        except HubError as error:
            decision = work.decision(error, work.failures + 1)
            if isinstance(decision, RetryIn | AskAPerson | LookUpReceipt):
                await _papers_later(work, row)
                await work.leave_alone(error, work.wait_s(decision))
                return
            row = await _told(work, row, place, "failed", error)
        else:
            row = await _told(work, row, place, "sent", None)
            await work.reached()
    await work.change(row, due_at=None, looked_up=0)


async def _papers_later(work: Work, row: FilingRow) -> None:
    wait_s = work.pause_s(row.looked_up + 1)
    await work.change(row, due_at=work.iso(wait_s), looked_up=row.looked_up + 1)


async def _paper(work: Work, plan: PaperPlan) -> Paper:
    _, dot, extension = plan.name.rpartition(".")
    if not dot or not extension:
        raise Refused(Reason.FIELD_MISSING, "a paper without a name that tells its kind")
    data = await _fetched(work, plan.url, plan.digest)
    return Paper(plan.name, extension, data, is_portrait=plan.name == work.files.portrait)


async def _told(
    work: Work, row: FilingRow, place: int, state: str, error: HubError | None
) -> FilingRow:
    """Commit what became of one paper."""
    plans = row.plans
    reason = error.reason if error is not None else None
    plans[place] = structs.replace(plans[place], state=state, reason=reason)
    detail = row.detail if error is None else f"giấy tờ {place + 1}: {error.detail}"[:200]
    return await work.change(row, detail=detail, **papers_told(plans))


def _reporter(work: Work) -> Reporter:
    return Reporter(work.context, work.connection, work.lease.assert_in)
