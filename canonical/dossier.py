"""A dossier put together from its legs: who speaks for what, what it counts as, what is odd."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from canonical import codes, leg
from canonical.leg import Fold, Told
from canonical.precedence import Precedence, Role
from canonical.reasons import Reason
from canonical.shown import merged_spoke, shown_fields
from canonical.standing import (
    Extension,
    Facts,
    Moment,
    finished_does_not_decide,
    odd_transitions,
)
from canonical.states import Status

_ORDER = {status: place for place, status in enumerate(Status)}


class LegFacts(Struct, frozen=True, gc=False):
    """One leg as a dossier is put together from it.

    Attributes:
        said: Leaf path -> newest statement (leg.view).
        state: Its own state and since when (leg.state_of).
        entries: Its live timeline entries (at, status), oldest first.
        same_time: Whether it holds two different statements of one moment.
        gone_at: When it was found deleted at its source, ISO; None while it is there.
    """

    id: int
    namespace: str
    connection: str
    code: str
    generation: int
    role: Role
    said: Mapping[str, Told]
    state: tuple[str, Status] | None
    first_due: str | None
    entries: Sequence[tuple[str, Status]]
    same_time: bool
    gone_at: str | None


class Assembled(Struct, frozen=True):
    """What the store keeps of a dossier.

    Attributes:
        fields: Canonical fields as the outside face shows them, without PIN.
        spoke: Field -> "namespace:code" of the leg that gave it.
        legs: The legs as the outside face shows them.
        findings: Reason codes with their place, oldest rule first.
        facts: What judges it; None until agency, procedure and accepted_at are known.
        pin: Keyed digests of the PINs its legs hold.
        received_agency: Who received it, None until known.
    """

    fields: dict[str, Any]
    spoke: dict[str, str]
    legs: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    facts: Facts | None
    pins: list[str]
    received_agency: str | None
    status: Status | None
    judged_due_at: str | None


def leg_facts(
    *,
    leg_id: int,
    namespace: str,
    connection: str,
    code: str,
    generation: int,
    role: Role,
    fold: Fold,
    entries: Sequence[tuple[str, Status]],
    same_time: bool,
    gone_at: str | None,
) -> LegFacts:
    """A leg's facts out of its fold."""
    state = leg.state_of(fold)
    return LegFacts(
        id=leg_id,
        namespace=namespace,
        connection=connection,
        code=code,
        generation=generation,
        role=role,
        said=leg.view(fold),
        state=(state[0], Status(state[1])) if state is not None else None,
        first_due=leg.first_due(fold),
        entries=sorted(entries),
        same_time=same_time,
        gone_at=gone_at,
    )


def assemble(
    legs: Sequence[LegFacts], precedence: Precedence, doubtful: Mapping[int, Sequence[str]]
) -> Assembled:
    """The dossier of one component of legs.

    Args:
        legs: At least one leg.
        precedence: Who may speak, for the dossier's procedure.
        doubtful: leg id -> names ("namespace:code") of legs it is doubtfully tied to.
    """
    desk_first = _ordered(legs, precedence)
    if len(legs) == 1:
        values, spoke = _spoken_alone(legs[0], precedence)
    else:
        values, spoke = _spoken(legs, desk_first, precedence)
    state = _state(legs, precedence)
    status: Status | None = None
    if state is not None:
        speaker, status = state
        values["status"], spoke["status"] = status.value, _name(speaker)
        for path in ("raw_status", "step"):
            told = speaker.said.get(path)
            if told is not None and told.value is not None:
                values[path], spoke[path] = told.value, _name(speaker)
    received = _received(desk_first, precedence, values)
    facts = _facts(values, status, legs, precedence, desk_first, received)
    judged_due = None
    if facts is not None:
        judged_due = facts.first_due_at
        if facts.extensions:
            judged_due = max(facts.extensions, key=lambda e: e.at).new_due_at
    pins = [leg.said["pin"].value for leg in legs if "pin" in leg.said and leg.said["pin"].value]
    spoke.pop("pin", None)
    return Assembled(
        fields=shown_fields(values, received, judged_due),
        spoke=merged_spoke(spoke),
        legs=[_shown_leg(one) for one in sorted(legs, key=_natural)],
        findings=_findings(legs, facts, doubtful),
        facts=facts,
        pins=sorted(set(pins)),
        received_agency=received,
        status=status,
        judged_due_at=judged_due or values.get("due_at"),
    )


