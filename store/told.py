"""What a receiver is told of changes: the change, the living dossier, what was learnt with it."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store import bulk
from store.reads import Shown, TimelineItem
from store.rights import Narrowed
from store.tables import POSITION_BITS
from store.types import Moment


class ToldChange(Struct, frozen=True):
    """One change of the feed.

    Attributes:
        dossier: Public id of the dossier it is of.
        into: Public id of the one it was joined to.
        shown: The living dossier it leads to now.
    """

    seq: int
    kind: str
    at: str
    dossier: str
    into: str | None
    shown: Shown


def load_changes_told(tx: Tx, seqs: Sequence[int], seen: Narrowed) -> dict[int, ToldChange]:
    """Changes by seq; those whose living dossier may not be seen (any more) are missing."""
    found = tx.execute(
        text(
            "SELECT change.seq, change.kind, change.at, old.public_id, target.public_id,"
            " dossier.id, dossier.public_id, dossier.body, dossier.findings,"
            " dossier.procedure_code, dossier.changed_seq"
            " FROM change JOIN dossier old ON old.id = change.dossier_id"
            " LEFT JOIN dossier target ON target.id = change.into_id"
            " JOIN member ON member.leg_id = change.dossier_id"
            " JOIN dossier ON dossier.id = member.dossier_id"
            f" WHERE change.seq IN ({bulk.ids_in(tx, 'seqs')}) AND {seen.condition}"
        ),
        {"seqs": bulk.pack(seqs), **seen.parameters},
    )
    moment = Moment()
    return {
        int(r[0]): ToldChange(
            int(r[0]),
            r[1],
            moment.process_result_value(r[2], tx.dialect) or "",
            r[3],
            r[4],
            Shown(*r[5:]),
        )
        for r in found
    }


def load_entries_learnt(tx: Tx, changes: Sequence[ToldChange]) -> dict[int, list[TimelineItem]]:
    """The timeline entries the hub learnt with each change, by seq, oldest first."""
    found = tx.execute(
        text(
            "SELECT timeline.status, timeline.at, leg.namespace, timeline.facet, officer, unit,"
            " note, receipt.public_id, arrived_late, known_seq, gone.public_id, retracted_seq"
            " FROM timeline JOIN leg ON leg.id = timeline.leg_id"
            " JOIN member ON member.leg_id = leg.id"
            f" JOIN receipt ON receipt.id = (timeline.record_id >> {POSITION_BITS})"
            f" LEFT JOIN receipt gone ON gone.id = (timeline.retracted_by >> {POSITION_BITS})"
            f" WHERE member.dossier_id IN ({bulk.ids_in(tx, 'dossiers')})"
            f" AND known_seq IN ({bulk.ids_in(tx, 'seqs')})"
            " ORDER BY timeline.at, timeline.record_id, timeline.key"
        ),
        {
            "dossiers": bulk.pack(sorted({one.shown.id for one in changes})),
            "seqs": bulk.pack([one.seq for one in changes]),
        },
    )
    moment = Moment()
    learnt: dict[int, list[TimelineItem]] = {}
    for row in found:
        values = list(row)
        values[1] = moment.process_result_value(values[1], tx.dialect)
        values[8] = bool(values[8])
        learnt.setdefault(int(values[9]), []).append(TimelineItem(*values))
    return learnt
