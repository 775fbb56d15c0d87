"""What the hub asks of an adapter, and hands to one: ports (long because all of one seam).

A record walks one way: wire bytes -> `Reading.rows` (pure) -> mapping (pure) -> sync -> store. The
same bytes read again give the same rows, so replay and `hub verify` need nothing but the receipt.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from canonical.errors import HubError
from canonical.linking import Deviation, Sample
from canonical.reasons import Reason


class Manifest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """manifest.toml: who the system is, what it speaks, its defaults, how far it is proven.

    Attributes:
        id: The folder's name.
        title: For people, Vietnamese.
        owner: Whom to ring.
        protocol: soap | rest | file | push.
        contract: Path inside the folder, or "our own design".
        proven_against: simulator | test system | live.
        role: desk | handling | money: what its legs may speak for (canonical.precedence).
        modes: Ways of pulling a connection may choose by its option `mode`; first is the default.
        pulls: Whether the hub asks it.
        door: Whether it calls a door of its own at the hub: "" | soap | json.
        native_shape: Shape of rows posted to /api/v1/connections/{id}/records, "" for none.
        ordered: Whether its pages come in order of update time, so a run may resume by page.
        durable_cursor: Whether the last cursor is the checkpoint between runs (a file drop),
            instead of a watermark in time.
        asks_open_codes: Whether a run needs the codes still open at the hub.
        schedule: Cron text, Asia/Ho_Chi_Minh.
        overlap_s: Seconds the watermark reaches back, at the least.
        timeout_s: Total deadline of one call.
        page_size: Rows asked for at once, where the contract lets the caller choose.
        options: Names of the plain settings a connection may have, with what they are for.
        secrets: Names of the settings kept encrypted.
        moods_not_applicable: Simulator mood -> why it cannot apply to this system.
        quality: Short notes for the IT department on what is not yet proven.
        lists: How its own list is had for reconciliation: "" not at all | pages (asked for
            everything) | census (it counts, so that only what differs is listed; see `Counts`).
        reconcile_schedule: Cron text of that; a connection's option of the same name wins.
        receives: What it is told as a receiver: "" nothing | changes | figures.
        batch: Most events told in one call, where it receives.
        files: Whether dossiers can be filed with it.
    """

    id: str
    title: str
    owner: str
    protocol: str
    contract: str
    proven_against: str
    role: str = "handling"
    modes: list[str] = []
    pulls: bool = True
    door: str = ""
    native_shape: str = ""
    ordered: bool = False
    durable_cursor: bool = False
    asks_open_codes: bool = False
    schedule: str = "*/15 * * * *"
    overlap_s: int = 300
    timeout_s: float = 30.0
    page_size: int = 500
    options: dict[str, str] = {}
    secrets: list[str] = []
    moods_not_applicable: dict[str, str] = {}
    quality: str = ""
    lists: str = ""
    reconcile_schedule: str = "0 2 * * sun"
    receives: str = ""
    batch: int = 1
    files: bool = False


class Settings(Struct, frozen=True):
    """One configured connection, as an adapter sees it.

    Attributes:
        id: The connection's id.
        endpoint: Address (http URL) or folder (file drop).
        options: Plain settings.
        secrets: Revealed secrets; never logged, never kept by the adapter beyond the run.
        tables: The connection's additions to code tables.
    """

    id: str
    endpoint: str
    options: dict[str, str]
    secrets: dict[str, str]
    tables: dict[str, dict[str, Any]] = {}


class Ask(Struct, frozen=True):
    """What one run wants.

    Attributes:
        since: Inclusive watermark less the overlap; None for everything.
        until: Exclusive end; None for now.
        cursor: Where an interrupted ordered run goes on; None from the start.
        open_codes: Local codes not yet ended at the hub, where the manifest asks for them.
        now: The moment the run started, UTC.
    """

    since: datetime | None
    until: datetime | None
    cursor: str | None
    open_codes: Sequence[str]
    now: datetime


class Page(Struct, frozen=True):
    """One answer of a source, as received.

    Attributes:
        raw: The bytes to keep; reading them again gives the same rows.
        shape: Name by which the adapter's `rows` reads them.
        observed_at: When the hub received it, UTC.
        cursor: Where the next page begins; None on the last page.
        total: Rows the source declared for the whole run; None where it does not.
        count: Rows in this page.
        token: What `acknowledge` needs after the page is durable; "" where nothing is to be said.
    """

    raw: bytes
    shape: str
    observed_at: datetime
    cursor: str | None = None
    total: int | None = None
    count: int = 0
    token: str = ""


class Row(Struct, frozen=True):
    """One wire row: which mapping shape it has, and its values in the department's words."""

    shape: str
    values: dict[str, Any]


class BadRow(Struct, frozen=True):
    """One wire row that cannot be read at all."""

    reason: Reason
    field: str | None = None
    code: str | None = None