def _name(one: LegFacts) -> str:
    return f"{one.namespace}:{one.code}"


def _natural(one: LegFacts) -> tuple[str, str, int]:
    """An order that does not depend on who arrived first."""
    return (one.namespace, one.code, one.generation)


def _said(one: LegFacts, path: str) -> Any:
    told = one.said.get(path)
    return told.value if told is not None else None


def _ordered(legs: Sequence[LegFacts], precedence: Precedence) -> list[LegFacts]:
    """Legs in the order in which they may speak of the reception.

    Among legs of one role the one whose agency issued the national code comes first, then the one
    that was accepted first.
    """
    if len(legs) == 1:
        return list(legs)
    ranks = {role: place for place, role in enumerate(precedence.reception)}
    return sorted(
        legs,
        key=lambda one: (
            ranks.get(one.role, len(ranks)),
            not _issued(one),
            _said(one, "accepted_at") or "9999",
            one.namespace,
            one.code,
            one.generation,
        ),
    )


def _issued(one: LegFacts) -> bool:
    national = _said(one, "national_code")
    return national is not None and codes.issuing_agency(national) == _said(one, "agency")


def _spoken_alone(one: LegFacts, precedence: Precedence) -> tuple[dict[str, Any], dict[str, str]]:
    """As `_spoken`, of a dossier of one leg: whatever its role may speak of."""
    paths = precedence.may_give(one.role)
    values = {
        path: told.value
        for path, told in one.said.items()
        if told.value is not None and path in paths
    }
    return values, dict.fromkeys(values, _name(one))


def _spoken(
    legs: Sequence[LegFacts], desk_first: Sequence[LegFacts], precedence: Precedence
) -> tuple[dict[str, Any], dict[str, str]]:
    """Each field's value, and who gives it: by role, then reception order or newest word."""
    values: dict[str, Any] = {}
    spoke: dict[str, str] = {}
    for paths, roles, is_reception in precedence.groups():
        for role in roles:
            own = [one for one in (desk_first if is_reception else legs) if one.role is role]
            if is_reception or len(own) == 1:
                for one in own:
                    _speak(one, paths, values, spoke)
            elif own:
                _speak_newest(own, paths, values, spoke)
    return values, spoke


def _speak(
    one: LegFacts, paths: Container[str], values: dict[str, Any], spoke: dict[str, str]
) -> None:
    """What a leg says of fields that nobody before it said anything of."""
    name = _name(one)
    for path, told in one.said.items():
        if told.value is not None and path in paths and path not in values:
            values[path], spoke[path] = told.value, name


def _speak_newest(
    own: Sequence[LegFacts], paths: Iterable[str], values: dict[str, Any], spoke: dict[str, str]
) -> None:
    """Of legs of one role, field by field the newest that says something."""
    for path in paths:
        if path in values:
            continue
        said = [one for one in own if _said(one, path) is not None]
        if said:
            newest = max(
                said, key=lambda one: (one.said[path].effective_at, one.namespace, one.code)
            )
            values[path], spoke[path] = newest.said[path].value, _name(newest)


def _may_say(role: Role, status: Status, precedence: Precedence) -> bool:
    return role in precedence.state or status.value in precedence.state_only.get(role, ())


def _state(legs: Sequence[LegFacts], precedence: Precedence) -> tuple[LegFacts, Status] | None:
    """The leg that speaks for the state, and the state: the latest of those allowed."""
    best: tuple[str, int, str, LegFacts, Status] | None = None
    for one in legs:
        own = one.state
        if own is None or not _may_say(one.role, own[1], precedence):
            continue
        found = (own[0], _ORDER[own[1]], _name(one), one, own[1])
        if best is None or found[:3] > best[:3]:
            best = found
    return (best[3], best[4]) if best is not None else None


