"""Figures of what the hub sends: receivers, deliveries, filings, published figures, leases."""

from store.figures import Figure

_CURSOR = "(SELECT min(s.seq) FROM receiver_shard s WHERE s.receiver_id = receiver.id)"
_CURRENT = "('due', 'sending', 'unknown', 'person', 'refused', 'cancelled')"
_OPEN = "('due', 'sending', 'unknown', 'person')"

SENDING = (
    Figure(
        "hub_receiver_enabled",
        "1 while a receiver is enabled, 0 while it is paused",
        "count",
        ("receiver",),
        "SELECT id, CASE state WHEN 'enabled' THEN 1 ELSE 0 END FROM receiver",
    ),
    Figure(
        "hub_receiver_breaker",
        "1 for the state a receiver's breaker is in: closed, open, half_open",
        "count",
        ("receiver", "state"),
        "SELECT id, breaker, 1 FROM receiver",
    ),
    Figure(
        "hub_receiver_waits_for",
        "1 for a reason that a person must settle before a receiver is told anything again",
        "count",
        ("receiver", "reason"),
        "SELECT id, waits_for, 1 FROM receiver WHERE waits_for IS NOT NULL",
    ),
    Figure(
        "hub_receiver_behind",
        "Changes that were not yet looked at for a receiver, of its slowest shard",
        "count",
        ("receiver", "lane"),
        f"SELECT id, 'live', (SELECT seq FROM feed) - {_CURSOR} FROM receiver WHERE shards > 0"
        " UNION ALL SELECT id, 'backlog', live_from - (SELECT min(s.backlog_seq) FROM"
        " receiver_shard s WHERE s.receiver_id = receiver.id) FROM receiver WHERE shards > 0"
        " UNION ALL SELECT receiver_id, 'replay', sum(until_seq - at_seq) FROM replay"
        " WHERE state <> 'done' GROUP BY receiver_id",
    ),
    Figure(
        "hub_receiver_oldest_seconds",
        "Age of the oldest live change that a receiver does not have; 0 where it has all",
        "age",
        ("receiver",),
        "SELECT id, CASE WHEN waiting IS NULL OR ahead < waiting THEN coalesce(ahead, waiting)"
        " ELSE waiting END FROM (SELECT id,"
        " (SELECT c.at FROM change c WHERE c.seq = (SELECT min(d.seq) FROM delivery d"
        " WHERE d.receiver_id = receiver.id AND d.lane = 'live')) AS waiting,"
        f" (SELECT c.at FROM change c WHERE c.seq = {_CURSOR} + 1) AS ahead"
        " FROM receiver WHERE shards > 0) AS told",
    ),
    Figure(
        "hub_deliveries",
        "Deliveries that were taken up and not received: waiting, or dead until a person acts",
        "count",
        ("receiver", "lane", "state"),
        "SELECT receiver_id, lane, state, count(*) FROM delivery GROUP BY receiver_id, lane, state",
    ),
    Figure(
        "hub_receiver_parked",
        "Dossiers whose delivery to a receiver has failed and is tried again later",
        "count",
        ("receiver",),
        "SELECT receiver.id, (SELECT count(DISTINCT d.dossier_id) FROM delivery d"
        " WHERE d.receiver_id = receiver.id AND d.reason IS NOT NULL AND d.state = 'waiting')"
        " FROM receiver",
    ),
    Figure(
        "hub_delivered",
        "Changes by what became of them: delivered, skipped, dropped by a person",
        "total",
        ("receiver", "outcome"),
        "SELECT receiver_id, 'delivered', sum(delivered) FROM receiver_shard GROUP BY receiver_id"
        " UNION ALL SELECT receiver_id, 'skipped', sum(skipped) FROM receiver_shard"
        " GROUP BY receiver_id UNION ALL SELECT receiver_id, 'dropped', sum(dropped)"
        " FROM receiver_shard GROUP BY receiver_id",
    ),
    Figure(
        "hub_publications",
        "Published figures by state",
        "count",
        ("receiver", "state"),
        "SELECT receiver_id, state, count(*) FROM publication GROUP BY receiver_id, state",
    ),
    Figure(
        "hub_filings",
        "Filings by state; those that are filed are counted in hub_filed_total",
        "count",
        ("connection", "state"),
        f"SELECT connection_id, state, count(*) FROM filing WHERE state IN {_CURRENT}"
        " GROUP BY connection_id, state",
    ),
    Figure(
        "hub_filed",
        "Filings that the department has",
        "total",
        (),
        "SELECT count(*) FROM filing WHERE state = 'filed'",
    ),
    Figure(
        "hub_filing_oldest_seconds",
        "Age of the oldest filing that has come to no end; 0 where there is none",
        "age",
        (),
        f"SELECT min(created_at) FROM filing WHERE state IN {_OPEN}",
    ),
)
