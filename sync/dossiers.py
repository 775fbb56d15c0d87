"""Legs put together into dossiers, what those count as, and the change feed.

The second half of "decide and apply": runs under the feed's lock, so that ties never race, changes
are gapless and nobody sees them out of order. Reads and writes a constant number of statements.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from canonical import codes
from canonical.dossier import Assembled, LegFacts, assemble, leg_facts
from canonical.leg import Fold
from canonical.precedence import DEFAULT, Precedence, Role
from canonical.standing import day
from canonical.states import Status
from canonical.ties import Claim, Cluster, TieLeg, tie, tie_leg
from store.dossiers import ChangeRow, DossierRow, Held
from store.ground import DossierGround, Turn
from store.legs import ClaimRecord, Entry, LegRow
from store.tables import POSITION_BITS
from sync.batch import Touched
from sync.judging import judge
from sync.timeline import merge_entries, replace_entries

PrecedenceOf = Mapping[str, Precedence]
_ENCODER = msgspec.json.Encoder()
LAST_PLACE = 1 << POSITION_BITS  # behind every record of a batch


class Built(Struct):
    """One dossier as it is now."""

    id: int
    legs: list[int]
    assembled: Assembled
    row: DossierRow


class World(Struct):
    """Everything a change can reach, read once."""

    rows: dict[int, LegRow]
    folds: dict[int, Fold]
    entries: dict[int, dict[str, Entry]]
    members: dict[int, int]
    roles: Mapping[str, str]
    ties: dict[int, TieLeg]
    cluster: Cluster


def put_together(
    ground: DossierGround,
    touched: Touched,
    receipt_id: int | None,
    at: str,
    precedences: PrecedenceOf,
) -> dict[int, str]:
    """Rebuild every dossier that the touched legs reach; leg id -> public id of its dossier.

    Args:
        ground: What the batch was decided on.
        touched: What the batch changed.
        receipt_id: The receipt that caused it.
        at: Now, ISO text at +07:00.
        precedences: procedure key -> precedence, where it differs from the default.
    """
    if not touched.order:
        return {}
    newest = ground.lock_feed()
    freed = _save_claims(ground, touched)
    world = _read_world(ground, touched, freed)
    for leg_id, told in touched.entries.items():
        # The final seq is set below; for now entries only need to be merged and marked.
        merge_entries(world.entries.setdefault(leg_id, {}), told, world.folds[leg_id], -1)
    for leg_id, own in touched.retold.items():
        replace_entries(world.entries.setdefault(leg_id, {}), own, touched.retold_by, -1)
    held = ground.load_held(world.rows)
    built = _build(world, held, precedences)
    changes, turns = _changes(world, built, held, touched, newest, receipt_id, at)
    seq_of = {c.dossier_id: c.seq for c in changes}
    _write(ground, world, built, held, seq_of, newest + len(changes))
    ground.append_changes(newest, changes, turns)
    return {leg_id: b.row.public_id for b in built for leg_id in b.legs}


def _save_claims(ground: DossierGround, touched: Touched) -> set[tuple[str, str]]:
    """Bring the claims of the touched legs up to date; withdrawn ones stay, not live.

    Returns the (kind, key) of those withdrawn now.
    """
    held_of: dict[int, dict[tuple[str, str], ClaimRecord]] = {}
    for claim in ground.load_claims(touched.order):
        held_of.setdefault(claim.leg_id, {})[(claim.kind, claim.key)] = claim
    changed: list[ClaimRecord] = []
    for leg_id in touched.order:
        held = held_of.get(leg_id, {})
        now = {(c.kind, c.key): c for c in touched.claims[leg_id]}
        changed += [
            ClaimRecord(leg_id, new.kind, new.key, new.code, live=True)
            for place, new in sorted(now.items())
            if place not in held or not held[place].live
        ]
        changed += [
            ClaimRecord(leg_id, old.kind, old.key, old.code, live=False)
            for place, old in held.items()
            if old.live and place not in now
        ]
    ground.save_claims(changed)
    if changed:
        ground.note_crowds(touched.order)
    return {(claim.kind, claim.key) for claim in changed if not claim.live}


def _read_world(
    ground: DossierGround, touched: Touched, freed: Collection[tuple[str, str]]
) -> World:
    """The touched legs, those in the same dossiers, and all that claims reach from them.

    Who still makes a claim that was withdrawn is reached as well: two who doubted because a third
    made it too are one case now.
    """
    near = ground.members(touched.order)
    left = ground.claimants(freed) if freed else set()
    reached = ground.reach({*touched.order, *near, *left})
    far = reached - set(near)
    members = near | (ground.members(far) if far - set(touched.order) else {})
    wanted = reached | set(members)
    rows = dict(touched.legs)
    rows.update(ground.load_legs(wanted - set(rows)) if wanted - set(rows) else {})
    others = [row for i, row in rows.items() if i not in touched.folds]
    folds = {**ground.folds(others), **touched.folds}
    void = ground.crowded(rows)
    # One of which nothing can be read any more stays with those it was tied to.
    silent = [i for i in rows if not folds[i].fields and i not in touched.claims]
    claims = {**touched.claims, **(_claimed(ground, silent) if silent else {})}
    ties = {
        i: tie_leg(i, r.namespace, r.code, folds[i], void, claims.get(i)) for i, r in rows.items()
    }
    return World(
        rows=rows,
        folds=folds,
        entries=ground.load_entries(rows),
        members=members,
        roles=ground.roles(),
        ties=ties,
        cluster=tie(list(ties.values())),
    )


def _claimed(ground: DossierGround, leg_ids: Sequence[int]) -> dict[int, frozenset[Claim]]:
    found: dict[int, set[Claim]] = {i: set() for i in leg_ids}
    for one in ground.load_claims(leg_ids):
        if one.live:
            found[one.leg_id].add(Claim(one.kind, one.key, one.code))
    return {i: frozenset(own) for i, own in found.items()}


def facts_of(row: LegRow, fold: Fold, entries: Iterable[Entry], role: str) -> LegFacts:
    """A leg's facts from what the store holds of it."""
    live = [(e.at, Status(e.status)) for e in entries if e.retracted_by is None]
    return leg_facts(
        leg_id=row.id,
        namespace=row.namespace,
        connection=row.connection_id,
        code=row.code,
        generation=row.generation,
        role=Role(role),
        fold=fold,
        entries=live,
        same_time=row.same_time,
        gone_at=row.gone_at,
    )