def _received(
    desk_first: Sequence[LegFacts], precedence: Precedence, values: Mapping[str, Any]
) -> str | None:
    """The agency that received it: what was said so, else the agency of the receiving leg."""
    said = values.get("received_at_agency")
    if said is not None:
        return str(said)
    for role in precedence.reception:
        for one in desk_first:
            if one.role is role and _said(one, "agency") is not None:
                return str(_said(one, "agency"))
    return None


def _facts(
    values: Mapping[str, Any],
    status: Status | None,
    legs: Sequence[LegFacts],
    precedence: Precedence,
    desk_first: Sequence[LegFacts],
    received: str | None,
) -> Facts | None:
    accepted = values.get("accepted_at")
    if accepted is None or received is None or values.get("procedure.code") is None:
        return None
    return Facts(
        accepted_at=accepted,
        status=status,
        finished_at=values.get("finished_at"),
        handed_over_at=values.get("handed_over_at"),
        stopped_at=values.get("stopped_at"),
        withdrawn_at=values.get("withdrawn_at"),
        refused_at=values.get("refused_at"),
        first_due_at=_first_due(desk_first, precedence),
        extensions=tuple(
            Extension(e["at"], e["new_due_at"]) for e in values.get("extensions") or ()
        ),
        moments=_moments(legs, precedence),
    )


def _first_due(desk_first: Sequence[LegFacts], precedence: Precedence) -> str | None:
    for role in precedence.reception:
        for one in desk_first:
            if one.role is role and one.first_due is not None:
                return one.first_due
    return None


def _moments(legs: Sequence[LegFacts], precedence: Precedence) -> tuple[Moment, ...]:
    """Entries of all legs as standing reads them; of a restricted leg only its allowed words."""
    found = []
    for one in legs:
        free = one.role in precedence.state
        allowed = precedence.state_only.get(one.role)
        if not free and allowed is None:
            continue
        for at, status in one.entries:
            counts = free or status.value in (allowed or ())
            found.append(Moment(at, status, "" if free else _name(one), counts))
    return tuple(sorted(found, key=lambda m: (m.at, _ORDER[m.status], m.lane)))


def _shown_leg(one: LegFacts) -> dict[str, Any]:
    own = one.state
    newest = max((t.effective_at for t in one.said.values()), default=None)
    return {
        "namespace": one.namespace,
        "connection": one.connection,
        "code": one.code,
        "generation": one.generation,
        "role": one.role.value,
        "status": own[1].value if own is not None else None,
        "updated_at": newest,
        "gone_at": one.gone_at,
    }


def _findings(
    legs: Sequence[LegFacts], facts: Facts | None, doubtful: Mapping[int, Sequence[str]]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def note(reason: Reason, field: str | None = None, about: str | None = None) -> None:
        found.append({"reason": reason.value, "field": field, "about": about})

    for one in sorted(legs, key=_natural):
        for other in sorted(doubtful.get(one.id, ())):
            note(Reason.TIE_DOUBTFUL, None, other)
        if one.same_time:
            note(Reason.ORDER_ODD, "updated_at", _name(one))
    if facts is None:
        return found
    if facts.first_due_at is None:
        note(Reason.DUE_MISSING, "due_at")
    if finished_does_not_decide(facts):
        note(Reason.ORDER_ODD, "finished_at")
    if facts.finished_at and facts.handed_over_at and facts.handed_over_at < facts.finished_at:
        note(Reason.ORDER_ODD, "handed_over_at")
    for before, after in odd_transitions(facts):
        note(Reason.TRANSITION_ODD, "status", f"{before.value} > {after.value}")
    return found


__all__ = ["Assembled", "LegFacts", "assemble", "leg_facts"]
