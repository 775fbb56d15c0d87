"""Which leg may speak for which field of a dossier: declared, per procedure, with a default.

DESIGN 2, "State of a dossier": the state is the latest over the legs allowed to speak, where money
legs say only `financial`; reception dates come from the desk, the end of work from the handling
department, the hand-over from the desk. Where the leg that should speak says nothing, the next
does.
"""

import functools
from enum import StrEnum

from msgspec import Struct, field


class Role(StrEnum):
    """What a system's legs are to a case."""

    DESK = "desk"
    HANDLING = "handling"
    MONEY = "money"


RECEPTION = (
    "national_code",
    "receipt_number",
    "pin",
    "procedure.code",
    "procedure.name",
    "procedure.domain",
    "received_at_agency",
    "applicant.kind",
    "applicant.name",
    "applicant.id_number",
    "applicant.phone",
    "applicant.email",
    "applicant.address",
    "acting.kind",
    "acting.name",
    "acting.id_number",
    "acting.phone",
    "acting.email",
    "acting.address",
    "channel",
    "service_level",
    "online_scope",
    "submitted_at",
    "accepted_at",
    "due_at",
    "attachments",
    "rating",
)
WORK = (
    "agency",
    "step",
    "extensions",
    "supplements",
    "refused_at",
    "withdrawn_at",
    "stopped_at",
    "finished_at",
    "results",
)
HAND_OVER = ("handed_over_at",)
# Of whose case the money is stands in the money leg's links, where there is one.
MONEY = ("fees", "links")
EVERY_FIELD = RECEPTION + WORK + HAND_OVER + MONEY


class Precedence(Struct, frozen=True):
    """Who speaks first, group by group; and who may speak of the state at all.

    Attributes:
        state: Roles whose legs may set the state with any word.
        state_only: Role -> the only states its legs may set.
    """

    reception: tuple[Role, ...] = (Role.DESK, Role.HANDLING)
    work: tuple[Role, ...] = (Role.HANDLING, Role.DESK)
    hand_over: tuple[Role, ...] = (Role.DESK, Role.HANDLING)
    money: tuple[Role, ...] = (Role.MONEY, Role.HANDLING, Role.DESK)
    state: tuple[Role, ...] = (Role.DESK, Role.HANDLING)
    state_only: dict[Role, frozenset[str]] = field(
        default_factory=lambda: {Role.MONEY: frozenset({"financial"})}
    )

    def may_give(self, role: Role) -> frozenset[str]:
        """The fields that legs of a role may give at all."""
        return _may_give(role, self.reception, self.work, self.hand_over, self.money)

    def groups(self) -> tuple[tuple[frozenset[str], tuple[Role, ...], bool], ...]:
        """Each group: its fields, the roles that may give them, and whether it is the reception."""
        return (
            (_RECEPTION, self.reception, True),
            (_WORK, self.work, False),
            (_HAND_OVER, self.hand_over, False),
            (_MONEY, self.money, False),
        )


@functools.lru_cache(256)
def _may_give(role: Role, *orders: tuple[Role, ...]) -> frozenset[str]:
    told = zip((_RECEPTION, _WORK, _HAND_OVER, _MONEY), orders, strict=True)
    return frozenset().union(*(paths for paths, roles in told if role in roles))


_RECEPTION, _WORK = frozenset(RECEPTION), frozenset(WORK)
_HAND_OVER, _MONEY = frozenset(HAND_OVER), frozenset(MONEY)
DEFAULT = Precedence()


def precedence_from(data: dict[str, list[str]] | None) -> Precedence:
    """A procedure's own precedence, from catalogue data such as `{"hand_over": ["handling"]}`.

    Raises:
        ValueError: a group or role that does not exist.
    """
    if not data:
        return DEFAULT
    groups: dict[str, tuple[Role, ...]] = {}
    for name, roles in data.items():
        if name not in ("reception", "work", "hand_over", "money", "state"):
            raise ValueError(f"no such group of fields: {name}")
        groups[name] = tuple(Role(role) for role in roles)
    return Precedence(
        reception=groups.get("reception", DEFAULT.reception),
        work=groups.get("work", DEFAULT.work),
        hand_over=groups.get("hand_over", DEFAULT.hand_over),
        money=groups.get("money", DEFAULT.money),
        state=groups.get("state", DEFAULT.state),
    )