def _build(world: World, held: Mapping[int, Held], precedences: PrecedenceOf) -> list[Built]:
    facts = {
        i: facts_of(
            row, world.folds[i], world.entries.get(i, {}).values(), world.roles[row.connection_id]
        )
        for i, row in world.rows.items()
    }
    names = {i: f"{row.namespace}:{row.code}" for i, row in world.rows.items()}
    doubts = {i: [names[o] for o in others] for i, others in world.cluster.doubtful.items()}
    built = []
    for component in world.cluster.components:
        dossier_id = _living_id(component, world, held)
        # One of which nothing can be read any more is shown only where there is no other.
        speaking = [i for i in component if world.folds[i].fields] or component
        assembled = assemble(
            [facts[i] for i in speaking], precedence_of(component, world, precedences), doubts
        )
        founder = world.rows[dossier_id]
        public = codes.dossier_id(founder.namespace, founder.code, founder.generation)
        built.append(
            Built(dossier_id, component, assembled, dossier_row(dossier_id, public, assembled))
        )
    return built


def precedence_of(component: Sequence[int], world: World, precedences: PrecedenceOf) -> Precedence:
    """The precedence of the dossier's procedure, else the default."""
    found = {world.ties[i].procedure for i in component} - {None}
    return precedences.get(min(str(p) for p in found), DEFAULT) if found else DEFAULT


def _living_id(component: Sequence[int], world: World, held: Mapping[int, Held]) -> int:
    """The id of the dossier these legs are: the one that was first made for any of them.

    A leg that arrived already tied began none; where no leg began one, the first by name does now.
    """
    founders = [i for i in component if i in held]
    if founders:
        return min(founders, key=lambda i: held[i].created_seq)
    return min(component, key=lambda i: _name(world, i))


def _name(world: World, leg_id: int) -> tuple[str, str, int]:
    """What a leg is called: orders legs alike wherever and whenever they were given their ids."""
    row = world.rows[leg_id]
    return (row.namespace, row.code, row.generation)


def dossier_row(dossier_id: int, public_id: str, made: Assembled) -> DossierRow:
    """The dossier's row; its body is what the outside face shows, byte for byte."""
    fields = made.fields
    procedure = fields["procedure"]
    body = {"id": public_id, **fields, "legs": made.legs, "spoke": made.spoke}
    accepted, due = fields["accepted_at"], made.judged_due_at
    return DossierRow(
        id=dossier_id,
        public_id=public_id,
        merged_into=None,
        agency=fields["agency"],
        received_agency=made.received_agency,
        procedure_code=procedure["code"] if procedure else None,
        status=made.status.value if made.status is not None else None,
        channel=fields["channel"],
        accepted_on=day(accepted) if accepted else None,
        due_on=day(due) if due else None,
        body=_ENCODER.encode(body).decode(),
        findings=_ENCODER.encode(made.findings).decode(),
        pins=_ENCODER.encode(made.pins).decode(),
        created_seq=0,
        changed_seq=0,
    )


