"""By how much each connection is behind its schedule."""

from datetime import datetime

from sqlalchemy.engine import Connection as Tx

from store import plans
from store.figures_links import last_success_begins
from sync.context import Context
from sync.runs import is_asked, schedule_of


def overdue_s(context: Context, tx: Tx, now: datetime) -> dict[str, float]:
    """Connection -> seconds since the first due time that no successful run has answered.

    0 while it is on time. Only connections that the hub asks by itself, and is let to, are there.
    """
    began = last_success_begins(tx)
    found = {}
    for row in plans.list_planned(tx):
        name = row.plan.connection_id
        cron = schedule_of(context, row) if is_asked(context, row) else None
        if cron is None:
            continue
        due = cron.after(began.get(name, row.added_at))
        found[name] = max((now - due).total_seconds(), 0.0) if due is not None else 0.0
    return found
