"""What a dossier counts as: the rows that indicators are counted from."""

from datetime import date
from itertools import pairwise

from canonical.dossier import Assembled
from canonical.standing import Kind, Segment, day, segments
from store.dossiers import JudgementRow, SpanRow


def judge(dossier_id: int, made: Assembled) -> tuple[JudgementRow | None, list[SpanRow]]:
    """The judgement row and earlier stretches; (None, []) where it counts in no indicator."""
    facts = made.facts
    if facts is None or made.received_agency is None:
        return None, []
    cut = segments(facts)
    first_due = day(facts.first_due_at) if facts.first_due_at is not None else None
    last = cut[-1]
    row = JudgementRow(
        dossier_id=dossier_id,
        received_agency=made.received_agency,
        handling_agency=made.fields["agency"],
        procedure_code=made.fields["procedure"]["code"],
        channel=made.fields["channel"],
        accepted_on=day(facts.accepted_at),
        first_due_on=first_due,
        from_day=last.from_day,
        kind=last.kind.value,
        end_on=last.end_on,
        closed_on=last.closed_on,
        due_on=last.due_on,
    )
    spans = [
        SpanRow(
            dossier_id, s.from_day, after.from_day, s.kind.value, s.end_on, s.closed_on, s.due_on
        )
        for s, after in pairwise(cut)
        if not _is_plain(s, first_due)
    ]
    return row, spans


def _is_plain(segment: Segment, first_due: date | None) -> bool:
    return segment.kind is Kind.OPEN and segment.due_on == first_due
