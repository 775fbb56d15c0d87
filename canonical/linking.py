"""What is asked while a link is set up: the wire felt step by step, contracts, samples. Ports."""

from collections.abc import Mapping, Sequence
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
        path: The element or field, in the contract's names.
        kind: unknown | missing | value (not one of its closed list).
    """

    path: str
    kind: str


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
