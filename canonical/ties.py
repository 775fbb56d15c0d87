"""Which legs are one case: live ties between namespaces, contradictions refused, nothing guessed.

A tie is a claim two legs share: a national code, a receipt number within its issuing agency, or a
declared cross-reference. It joins only across namespaces, and not where procedure or applicant
contradict; nor where two legs of one namespace make the same claim, since then nobody can say which
of them is meant. What does not join is noted TIE_DOUBTFUL. The result does not depend on the order
in which legs arrived.
"""

from collections.abc import Container, Iterable, Sequence
from itertools import combinations

from msgspec import Struct

from canonical import codes
from canonical.leg import Fold, Told, newest
from canonical.text import folded

NATIONAL = "national"
RECEIPT = "receipt"
LINK = "link"


class Claim(Struct, frozen=True, order=True, gc=False):
    """One thing a leg claims to be.

    Attributes:
        kind: national | receipt | link.
        key: What two legs must share to be tied.
        code: What a person would type to find it.
    """

    kind: str
    key: str
    code: str


class TieLeg(Struct, frozen=True):
    """What tying needs of a leg.

    Attributes:
        own: "namespace:code"; two generations of one code share it.
    """

    id: int
    namespace: str
    own: str
    claims: frozenset[Claim]
    procedure: str | None
    id_number: str | None
    name: str | None


class Cluster(Struct, frozen=True):
    """The outcome for a set of legs that share claims.

    Attributes:
        components: Leg ids that are one dossier each, sorted.
        doubtful: leg id -> ids of legs it shares a claim with and is not joined to for doubt.
    """

    components: list[list[int]]
    doubtful: dict[int, list[int]]


def claims_of(namespace: str, code: str, fold: Fold) -> frozenset[Claim]:
    """The live claims of a leg, its own code included."""
    found = {Claim(LINK, f"{namespace}:{code}", f"{namespace}:{code}")}
    national = _value(newest(fold, "national_code"))
    if national is not None:
        found.add(Claim(NATIONAL, national, national))
    receipt = _value(newest(fold, "receipt_number"))
    if receipt is not None:
        agency = _value(newest(fold, "received_at_agency")) or _value(newest(fold, "agency"))
        if agency is not None:
            found.add(Claim(RECEIPT, f"{agency}|{receipt}", receipt))
    links = newest(fold, "links")
    for link in (links.value or ()) if links is not None else ():
        key = f"{link['namespace']}:{link['code']}"
        found.add(Claim(LINK, key, key))
    return frozenset(found)


def tie_leg(
    leg_id: int,
    namespace: str,
    code: str,
    fold: Fold,
    void: Container[tuple[str, str]] = frozenset(),
    claims: frozenset[Claim] | None = None,
) -> TieLeg:
    """What tying needs, taken from a leg's fold; claims of a (kind, key) in `void` do not count.

    `claims` are those of this fold, where somebody has them already.
    """
    procedure = _value(newest(fold, "procedure.code"))
    name = _value(newest(fold, "applicant.name"))
    return TieLeg(
        id=leg_id,
        namespace=namespace,
        own=f"{namespace}:{code}",
        claims=frozenset(
            claim
            for claim in (claims_of(namespace, code, fold) if claims is None else claims)
            if (claim.kind, claim.key) not in void or _is_own(claim, namespace, code)
        ),
        procedure=codes.procedure_key(procedure) if procedure else None,
        id_number=_value(newest(fold, "applicant.id_number")),
        name=folded(name) if name else None,
    )


def _is_own(claim: Claim, namespace: str, code: str) -> bool:
    return claim.kind == LINK and claim.key == f"{namespace}:{code}"


def contradicts(one: TieLeg, other: TieLeg) -> bool:
    """Whether two legs cannot be one case: another procedure, or another applicant."""
    if one.procedure and other.procedure and one.procedure != other.procedure:
        return True
    if one.id_number and other.id_number:
        return one.id_number != other.id_number
    return bool(one.name and other.name and one.name != other.name)


def tie(legs: Sequence[TieLeg]) -> Cluster:
    """The components that legs fall into, and the ties that are doubtful."""
    by_id = {leg.id: leg for leg in legs}
    edges, doubtful = _edges(legs)
    components = {leg.id: {leg.id} for leg in legs}
    for one, other in sorted(edges, key=lambda e: _edge_order(by_id, e)):
        left, right = components[one], components[other]
        if left is right:
            continue
        if _clash(by_id, left, right):
            doubtful |= {(one, other)}
            continue
        left |= right
        for leg_id in right:
            components[leg_id] = left
    unique = {id(c): sorted(c) for c in components.values()}
    if not doubtful:
        return Cluster(sorted(unique.values()), {})
    joined = {(a, b) for c in unique.values() for a, b in combinations(c, 2)}
    noted: dict[int, set[int]] = {}
    for one, other in doubtful:
        if (min(one, other), max(one, other)) not in joined:
            noted.setdefault(one, set()).add(other)
            noted.setdefault(other, set()).add(one)
    return Cluster(sorted(unique.values()), {k: sorted(v) for k, v in sorted(noted.items())})


def _edges(legs: Sequence[TieLeg]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Pairs that a claim ties, and pairs whose claim is in doubt."""
    claimants: dict[tuple[str, str], list[TieLeg]] = {}
    for leg in legs:
        for claim in leg.claims:
            claimants.setdefault((claim.kind, claim.key), []).append(leg)
    edges: set[tuple[int, int]] = set()
    doubtful: set[tuple[int, int]] = set()
    for (kind, key), group in claimants.items():
        if len(group) < 2:
            continue
        owners = [leg for leg in group if leg.own == key] if kind == LINK else []
        if kind == LINK and not owners:
            continue  # two legs that name a third one the hub has not seen yet
        crowded = _crowded(group) if kind != LINK else frozenset()
        for one, other in combinations(sorted(group, key=lambda leg: leg.id), 2):
            if one.namespace == other.namespace:
                continue
            pair = (one.id, other.id)
            unsure = (
                contradicts(one, other)
                or {one.namespace, other.namespace} & crowded
                or _is_ambiguous(one, other, owners)
            )
            (doubtful if unsure else edges).add(pair)
    return edges, doubtful - edges


def _crowded(group: Iterable[TieLeg]) -> frozenset[str]:
    """Namespaces in which two legs make the same claim."""
    seen: set[str] = set()
    twice: set[str] = set()
    for leg in group:
        (twice if leg.namespace in seen else seen).add(leg.namespace)
    return frozenset(twice)


def _is_ambiguous(one: TieLeg, other: TieLeg, owners: Sequence[TieLeg]) -> bool:
    """Whether a link means a code that several generations bear, and more than one may be meant."""
    if len(owners) < 2:
        return False
    linking = [leg for leg in (one, other) if leg not in owners]
    return len(linking) > 1 or sum(not contradicts(linking[0], o) for o in owners) > 1


def _clash(by_id: dict[int, TieLeg], left: set[int], right: set[int]) -> bool:
    """Whether two components may not become one: a namespace twice, or any contradiction."""
    return any(
        by_id[one].namespace == by_id[other].namespace or contradicts(by_id[one], by_id[other])
        for one in left
        for other in right
    )


def _edge_order(by_id: dict[int, TieLeg], edge: tuple[int, int]) -> list[tuple[str, int]]:
    """An order that no order of arrival can change; generations arrive in theirs."""
    return sorted((by_id[leg_id].own, leg_id) for leg_id in edge)


def _value(told: Told | None) -> str | None:
    return told.value if told is not None and told.value is not None else None
