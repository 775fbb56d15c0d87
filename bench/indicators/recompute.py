"""Profile `seed` computed anew from timelines, as one would without judgement rows.

One pass over the entries of the agency's dossiers, each looked at once; moments are compared as
they are stored, days only where a day is judged. It knows the due date as it is now, not as it was
on a past day, and no entry taken back: so it does less than the hub, and is a lower bound.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import psycopg

_HCM = timezone(timedelta(hours=7))
_SQL = """
WITH told AS (
  SELECT dossier.id, dossier.due_on,
    min(t.at) FILTER (WHERE t.status = 'accepted') AS accepted,
    min(t.at) FILTER (WHERE t.status = 'finished') AS finished,
    min(t.at) FILTER (WHERE t.status = 'stopped') AS stopped,
    min(t.at) FILTER (WHERE t.status = 'withdrawn') AS withdrawn,
    max(t.at) AS newest,
    max(t.at) FILTER (WHERE t.status IN ('supplement', 'financial')) AS waited
  FROM dossier JOIN member ON member.dossier_id = dossier.id
  JOIN timeline t ON t.leg_id = member.leg_id
  WHERE dossier.merged_into IS NULL AND t.retracted_by IS NULL AND t.at < %(until)s {mine}
  GROUP BY dossier.id, dossier.due_on
), judged AS (
  SELECT *, accepted >= %(start)s AND accepted < %(end)s AS counts,
    CASE WHEN finished IS NOT NULL THEN
        CASE sign((finished AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - due_on)
          WHEN -1 THEN 'early' WHEN 1 THEN 'late' ELSE 'on_time' END
      WHEN stopped IS NOT NULL THEN 'returned' WHEN withdrawn IS NOT NULL THEN 'withdrawn'
      WHEN waited = newest THEN 'waiting'
      WHEN due_on < %(as_of)s THEN 'open_overdue' ELSE 'open_in_term' END AS bucket,
    coalesce(finished, stopped, withdrawn) AS closed
  FROM told WHERE accepted IS NOT NULL
)
SELECT CASE WHEN counts THEN bucket END, accepted < %(start)s
    AND coalesce(closed, 'infinity') >= %(start)s, closed >= %(start)s AND closed < %(end)s,
  count(*)
FROM judged GROUP BY 1, 2, 3
"""
_MINE = "AND dossier.received_agency = ANY(%(codes)s)"


def recompute(
    at: "psycopg.Connection[Any]",
    codes: Sequence[str] | None,
    start: date,
    end: date,
    as_of: date,
) -> dict[str, int]:
    """Buckets, total, carried_over and resolved of some agencies; None for the province."""
    asked = {
        "codes": list(codes or ()),
        "start": _begins(start),
        "end": _begins(end + timedelta(days=1)),
        "until": _begins(as_of + timedelta(days=1)),
        "as_of": as_of,
    }
    told = {"total": 0, "carried_over": 0, "resolved": 0}
    sql = _SQL.format(mine=_MINE if codes is not None else "")
    for bucket, is_carried, is_closed, number in at.execute(sql, asked):  # type: ignore[arg-type]
        if bucket is not None:
            told[bucket] = told.get(bucket, 0) + number
            told["total"] += number
        told["carried_over"] += number if is_carried else 0
        told["resolved"] += number if is_closed else 0
    return told


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), _HCM)
