"""Failures of runs and calls, sorted by what the caller must do next.

One bad record is no exception: it is a `Rejected` (canonical.record). These are for a counterpart
that failed, a call that could not be made, or a request that must be refused.
"""

from canonical.reasons import Reason, sentence


class HubError(Exception):
    """Something failed that a person or the retry policy must decide about.

    Attributes:
        reason: The code of the closed list; says what happened.
        system: Which counterpart (system or connection id), "" for the hub itself.
        detail: For operators; never holds a value from a dossier.
        correlation_id: The one id to quote when asking about it, "" until known.
    """

    def __init__(
        self, reason: Reason, detail: str = "", *, system: str = "", correlation_id: str = ""
    ) -> None:
        super().__init__(f"{reason}: {detail or sentence(reason, 'en')}")
        self.reason = reason
        self.system = system
        self.detail = detail
        self.correlation_id = correlation_id


class TryAgain(HubError):
    """Nothing happened; the same call may be repeated."""


class Unreachable(TryAgain):
    """No answer: refused, timed out, TLS or DNS failure, cut off. Silence is never "no record"."""


class Busy(TryAgain):
    """The department asked the hub to slow down.

    Attributes:
        retry_after_s: The pause it named, in seconds; None where it named none.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        *,
        system: str = "",
        correlation_id: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason, detail, system=system, correlation_id=correlation_id)
        self.retry_after_s = retry_after_s


class Refused(HubError):
    """The department said no; repeating will not help."""


class NotOnFile(Refused):
    """It holds no such record."""


class NotAllowed(Refused):
    """The hub's credentials or grant do not reach this record."""


class Garbled(HubError):
    """The whole answer is outside its own contract; its owner must look."""


class OutcomeUnknown(HubError):
    """A filing left and no receipt came: look it up before anything is sent again."""


class RequestRefused(HubError):
    """A request at one of the hub's own doors that is refused whole.

    Attributes:
        field: Path of the field at fault, None where the whole request is.
        status: The HTTP status that says the same.
        receipt: The intake receipt where there is one.
    """

    def __init__(
        self,
        reason: Reason,
        status: int,
        *,
        field: str | None = None,
        receipt: str | None = None,
        detail: str = "",
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(reason, detail)
        self.status = status
        self.field = field
        self.receipt = receipt
        self.retry_after_s = retry_after_s


class LeaseLost(HubError):
    """Another worker holds the lease now; whoever gets this must not write any more."""


class StoreUnavailable(TryAgain):
    """The hub's own store refused or lost the write; nothing of the transaction was kept."""
