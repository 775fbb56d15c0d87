"""The calls between the two transactions of a delivery step; nothing is decided here."""

import logging
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from canonical.errors import Garbled, HubError, LeaseLost
from canonical.ports import Receiver as Port
from canonical.reasons import Reason
from sync.deliver_picking import Due
from sync.leases import Lease

logger = logging.getLogger(__name__)


class Report(Struct):
    """What came of a step's calls, written down as they end.

    Attributes:
        told: Each delivery that was answered for, in order, with None or why the receiver has it
            not.
        whole: Why a call failed as a whole; nothing was sent after it.
        unanswered: What that call carried: the receiver has it, or not.
        unsent: What never left.
    """

    told: list[tuple[Due, HubError | None]] = []
    whole: HubError | None = None
    unanswered: list[Due] = []
    unsent: list[Due] = []


async def send(
    port: Port,
    lease: Lease,
    sends: Sequence[Due],
    batch: int,
    is_over: Callable[[], bool],
    report: Report,
) -> None:
    """Send call after call until one fails as a whole, or time is over.

    Args:
        port: The receiver's adapter.
        lease: Made sure of before each call.
        sends: In this order.
        batch: Most deliveries in one call.
        is_over: Whether to end before the next call.
        report: Is filled; true at every moment, whatever ends this.

    Raises:
        LeaseLost: another works on the shard now.
    """
    report.unsent = list(sends)
    for call in _calls(sends, batch):
        if is_over():
            return
        await lease.sure()
        del report.unsent[: len(call)]
        report.unanswered = call
        try:
            answers = await port.send([due.outgoing for due in call])
        except LeaseLost:
            raise
        except HubError as error:
            report.whole = error
            return
        except Exception as error:
            logger.exception("A receiver's adapter broke off", extra={"event": "deliver.broke"})
            detail = f"the adapter broke off: {type(error).__name__}"
            report.whole = HubError(Reason.MAPPING_ERROR, detail)
            return
        if len(answers) != len(call):
            report.whole = Garbled(Reason.BODY_MALFORMED, "not one answer for each event")
            return
        report.told += zip(call, answers, strict=True)
        report.unanswered = []


def _calls(sends: Sequence[Due], batch: int) -> Iterator[list[Due]]:
    """Deliveries call by call; one that failed before goes alone, so that it spoils no other."""
    call: list[Due] = []
    for due in sends:
        if due.outgoing.attempt > 1:
            yield [due]
            continue
        call.append(due)
        if len(call) == batch:
            yield call
            call = []
    if call:
        yield call
