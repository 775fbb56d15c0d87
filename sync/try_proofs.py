"""What is proved of a link behind the mapping of its page: every value that comes is covered."""

from collections.abc import Callable, Sequence

from store.connections import ConnectionRow
from sync import coverage
from sync.context import Context
from sync.reading import CANONICAL
from sync.samples import Sampled
from sync.try_stages import Found, StageFailed
from sync.try_texts import NOT_COVERED

# Name of the stage -> what looks, at the sampled page too. Raises StageFailed.
Proof = Callable[[Context, ConnectionRow, Sampled | None], Found]


def _covered(context: Context, row: ConnectionRow, sample: Sampled | None) -> Found:
    """Whether every value that can arrive has a target or a name (sync.coverage)."""
    found = coverage.look(context, row, page=_rows_of(context, row, sample))
    values = sum(one.values for one in found.fields)
    told = {
        "values": values,
        "records": found.records,
        "uncovered": [
            {"rule": one.rule, "value": one.value, "page": one.page} for one in found.uncovered
        ],
    }
    if not found.ok:
        first = found.uncovered[0] if found.uncovered else None
        vi = f"{found.vi} {first.vi}" if first is not None else found.vi
        en = f"{found.en} {first.en}" if first is not None else found.en
        raise StageFailed(None, (vi, en), NOT_COVERED, told)
    return Found(found.vi, found.en, told)


def _rows_of(context: Context, row: ConnectionRow, sample: Sampled | None) -> Sequence[object]:
    """The wire rows of what a department really said; what was invented proves nothing."""
    if sample is None or sample.origin == "made" or row.system == CANONICAL:
        return ()
    return context.system_of(row).rows(sample.shape, sample.raw)


PROOFS: tuple[tuple[str, Proof], ...] = (("coverage", _covered),)
