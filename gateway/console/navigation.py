"""The console's pages, as its menu lists them."""

from typing import Protocol

from msgspec import Struct

from store.staff_rights import Right


class Asks(Protocol):
    """Who asks, as far as the menu must know."""

    def may(self, right: Right | str) -> bool:
        """Whether they may do this."""


class Entry(Struct, frozen=True):
    """One page of the menu.

    Attributes:
        key: Its title is the word `nav.<key>`.
        icon: A symbol of static/icons.svg.
        right: What somebody needs to see it.
    """

    key: str
    path: str
    icon: str
    right: Right


# In this order; `group` titles come before the entry they are named with.
GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "watching",
        (
            Entry("overview", "/console", "layout-dashboard", Right.WATCH),
            Entry("connections", "/console/connections", "plug-connected", Right.WATCH),
            Entry("dossiers", "/console/dossiers", "files", Right.DOSSIERS),
            Entry("receipts", "/console/receipts", "inbox", Right.WATCH),
        ),
    ),
    (
        "repairing",
        (
            Entry("quarantine", "/console/quarantine", "shield-exclamation", Right.WATCH),
            Entry("deliveries", "/console/deliveries", "send", Right.WATCH),
            Entry("filings", "/console/filings", "file-code", Right.REPAIR),
            Entry("reconciliation", "/console/reconciliation", "git-compare", Right.WATCH),
        ),
    ),
    (
        "catalogue",
        (
            Entry("calendar", "/console/calendar", "calendar", Right.DOSSIERS),
            Entry("agencies", "/console/agencies", "building-community", Right.DOSSIERS),
            Entry("procedures", "/console/procedures", "list-check", Right.DOSSIERS),
            Entry("codes", "/console/codes", "table", Right.WATCH),
        ),
    ),
    (
        "administration",
        (
            Entry("staff", "/console/staff", "users", Right.ADMINISTER),
            Entry("disclosures", "/console/disclosures", "eye", Right.ADMINISTER),
        ),
    ),
)


def entries(asks: Asks) -> list[tuple[str, list[Entry]]]:
    """The groups with the pages that who asks may see."""
    found = [(name, [one for one in group if asks.may(one.right)]) for name, group in GROUPS]
    return [(name, group) for name, group in found if group]


def home(asks: Asks) -> str:
    """The first page who asks may see."""
    return next((group[0].path for _, group in entries(asks)), "/console/password")
