"""When each connection was heard last: what an overview asks of all of them at once."""

from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store.types import Moment


def heard_at(tx: Tx) -> dict[str, str]:
    """Connection -> when it was last heard: its newest receipt, or its newest run that succeeded.

    Looks at the newest row of each connection, however many there are.
    """
    found = tx.execute(
        text(
            "SELECT connection.id,"
            " (SELECT received_at FROM receipt WHERE connection_id = connection.id"
            "  AND origin_id IS NULL AND shape <> 'gone' ORDER BY id DESC LIMIT 1),"
            " (SELECT ended_at FROM run WHERE connection_id = connection.id AND state = 'done'"
            "  ORDER BY id DESC LIMIT 1) FROM connection"
        )
    )
    moment = Moment()
    told = {}
    for connection_id, *moments in found:
        values = [moment.process_result_value(one, tx.dialect) for one in moments]
        if any(values):
            told[str(connection_id)] = max(value for value in values if value)
    return told
