"""What is asked while a link is set up: the wire felt step by step, contracts, samples. Ports."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct


class Probe(Protocol):
    """Feels the way to a counterpart, one step at a time; sends nothing that it would act on.

    Every step respects the egress allowlist and has a deadline, and raises only
    `canonical.errors`.
    """

    async def resolve(self, address: str) -> list[str]:
        """The network addresses of a http or https address.

        Raises:
            Refused: EGRESS_DENIED.
            Unreachable: NET_DNS, TIMEOUT_TOTAL.
        """
        ...

    async def connect(self, address: str, found: Sequence[str]) -> None:
        """Open a socket to the first that takes one, and close it.

        Raises:
            Unreachable: NET_REFUSED, TIMEOUT_TOTAL.
        """
        ...

    async def shake_hands(self, address: str, found: Sequence[str], ca: str = "") -> str:
        """Until when the certificate is good, ISO; the name on it is proved.

        Args:
            address: http or https.
            found: From `resolve`.
            ca: Authorities trusted besides the usual ones, PEM; "" for none.

        Raises:
            Unreachable: TLS_INVALID, NET_REFUSED, NET_RESET, TIMEOUT_TOTAL.
        """
        ...

    async def list_folder(self, folder: str) -> int:
        """How many files lie in a drop folder.

        Raises:
            Unreachable: NET_REFUSED where it is not there.
            NotAllowed: AUTH_DENIED where the hub may not read it.
        """
        ...


class Deviation(Struct, frozen=True):
    """Where an answer leaves its contract.

    Attributes:
        path: The element or field, in the contract's names; `[]` behind one that is a JSON list.
        kind: unknown | missing | type (of another kind) | value (not one of its closed list).
        first: The JSON path at which it was first met, with positions; "" of an XML answer.
        count: How often it was met.
    """

    path: str
    kind: str
    first: str = ""
    count: int = 1


class Sample(Struct, frozen=True):
    """A body as the department would send it; nobody real is in it.

    Attributes:
        shape: Name by which the reader reads it; "" where the door says.
    """

    raw: bytes
    content_type: str
    shape: str = ""


class ContractField(Struct, frozen=True):
    """One field of a message, as a list shows it.

    Attributes:
        path: Dotted names from the message on.
        values: Its declared values, where they are a closed list.
    """

    path: str
    type: str
    is_required: bool
    is_many: bool
    values: list[str] = []


class ContractOperation(Struct, frozen=True):
    """One operation of a contract.

    Attributes:
        sent: Fields of what the caller says.
        answered: Fields of what comes back.
    """

    name: str
    sent: list[ContractField]
    answered: list[ContractField]
    note: str = ""


class ContractTold(Struct, frozen=True):
    """A contract that was handed in.

    Attributes:
        kind: wsdl | openapi.
        main: The file that is the contract.
        fingerprint: sha256 over what it says.
        files: The names of all its files.
        ports: "service port version address", one text each.
        notes: What was left out or stands in for something.
    """

    kind: str
    main: str
    fingerprint: str
    title: str
    files: list[str]
    ports: list[str]
    operations: list[ContractOperation]
    notes: list[str] = []


class Drafted(Struct, frozen=True):
    """A declaration proposed from a contract.

    Attributes:
        declaration: As a file would hold it; it may lack what only people know.
        unmatched: Wire fields that no row reads.
        undecided: What must be decided before it can be used, one sentence each.
        files: The contract's files, by the names under which they are to be pinned.
    """

    declaration: dict[str, Any]
    unmatched: list[str]
    undecided: list[str]
    files: dict[str, bytes] = {}


class ContractChange(Struct, frozen=True):
    """One way in which a served contract is not the pinned one.

    Attributes:
        operation: Which it is about; "" for what stands for all that is not named (`more`).
        way: sent | answered; "" where it is about the operation itself.
        path: Dotted names from the message on; "" for the operation itself.
        kind: new | lost | retyped | value (of its closed list) | more.
        before: The form it had; values that were lost.
        after: The form it has; values that are new, "*" where the list is closed no more.
        inner: Paths of what stood inside it, from the message on, where it was lost or retyped.
    """

    operation: str
    way: str
    path: str
    kind: str
    before: list[str] = []
    after: list[str] = []
    inner: list[str] = []


class Compared(Struct, frozen=True):
    """A served contract beside the pinned one.

    Attributes:
        is_same: Whether the served one has the pinned one's fingerprint.
        fingerprint: Of the served one.
        changes: Operations, fields, forms and values that are no longer the same. Empty also where
            the two differ only in what is neither called nor read: descriptions and the like.
    """

    is_same: bool
    fingerprint: str
    changes: list[ContractChange]


class ServedContract(Struct, frozen=True):
    """A contract that its department serves, and what is held of it here.

    Attributes:
        files: What is held: name -> bytes.
        main: Which of them is the contract.
        called: Operations that the hub calls; empty for all of them.
        read: Those of them whose answers hold records; empty for all of them.
        address: Where a connection's is served, from its endpoint and plain settings; "" where
            nobody says.
        fetch: Gets it with all that it imports at the same place, by the names that `main` and the
            served one itself use. Raises only `canonical.errors`.
    """

    files: Mapping[str, bytes]
    main: str
    called: Collection[str]
    read: Collection[str]
    address: Callable[[str, Mapping[str, str]], str]
    fetch: Callable[[Any], Awaitable[Mapping[str, bytes]]]


class Contracts(Protocol):
    """Reads contracts handed in; loads nothing from anywhere."""

    def unpacked(self, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The files as they are pinned: a zip's by their names in it.

        Raises:
            HubError: BODY_MALFORMED with one plain sentence: which file and why.
        """
        ...

    def describe(self, files: Mapping[str, bytes], main: str = "") -> ContractTold:
        """What a contract says.

        Raises:
            HubError: BODY_MALFORMED with one plain sentence: file, line and cause.
        """
        ...

    def draft(
        self, files: Mapping[str, bytes], operation: str, *, is_push: bool = False, main: str = ""
    ) -> Drafted:
        """A declaration for one operation.

        Raises:
            HubError: as `describe`; NOT_FOUND for an operation it has not.
        """
        ...

    def compare(
        self, files: Mapping[str, bytes], main: str, served: Mapping[str, bytes]
    ) -> Compared:
        """How a served contract differs from the pinned one.

        Args:
            files: The pinned one; what the served one imports from elsewhere is taken from here.
            main: Which file is the contract, in both.
            served: As it is served.

        Raises:
            HubError: as `describe`, of either.
        """
        ...
