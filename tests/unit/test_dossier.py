"""A dossier put together from its legs: who speaks for each field, and what is odd."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from canonical import leg
from canonical.dossier import Assembled, LegFacts, assemble, leg_facts
from canonical.leg import Fold
from canonical.precedence import Precedence, Role
from canonical.record import Record, to_record
from canonical.states import Status

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
BASE: dict[str, Any] = {
    "version": 1,
    "updated_at": "2026-03-02T09:00:00+07:00",
    "status": "in_progress",
    "agency": "H50.12",
    "procedure": {"code": "1.001612"},
    "accepted_at": "2026-03-02T09:00:00+07:00",
    "due_at": "2026-03-10T17:00:00+07:00",
}
_IDS: dict[str, int] = {}


def one_leg(name: str, role: Role, *told: dict[str, Any], **more: Any) -> LegFacts:
    """A leg called "namespace:code" of the records told, oldest first; `...` leaves a field out."""
    namespace, _, code = name.partition(":")
    fold, entries = Fold({}, {}), []
    for number, over in enumerate(told or ({},), start=1):
        base = BASE if over.get("facet", "snapshot") == "snapshot" else {"version": number}
        said = {k: v for k, v in {"code": code, **base, **over}.items() if v is not ...}
        record = to_record(said, 0, now=NOW)
        assert isinstance(record, Record), record
        leg.tell(fold, record, number, NOW)
        if record.says.get("status"):
            entries.append((leg.effective_at(record, NOW), Status(record.says["status"])))
    return leg_facts(
        leg_id=_IDS.setdefault(name, len(_IDS) + 1),
        namespace=namespace,
        connection=namespace,
        code=code,
        generation=1,
        role=role,
        fold=fold,
        entries=entries,
        **{"same_time": False, "gone_at": None, **more},
    )


def put(*legs: LegFacts, precedence: Precedence | None = None) -> Assembled:
    """The dossier, the same whatever the order of its legs."""
    rule = precedence or Precedence()
    made = [assemble(list(order), rule, {}) for order in permutations(legs)]
    assert all(one == made[0] for one in made)
    return made[0]


DESK, HANDLING, MONEY = Role.DESK, Role.HANDLING, Role.MONEY


def test_reception_comes_from_the_desk_and_work_from_the_department() -> None:
    made = put(
        one_leg("desk:D", DESK, {"finished_at": "2026-03-11T09:00:00+07:00", "step": "bàn"}),
        one_leg(
            "gt:G",
            HANDLING,
            {
                "agency": "H50.19",
                "accepted_at": "2026-03-03T09:00:00+07:00",
                "due_at": "2026-03-20T17:00:00+07:00",
                "finished_at": "2026-03-09T09:00:00+07:00",
                "updated_at": "2026-03-09T09:00:00+07:00",
                "step": "sở",
            },
        ),
    )
    assert made.fields["accepted_at"] == BASE["accepted_at"]
    assert made.fields["due_at"] == BASE["due_at"]
    assert made.fields["finished_at"] == "2026-03-09T09:00:00+07:00"
    assert (made.fields["agency"], made.received_agency) == ("H50.19", "H50.12")
    assert made.fields["step"] == "sở"
    assert made.spoke["accepted_at"] == "desk:D"
    assert made.spoke["finished_at"] == "gt:G"
    assert made.facts is not None
    assert made.facts.first_due_at == BASE["due_at"]


def test_a_field_the_first_speaker_leaves_open_is_the_next_ones() -> None:
    made = put(
        one_leg("desk:D", DESK, {"due_at": None, "channel": ...}),
        one_leg("gt:G", HANDLING, {"channel": "online"}),
    )
    assert made.fields["due_at"] == BASE["due_at"]
    assert made.spoke["due_at"] == made.spoke["channel"] == "gt:G"


def test_the_state_is_the_latest_of_those_who_may_speak() -> None:
    desk = one_leg("desk:D", DESK, {"updated_at": "2026-03-05T09:00:00+07:00"})
    paid = {"facet": "money", "updated_at": "2026-03-08T09:00:00+07:00"}
    waits = one_leg("tax:T", MONEY, {**paid, "status": "financial"})
    done = one_leg("tax:T", MONEY, {**paid, "status": "finished"})
    assert put(desk, waits).status is Status.FINANCIAL
    assert put(desk, done).status is Status.IN_PROGRESS
    turned = Precedence(state=(DESK, MONEY))
    assert put(desk, done, precedence=turned).status is Status.FINISHED


def test_a_money_leg_gives_the_fees_before_all_others() -> None:
    made = put(
        one_leg("desk:D", DESK, {"fees": [{"amount": 1}]}),
        one_leg("tax:T", MONEY, {"facet": "money", "fees": [{"amount": 2}]}),
    )
    assert made.fields["fees"][0]["amount"] == 2


def test_among_desks_the_one_that_issued_the_national_code_comes_first() -> None:
    code = "H50.14-260302-0001"
    mine = one_leg("z:Z", DESK, {"agency": "H50.14", "national_code": code, "channel": "online"})
    other = one_leg(
        "a:A",
        DESK,
        {
            "national_code": code,
            "channel": "post",
            "accepted_at": "2026-03-01T09:00:00+07:00",
        },
    )
    assert put(mine, other).fields["channel"] == "online"


def test_among_equals_the_one_that_accepted_first_received_it() -> None:
    late = one_leg("a:A", DESK, {"accepted_at": "2026-03-05T09:00:00+07:00"})
    early = one_leg("b:B", DESK, {"agency": "H50.14"})
    made = put(late, early)
    assert (made.received_agency, made.spoke["accepted_at"]) == ("H50.14", "b:B")


def test_what_was_said_to_have_received_it_did() -> None:
    made = put(one_leg("desk:D", DESK, {"received_at_agency": "H50.14"}))
    assert (made.received_agency, made.fields["received_at_agency"]) == ("H50.14", "H50.14")
    silent = put(one_leg("desk:D", DESK))
    assert silent.fields["received_at_agency"] == "H50.12"


@pytest.mark.parametrize("missing", ["accepted_at", "agency", "procedure"])
def test_it_is_judged_once_agency_procedure_and_acceptance_are_known(missing: str) -> None:
    told = {"facet": "reception", **{k: v for k, v in BASE.items() if k != missing}}
    assert put(one_leg("desk:D", DESK, told)).facts is None
    assert put(one_leg("desk:D", DESK, {**told, missing: BASE[missing]})).facts is not None


def test_objects_are_told_as_one_where_one_leg_gave_all_of_them() -> None:
    both = put(one_leg("desk:D", DESK, {"procedure": {"code": "1.001612", "name": "Tên"}}))
    assert both.spoke["procedure"] == "desk:D"
    mixed = put(
        one_leg("desk:D", DESK),
        one_leg("gt:G", HANDLING, {"procedure": {"code": "1.001612", "name": "Tên"}}),
    )
    assert (mixed.spoke["procedure.code"], mixed.spoke["procedure.name"]) == ("desk:D", "gt:G")
    assert mixed.fields["procedure"] == {"code": "1.001612", "name": "Tên", "domain": None}


def test_no_pin_is_shown_and_all_are_kept() -> None:
    made = put(
        one_leg("desk:D", DESK, {"pin": "123456"}),
        one_leg("gt:G", HANDLING, {"pin": "654321"}),
        one_leg("tax:T", MONEY, {"facet": "money"}),
    )
    assert made.pins == ["123456", "654321"]
    assert "pin" not in made.fields
    assert "pin" not in made.spoke


def test_the_due_day_shown_is_the_first_promise_or_the_last_extension() -> None:
    moved = {"version": 2, "due_at": "2026-03-30T17:00:00+07:00"}
    silently = put(one_leg("desk:D", DESK, {}, moved))
    assert silently.judged_due_at == BASE["due_at"]
    assert silently.fields["due_at"] == moved["due_at"]
    declared = [
        {"at": "2026-03-09T09:00:00+07:00", "new_due_at": "2026-03-25T17:00:00+07:00"},
        {"at": "2026-03-08T09:00:00+07:00", "new_due_at": "2026-03-28T17:00:00+07:00"},
    ]
    told = put(one_leg("desk:D", DESK, {"extensions": declared}))
    assert told.judged_due_at == "2026-03-25T17:00:00+07:00"


def found(made: Assembled) -> Sequence[tuple[str, str | None, str | None]]:
    return [(f["reason"], f["field"], f["about"]) for f in made.findings]


@pytest.mark.parametrize(
    ("over", "finding"),
    [
        ({"due_at": None}, ("DUE_MISSING", "due_at", None)),
        (
            {"status": "stopped", "finished_at": "2026-03-09T09:00:00+07:00"},
            ("ORDER_ODD", "finished_at", None),
        ),
        (
            {
                "finished_at": "2026-03-09T09:00:00+07:00",
                "handed_over_at": "2026-03-08T09:00:00+07:00",
            },
            ("ORDER_ODD", "handed_over_at", None),
        ),
    ],
)
def test_what_is_odd_is_found(
    over: dict[str, Any], finding: tuple[str, str | None, str | None]
) -> None:
    assert found(put(one_leg("desk:D", DESK))) == []
    assert found(put(one_leg("desk:D", DESK, over))) == [finding]


def test_two_statements_of_one_moment_and_an_odd_step_are_found() -> None:
    twice = put(one_leg("desk:D", DESK, same_time=True))
    assert found(twice) == [("ORDER_ODD", "updated_at", "desk:D")]
    back = {"version": 2, "status": "accepted", "updated_at": "2026-03-09T09:00:00+07:00"}
    odd = put(one_leg("desk:D", DESK, {"status": "finished"}, back))
    assert found(odd) == [("TRANSITION_ODD", "status", "finished > accepted")]


def test_a_doubtful_tie_is_told_at_the_leg_it_concerns() -> None:
    desk = one_leg("desk:D", DESK)
    made = assemble([desk], Precedence(), {desk.id: ["land:L", "land:K"], 999: ["x:X"]})
    assert found(made) == [
        ("TIE_DOUBTFUL", None, "land:K"),
        ("TIE_DOUBTFUL", None, "land:L"),
    ]


def test_each_leg_is_shown_by_itself() -> None:
    gone = one_leg("desk:D", DESK, gone_at="2026-04-01T00:00:00+07:00")
    tax = one_leg("tax:T", MONEY, {"facet": "money", "status": "finished"})
    shown = put(gone, tax).legs
    assert [(one["namespace"], one["role"], one["status"]) for one in shown] == [
        ("desk", "desk", "in_progress"),
        ("tax", "money", "finished"),
    ]
    assert shown[0]["gone_at"] == "2026-04-01T00:00:00+07:00"
    assert shown[0]["updated_at"] == BASE["updated_at"]