class GoneRow(Struct, frozen=True):
    """A source's own word that it no longer has a dossier (a tombstone).

    Attributes:
        part: The mapping's sub-namespace, where the system has two code books.
        gone_at: When, ISO with its offset; None where the source does not say.
    """

    code: str
    part: str = ""
    gone_at: str | None = None


class Client(Protocol):
    """Calls and answers in a department's words: no decisions, no repeats."""

    def pages(self, ask: Ask) -> AsyncIterator[Page]:
        """The pages of one run, in order. Raises only `canonical.errors`."""
        ...

    async def acknowledge(self, page: Page) -> None:
        """Tell the source that a page is durable (two-step pull); a no-op where it does not ask."""
        ...

    async def close(self) -> None:
        """Give back sockets and sessions."""
        ...


class Tally(Struct, frozen=True):
    """What a source says it holds of one procedure, accepted on one day.

    Attributes:
        procedure: In the source's own words.
        day: At +07:00; None: not accepted yet.
        digest: The sum of the dossiers' marks (`Counts.mark`), modulo 2^64.
    """

    procedure: str
    day: date | None
    count: int
    digest: int


@runtime_checkable
class Counts(Protocol):
    """A client whose source counts what it holds, so that only what differs need be listed."""

    async def census(self) -> Sequence[Tally]:
        """Everything the source holds, each dossier once. Raises only `canonical.errors`."""
        ...

    def listing(self, tally: Tally, ask: Ask) -> AsyncIterator[Page]:
        """The pages of the dossiers that one tally counts; as `Client.pages`."""
        ...

    def mark(self, code: str, says: Mapping[str, Any], updated_at: datetime) -> int:
        """What a dossier as the hub holds it adds to a digest: below 2^64, pure.

        Args:
            code: Its local code.
            says: Leaf path -> newest value.
            updated_at: Of the newest statement.
        """
        ...


@runtime_checkable
class Begins(Protocol):
    """A client whose list begins on a day: what was accepted before may be missing from it."""

    @property
    def listed_from(self) -> date | None:
        """The first day of acceptance that it lists; None where it lists everything."""
        ...


class DoorCall(Struct, frozen=True):
    """One call a department made at a door in its own contract.

    Attributes:
        shape: Name by which the adapter's `rows` reads the body.
        operation: The contract's operation.
        user: User name found in the body; None where the contract has none there.
        password: Its password.
    """

    shape: str
    operation: str
    user: str | None = None
    password: str | None = None


class DoorAnswer(Struct, frozen=True):
    """What goes back, in the department's contract."""

    status: int
    content_type: str
    body: bytes


class Fate(Struct, frozen=True):
    """What became of one record, as a door tells it."""

    position: int
    code: str | None
    disposition: str
    reason: Reason | None = None
    field: str | None = None


class Door(Protocol):
    """A door in the department's own contract: pure, bytes to call and outcome to bytes."""

    def call(self, raw: bytes, content_type: str, soap_action: str) -> DoorCall:
        """Which operation is called and by whom. Raises Garbled where it cannot be read."""
        ...

    def answer(self, call: DoorCall, fates: Sequence[Fate]) -> DoorAnswer:
        """The contract's answer to a call that was taken in."""
        ...

    def refusal(self, call: DoorCall | None, reason: Reason, detail: str) -> DoorAnswer:
        """The contract's answer to a call that was refused whole."""
        ...

    def wsdl(self, address: str) -> bytes:
        """The contract with the door's own address in it."""
        ...


class Event(Struct, frozen=True):
    """One change of the feed, as it is told to a receiver.

    Attributes:
        id: Stable: the same change has the same id for every receiver and at every attempt.
        at: When the hub learnt it, ISO at +07:00.
        dossier: Public id of the dossier.
        into: Public id of the dossier it was joined to; None unless `kind` is joined.
        body: The dossier as GET /api/v1/dossiers/{id} shows it at the first attempt (no PIN); the
            living one's for a joined change.
        entries: Timeline entries the hub learnt with this change, oldest first, each as
            GET …/{id}/history shows it with `note` beside.
    """

    id: str
    seq: int
    kind: str
    at: str
    dossier: str
    into: str | None
    body: dict[str, Any]
    entries: Sequence[dict[str, Any]]


class Outgoing(Struct, frozen=True):
    """One event on its way: the bytes are the same at every attempt."""

    id: str
    seq: int
    body: bytes
    attempt: int


class Receiver(Protocol):
    """Someone who is told of changes, in its own words: no decisions, no repeats."""

    def render(self, event: Event) -> bytes | None:
        """What is told of a change, pure; None where this receiver is told nothing of it."""
        ...

    async def send(self, events: Sequence[Outgoing]) -> Sequence[HubError | None]:
        """Tell events, at most the manifest's `batch`; per event None (it has it) or why not.

        Raises:
            HubError: what is wrong concerns none of them alone (no answer, credentials, busy).
        """
        ...

    async def close(self) -> None:
        """Give back sockets and sessions."""
        ...


