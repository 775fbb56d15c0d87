"""The proof as a person runs it: proved (sync.verify, read-only), and what was found is kept."""

import logging
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from canonical import clock
from canonical.errors import HubError
from store import verifications
from store.verifications import Failed, VerificationRow
from sync.context import Context
from sync.verify import Report, verify

logger = logging.getLogger(__name__)
_MOST_FAILED, _MOST_CHARACTERS = 50, 1_000


def prove(context: Context, progress: Callable[[int, int], None] | None = None) -> Report:
    """Prove the invariants, and keep what was found; a store that cannot be written loses that.

    Raises:
        StoreUnavailable: the store cannot be reached or read.
    """
    begun = context.now()
    report = verify(context, progress)
    failed = [one for one in report.checks if not one.ok]
    row = VerificationRow(
        started_at=clock.to_iso(begun),
        ended_at=clock.to_iso(context.now()),
        records=report.records,
        findings=sum(max(one.wrong, 1) for one in failed),
        failed=[Failed(one.name, one.detail[:_MOST_CHARACTERS]) for one in failed[:_MOST_FAILED]],
    )
    try:
        context.store.in_write(lambda tx: verifications.keep(tx, row))
    except (HubError, DBAPIError) as error:
        logger.warning(
            "What was proved could not be kept",
            extra={"event": "verify.not_kept", "error": type(error).__name__},
        )
    return report
