"""The mapping of the log as data (mapping.toml); what it does not list is refused."""

from enum import StrEnum
from importlib import resources

import msgspec
from msgspec import Struct

from canonical.errors import HubError
from canonical.fields import Channel
from canonical.precedence import Role
from canonical.prepared import prepare
from canonical.reasons import Reason
from canonical.states import Status

EVERY_OTHER = "*"


class Tells(StrEnum):
    """How a system tells of its steps."""

    STATUS = "status"
    HISTORY = "history"


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every table: unknown names are refused."""


class Procedure(_Part, frozen=True):
    """The procedure every dossier of the log is of."""

    code: str
    name: str
    domain: str


class Line(_Part, frozen=True):
    """One of the systems that the log is split over.

    Attributes:
        id: Connection and namespace.
        code: Pattern of its local codes, with {case} or {number}.
        groups: org:group values whose events it sees; "*" those that no other names.
    """

    id: str
    role: Role
    code: str
    tells: Tells
    groups: tuple[str, ...]


class Mapping(_Part, frozen=True):
    """All of mapping.toml; `states` maps concept:name, `channels` case:channel."""

    agency: str
    agency_name: str
    procedure: Procedure
    connection: tuple[Line, ...]
    channels: dict[str, Channel]
    states: dict[str, Status]

    def line_of(self, group: str, row: int) -> Line:
        """The system that sees a group's events. Raises HubError REF_UNKNOWN where none does."""
        for wanted in (group, EVERY_OTHER):
            for line in self.connection:
                if wanted in line.groups:
                    return line
        raise _unknown(Reason.REF_UNKNOWN, row, "org:group", group, "groups")

    def state_of(self, activity: str, row: int) -> Status:
        """An activity's state. Raises HubError STATUS_UNKNOWN where it is not listed."""
        if activity not in self.states:
            raise _unknown(Reason.STATUS_UNKNOWN, row, "concept:name", activity, "[states]")
        return self.states[activity]

    def channel_of(self, channel: str, row: int) -> Channel:
        """The channel. Raises HubError REF_UNKNOWN where it is not listed."""
        if channel not in self.channels:
            raise _unknown(Reason.REF_UNKNOWN, row, "case:channel", channel, "[channels]")
        return self.channels[channel]


prepare(Mapping)


def _unknown(reason: Reason, row: int, column: str, value: str, table: str) -> HubError:
    return HubError(
        reason, f"row {row}: {column} {value!r} is not in {table} of hub/replay/mapping.toml"
    )


def load_mapping() -> Mapping:
    """The mapping that comes with the program.

    Raises:
        msgspec.ValidationError: it is misspelt; ValueError: a group is given to two connections.
    """
    return read_mapping((resources.files("hub.replay") / "mapping.toml").read_bytes())


def read_mapping(text: bytes) -> Mapping:
    """A mapping from TOML; raises as `load_mapping` does."""
    mapping = msgspec.toml.decode(text, type=Mapping)
    groups = [group for line in mapping.connection for group in line.groups]
    if len(groups) != len(set(groups)):
        raise ValueError("a group is given to two connections")
    return mapping