class Figures(Struct, frozen=True):
    """The figures of one period, as published.

    Attributes:
        revision: 1 for the first; a higher one restates the one before.
        told: The answer of GET /api/v1/indicators.
        before: That of the revision before; None for the first.
        known_seq: The newest change of the feed when it was counted.
        why: Why the revision before no longer stands, in Vietnamese; "" for the first.
    """

    id: str
    revision: int
    told: dict[str, Any]
    before: dict[str, Any] | None
    known_seq: int
    at: str
    why: str = ""


class Publisher(Protocol):
    """Someone who is told figures, in its own words."""

    def render(self, figures: Figures) -> bytes:
        """What is told of a period, pure."""
        ...

    async def send(self, publication: Outgoing) -> None:
        """Tell one publication. Raises only `canonical.errors`."""
        ...

    async def close(self) -> None:
        """Give back sockets and sessions."""
        ...


class Paper(Struct, frozen=True):
    """One paper of a filing.

    Attributes:
        is_portrait: Whether it is the photograph.
        extension: Without the dot.
    """

    name: str
    extension: str
    data: bytes
    is_portrait: bool = False


class Filed(Struct, frozen=True):
    """A department has a filing.

    Attributes:
        code: Its own code of it.
        raw: Its answer, as received.
    """

    code: str
    raw: bytes


class Files(Protocol):
    """A department with which a dossier can be filed: no decisions, no repeats.

    Attributes:
        form: Name of the attachment that holds what the department asks for beyond the dossier's
            fields (the application form); "" where it asks for nothing more.
        portrait: Name of the attachment that is the photograph; "" where there is none.
    """

    form: str
    portrait: str

    def render(self, number: str, body: dict[str, Any]) -> bytes:
        """What is filed: the hub's own number and the dossier's fields; pure.

        Args:
            number: The hub's own, stable over attempts.
            body: The dossier as the hub shows it; `form` is what the application form says, {}
                where there is none.

        Raises:
            Refused: FIELD_MISSING and the like, where the contract cannot say the dossier.
        """
        ...

    async def submit(self, rendered: bytes) -> Filed:
        """File it.

        Raises:
            Refused, NotAllowed: the department said no; nothing is filed.
            TryAgain: nothing has left the hub.
            OutcomeUnknown: it left and no receipt came.
        """
        ...

    async def find_receipt(self, rendered: bytes, others: Collection[str]) -> Filed | None:
        """Whether the department has it; None where it surely has not.

        Args:
            rendered: What was filed.
            others: The department's codes that are known to be other dossiers'.

        Raises:
            OutcomeUnknown: the department offers nothing to look it up by, or several fit.
            TryAgain, Garbled: it could not be asked.
        """
        ...

    async def fetch(self, address: str) -> bytes:
        """The bytes of an attachment, from the desk that keeps it.

        Raises:
            TryAgain: it could not be asked.
            Refused, Garbled: it cannot be had: no such paper, not on the allowlist, cut short.
        """
        ...

    async def send_paper(self, code: str, paper: Paper) -> None:
        """Hand in one paper of a filing; the same paper again replaces itself."""
        ...

    async def close(self) -> None:
        """Give back sockets and sessions."""
        ...


class System(Struct, frozen=True):
    """Everything the hub knows of one kind of counterpart; built by adapters.registry.

    Attributes:
        manifest: The folder's manifest.
        mapping_document: mapping.toml as data; None for a system that speaks canonical words.
        transforms: The folder's own named transforms.
        rows: Pure: (shape, bytes) to wire rows, in order. Raises Garbled for a body outside its
            contract.
        connect: Builds the client of one connection; None where the hub does not ask.
        door: The door in its own contract; None where it does not call.
        receive: Builds the receiver of one configured receiver; None unless it is told changes.
        publish: Builds the publisher of one; None unless it is told figures.
        file: Builds what files with it; None where nothing can be filed.
        fingerprint: Of its contract as held here; "" where there is none.
        deviations: Where a pulled answer leaves the contract; None where only the reader knows it.
        sample: A body as the department would push it, invented; None where none can be made.
        listed: Closed lists of values that its pinned contract declares: name of a wire field ->
            its values, wherever in a record it stands.
    """

    manifest: Manifest
    mapping_document: dict[str, Any] | None
    transforms: dict[str, Callable[[Any], Any]]
    rows: Callable[[str, bytes], Sequence[Row | BadRow | GoneRow]]
    connect: Callable[[Settings], Client] | None
    door: Door | None
    receive: Callable[[Settings], Receiver] | None = None
    publish: Callable[[Settings], Publisher] | None = None
    file: Callable[[Settings], Files] | None = None
    fingerprint: str = ""
    deviations: Callable[[str, bytes], Sequence[Deviation]] | None = None
    sample: Callable[[], Sample | None] | None = None
    listed: Mapping[str, Sequence[str]] = {}
