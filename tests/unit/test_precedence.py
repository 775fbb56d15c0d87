"""Precedence as data: groups of fields, roles in order, a default where nothing is said."""

import pytest

from canonical.precedence import (
    DEFAULT,
    EVERY_FIELD,
    HAND_OVER,
    MONEY,
    RECEPTION,
    WORK,
    Precedence,
    Role,
    precedence_from,
)

DESK, HANDLING, MONEY_ROLE = Role.DESK, Role.HANDLING, Role.MONEY


def roles_for(path: str) -> tuple[Role, ...]:
    """The roles that may give a field by default: of the one group it is in."""
    [roles] = [roles for paths, roles, _ in DEFAULT.groups() if path in paths]
    return roles


def test_by_default_the_desk_receives_the_department_works_the_desk_hands_over() -> None:
    for path in RECEPTION:
        assert roles_for(path) == (DESK, HANDLING)
    for path in WORK:
        assert roles_for(path) == (HANDLING, DESK)
    for path in HAND_OVER:
        assert roles_for(path) == (DESK, HANDLING)
    for path in MONEY:
        assert roles_for(path) == (MONEY_ROLE, HANDLING, DESK)


def test_every_field_is_in_exactly_one_group() -> None:
    assert len(EVERY_FIELD) == len(set(EVERY_FIELD))
    for path in EVERY_FIELD:
        assert roles_for(path)


def test_every_field_a_snapshot_may_say_has_a_group_or_is_the_state() -> None:
    from canonical.fields import MERGED, Applicant, Procedure, Snapshot

    leaves = {"procedure": Procedure, "applicant": Applicant, "acting": Applicant}
    said = set(Snapshot.__struct_fields__) - set(MERGED) - {"code", "facet", "version"}
    said |= {f"{n}.{leaf}" for n, shape in leaves.items() for leaf in shape.__struct_fields__}
    # The state has its own rule; the timeline and the place in it are no fields shown.
    apart = {"updated_at", "status", "raw_status", "history"}
    assert said - set(EVERY_FIELD) == apart
    assert set(EVERY_FIELD) <= said


def test_a_procedures_own_precedence_changes_only_the_groups_it_names() -> None:
    turned = precedence_from({"hand_over": ["handling"], "state": ["desk"]})
    assert turned.hand_over == (HANDLING,)
    assert turned.state == (DESK,)
    assert turned.reception == DEFAULT.reception
    assert turned.work == DEFAULT.work
    assert turned.state_only == DEFAULT.state_only


def test_nothing_said_is_the_default() -> None:
    assert precedence_from(None) == precedence_from({}) == DEFAULT == Precedence()


@pytest.mark.parametrize("data", [{"handover": ["desk"]}, {"state": ["boss"]}])
def test_a_group_or_role_that_does_not_exist_is_refused(data: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"handover|boss"):
        precedence_from(data)
