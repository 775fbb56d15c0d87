"""What a role may do on the console: the one place that decides it.

Of dossiers a person sees those of their agencies (store.rights narrows every query). The hub's own
work, links and receipts, the quarantine, deliveries, belongs to the whole province: whoever was
given agencies does not see it.
"""

from enum import StrEnum
from typing import Literal

from store.clients import Principal

Role = Literal["administrator", "operator", "viewer"]


class Right(StrEnum):
    """What a page or a button needs."""

    DOSSIERS = "dossiers"  # look at dossiers, masked
    DISCLOSE = "disclose"  # ask for the personal data of what one may look at
    WATCH = "watch"  # look at the hub's own work
    REPAIR = "repair"  # replay, resolve, decide
    CONFIGURE = "configure"  # connections, mappings, secrets
    ADMINISTER = "administer"  # staff, and who was shown what


_OF_A_ROLE: dict[str, frozenset[Right]] = {
    "viewer": frozenset({Right.DOSSIERS, Right.WATCH}),
    "operator": frozenset(Right) - {Right.ADMINISTER},
    "administrator": frozenset(Right),
}
_OF_A_SUBTREE = frozenset({Right.DOSSIERS, Right.DISCLOSE})


def rights_of(role: str, agencies: frozenset[str]) -> frozenset[Right]:
    """What somebody of this role may; of these agencies alone where there are any."""
    granted = _OF_A_ROLE.get(role, frozenset())
    return granted & _OF_A_SUBTREE if agencies else granted


def may(principal: Principal, right: Right) -> bool:
    """Whether somebody signed in may do this; what they see of it, store.rights narrows."""
    return principal.may(right)
