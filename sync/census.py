"""A source's counts held against the hub's: per procedure and day of acceptance, how many, which.

Where count and digest are equal nothing has to be listed. A procedure that the mapping does not
know differs always: its dossiers are in the quarantine.
"""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from canonical import clock, leg
from canonical.leg import Fold
from canonical.ports import Counts, Tally
from store import reconciliations
from store.connections import ConnectionRow
from store.legs import LegRow
from sync.context import Context

Group = tuple[str | None, date | None]
_ROUND = 1 << 64


class Differing(Struct, frozen=True):
    """What the two counts do not agree on.

    Attributes:
        groups: As the hub names them.
        tallies: What the source counts in them.
        total: How many dossiers the source counts in all.
    """

    groups: frozenset[Group]
    tallies: Sequence[Tally]
    total: int

    @property
    def is_most(self) -> bool:
        """Whether so much differs that the whole list costs less than its parts."""
        return sum(tally.count for tally in self.tallies) * 2 > self.total


def differing(
    context: Context,
    connection: ConnectionRow,
    client: Counts,
    tallies: Sequence[Tally],
    until_id: int,
) -> Differing:
    """What the source and the hub count differently."""
    with context.store.read() as tx:
        mapping = context.mapping(tx, connection, connection.mapping_version)
    codes = mapping.tables.get("procedure", {})
    theirs: dict[Group, tuple[int, int]] = {}
    of_group: dict[Group, list[Tally]] = {}
    unknown: list[Tally] = []
    for tally in tallies:
        if tally.procedure not in codes:
            unknown.append(tally)
            continue
        group = (str(codes[tally.procedure]), tally.day)
        count, digest = theirs.get(group, (0, 0))
        theirs[group] = (count + tally.count, (digest + tally.digest) % _ROUND)
        of_group.setdefault(group, []).append(tally)
    ours = _counted(context, connection, client, until_id)
    groups = {group for group in {*ours, *theirs} if ours.get(group) != theirs.get(group)}
    listed = [tally for group in sorted(groups, key=str) for tally in of_group.get(group, ())]
    return Differing(frozenset(groups), [*listed, *unknown], sum(t.count for t in tallies))


def _counted(
    context: Context, connection: ConnectionRow, client: Counts, until_id: int
) -> dict[Group, tuple[int, int]]:
    found: dict[Group, tuple[int, int]] = {}
    with context.store.read() as tx:
        for row in reconciliations.stream_legs(tx, connection.id, until_id):
            fold = leg.decode(row.fold)
            said = leg.view(fold)
            updated_at = max(told.effective_at for told in said.values())
            own = client.mark(
                row.code,
                {path: told.value for path, told in said.items()},
                clock.from_iso(updated_at),
            )
            group = _group(fold)
            count, digest = found.get(group, (0, 0))
            found[group] = (count + 1, (digest + own) % _ROUND)
    return found


def group_of(row: LegRow) -> Group:
    """Procedure and day of acceptance of a leg, as far as they are said."""
    return _group(leg.decode(row.fold))


def _group(fold: Fold) -> Group:
    accepted = accepted_on(fold)
    procedure = leg.newest(fold, "procedure.code")
    return (procedure.value if procedure is not None else None, accepted)


def accepted_on(fold: Fold) -> date | None:
    """The day on which a leg says it was accepted; None where it does not."""
    told = leg.newest(fold, "accepted_at")
    if told is None or told.value is None:
        return None
    return clock.day_of(clock.from_iso(told.value))
