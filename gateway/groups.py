"""Where the doors hand in what was pushed."""

from fastapi import Request

from sync.context import Context
from sync.groups import Groups
from sync.pushes import take_pushes


def groups_over(context: Context) -> Groups:
    """The pushes of one application."""
    return Groups(lambda pushes: take_pushes(context, pushes))


def groups_of(request: Request) -> Groups:
    """Those of this application, set once when it was made."""
    found: Groups = request.app.state.groups
    return found