def _changes(
    world: World,
    built: Sequence[Built],
    held: Mapping[int, Held],
    touched: Touched,
    newest: int,
    receipt_id: int | None,
    at: str,
) -> tuple[list[ChangeRow], list[Turn]]:
    """What the feed says of this batch, in the order in which the batch spoke; each line's turn."""
    was: dict[int, set[int]] = {}
    for leg_id, dossier_id in world.members.items():
        was.setdefault(dossier_id, set()).add(leg_id)
    told: list[tuple[int, str, int | None]] = []
    turns: list[Turn] = []
    for turn, one in sorted(
        ((_turn(b, touched, world), b) for b in built), key=lambda found: found[0]
    ):
        lines = _change(one, was, world, held, touched)
        told += lines
        turns += [turn] * len(lines)
    changes = [
        ChangeRow(newest + 1 + n, dossier_id, kind, at, into, receipt_id)
        for n, (dossier_id, kind, into) in enumerate(told)
    ]
    return changes, turns


def _turn(one: Built, touched: Touched, world: World) -> Turn:
    """A dossier's turn to be told of: as the batch spoke of it, else by the names of its legs.

    Never by leg ids: two transactions at once are given theirs in another order than they commit
    in, and a proof has to come to the same feed.
    """
    return (
        min(touched.order.get(i, LAST_PLACE) for i in one.legs),
        sorted(_name(world, i) for i in one.legs),
    )


def _change(
    one: Built,
    was: Mapping[int, set[int]],
    world: World,
    held: Mapping[int, Held],
    touched: Touched,
) -> list[tuple[int, str, int | None]]:
    """The lines of one dossier: (dossier id, kind, into)."""
    joined = sorted(
        (
            i
            for i in one.legs
            if i != one.id and i in held and held[i].merged_into != one.id and i in world.members
        ),
        key=lambda i: _name(world, i),
    )
    lines: list[tuple[int, str, int | None]] = [(i, "joined", one.id) for i in joined]
    before = held.get(one.id)
    if before is None:
        lines.append((one.id, "created", None))
    elif before.merged_into is not None:
        lines.append((one.id, "restored", None))
    elif was.get(one.id, set()) - set(one.legs):
        lines.append((one.id, "split", None))
    elif joined or not _is_same(before, one.row) or set(one.legs) & touched.legs.keys():
        late_only = set(one.legs) & touched.legs.keys() <= touched.late
        kind = "corrected" if late_only and not joined else "changed"
        kind = _gone_or_back(one, was.get(one.id, set()), world, touched) or kind
        lines.append((one.id, kind, None))
    return lines


def _gone_or_back(
    one: Built, before: Collection[int], world: World, touched: Touched
) -> str | None:
    """Gone where no leg is left at its source, restored where one is there again; else None."""
    was_gone = bool(before) and all(
        i in touched.restored or (world.rows[i].gone_at is not None and i not in touched.gone)
        for i in before
    )
    is_gone = all(world.rows[i].gone_at is not None for i in one.legs)
    if was_gone == is_gone:
        return None
    return "gone" if is_gone else "restored"


def _is_same(before: Held, row: DossierRow) -> bool:
    return (before.body, before.findings, before.pins) == (row.body, row.findings, row.pins)


def _write(
    ground: DossierGround,
    world: World,
    built: Sequence[Built],
    held: Mapping[int, Held],
    seq_of: Mapping[int, int],
    last: int,
) -> None:
    changed = [b for b in built if b.id in seq_of]
    ground.save_entries(_stamped_entries(world, built, seq_of, last))
    ground.save_dossiers(
        [
            msgspec.structs.replace(b.row, created_seq=seq_of[b.id], changed_seq=seq_of[b.id])
            for b in changed
        ],
    )
    merged = [
        (i, b.id)
        for b in built
        for i in b.legs
        if i != b.id and i in held and held[i].merged_into != b.id
    ]
    ground.merge_dossiers(merged, last)
    ground.save_members([(i, b.id) for b in built for i in b.legs if world.members.get(i) != b.id])
    rows, spans = [], []
    for b in changed:
        row, earlier = judge(b.id, b.assembled)
        rows += [row] if row is not None else []
        spans += earlier
    ground.save_judgements([*(b.id for b in changed), *(old for old, _ in merged)], rows, spans)
    ground.note_agencies(
        {a for b in changed for a in (b.row.agency, b.row.received_agency) if a is not None}
    )


def _stamped_entries(
    world: World, built: Sequence[Built], seq_of: Mapping[int, int], last: int
) -> list[Entry]:
    """The entries to write, each with the seq at which the hub learnt it."""
    told = []
    for b in built:
        for i in b.legs:
            for entry in world.entries.get(i, {}).values():
                if not entry.is_changed:
                    continue
                if entry.known_seq == -1:
                    entry.known_seq = seq_of.get(b.id, last)
                if entry.retracted_seq == -1:
                    entry.retracted_seq = seq_of.get(b.id, last)
                told.append(entry)
    return told
