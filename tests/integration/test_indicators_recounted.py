"""The store's one statement counts what the pure function counts, for any dossiers and any as-of.

Random dossiers go through real pushes, in parts and out of order; what each of them is judged by is
caught on its way into the store, and counted once by stretches and once day by day.
"""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

import sync.dossiers
from canonical.dossier import Assembled
from canonical.indicators import Count, Judged, bucket, count_seed
from canonical.standing import Facts, Kind, segment_on, segments
from canonical.states import Status
from store import indicators, rights
from tests.trial import Trial, dossier

FIRST = date(2025, 11, 20)
DAYS = 90
AGENCIES = ("H50.12", "H50.12.01", "H50.14")
PROCEDURES = ("1.001612", "2.000889", "2.000889.000.00.00.H50")


def moment(dice: Random, *, late: bool = False) -> str:
    """Any time of any day, midnights and New Year among them."""
    day = FIRST + timedelta(days=dice.randrange(DAYS))
    if dice.random() < 0.3:
        day = date(2025, 12, 31) + timedelta(days=dice.randrange(2))
    hour = dice.choice(["23:30", "00:10", "00:30", "09:00", "16:59"])
    zone = dice.choice(["+07:00", "+07:00", "Z", ""])
    return f"{day + timedelta(days=40 if late else 0)}T{hour}:00{zone}"


def maybe(dice: Random, chance: float = 0.5) -> str | None:
    return moment(dice) if dice.random() < chance else None


def part(dice: Random, number: int, version: int) -> dict[str, Any]:
    """One statement about one dossier: a snapshot, a step or a result."""
    common = {"code": f"A-{number}", "version": version, "updated_at": moment(dice)}
    status = dice.choice(list(Status)).value
    history = [
        {"status": dice.choice(list(Status)).value, "at": moment(dice)}
        for _ in range(dice.randrange(4))
    ]
    match dice.randrange(4):
        case 0:
            at = moment(dice)
            extension = {"at": at, "new_due_at": moment(dice, late=True)}
            return {**common, "facet": "step", "status": status, "extensions": [extension]}
        case 1:
            return {
                **common,
                "facet": "result",
                "status": dice.choice(["finished", "handed_over"]),
                "finished_at": maybe(dice),
                "handed_over_at": maybe(dice, 0.3),
            }
        case _:
            return dossier(
                **common,
                national_code=f"H50.12-251120-{number:04d}" if dice.random() < 0.5 else None,
                agency=dice.choice(AGENCIES),
                received_at_agency=dice.choice([None, None, *AGENCIES]),
                procedure={"code": dice.choice(PROCEDURES)},
                channel=dice.choice(["direct", "online", "post", None]),
                accepted_at=maybe(dice, 0.9),
                due_at=maybe(dice, 0.8),
                status=status,
                finished_at=maybe(dice, 0.4),
                stopped_at=maybe(dice, 0.2),
                withdrawn_at=maybe(dice, 0.15),
                refused_at=maybe(dice, 0.1),
                history=dice.choice([history, history, []]),
            )


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> dict[int, Assembled]:
    """dossier id -> what it was last put together as."""
    kept: dict[int, Assembled] = {}
    judge = sync.dossiers.judge

    def catching(dossier_id: int, made: Assembled) -> Any:
        kept[dossier_id] = made
        return judge(dossier_id, made)

    monkeypatch.setattr(sync.dossiers, "judge", catching)
    return kept


async def grown(hub: Trial, dice: Random, dossiers: int) -> None:
    """Dossiers of two departments, some of them tied, told in parts and out of order."""
    told = [
        (part(dice, number, version), who)
        for number in range(dossiers)
        for who in ("desk", "land")[: dice.randint(1, 2)]
        for version in range(dice.randint(1, 5))
    ]
    dice.shuffle(told)
    while told:
        batch = [told.pop() for _ in range(min(len(told), dice.randint(1, 30)))]
        for who in ("desk", "land"):
            assert (await hub.push([r for r, w in batch if w == who], who)).status == 200


def living(hub: Trial, judged: dict[int, Assembled]) -> list[Assembled]:
    with hub.store.read() as tx:
        gone = {
            int(row[0])
            for row in tx.exec_driver_sql("SELECT id FROM dossier WHERE merged_into IS NOT NULL")
        }
    return [made for one, made in judged.items() if one not in gone and made.facts is not None]


def day_by_day(made: list[Assembled], start: date, end: date, as_of: date) -> Count:
    """The same figures without any stretches: each dossier asked how it stood on two days."""
    buckets = dict.fromkeys(indicators.BUCKETS, 0)
    carried = resolved = online = 0
    for one in made:
        facts = one.facts
        assert facts is not None
        accepted = date.fromisoformat(facts.accepted_at[:10])
        before = start - timedelta(days=1)
        if accepted <= before:
            carried += segment_on(facts, before).kind in (Kind.OPEN, Kind.WAITING)
        if accepted > as_of:
            continue
        now = segment_on(facts, as_of)
        name = bucket(now, as_of)
        if name is not None and start <= accepted <= end:
            buckets[name] += 1
        if now.closed_on is not None and start <= now.closed_on <= end:
            resolved += 1
            online += one.fields["channel"] == "online"
    return Count(sum(buckets.values()), buckets, carried, resolved, online)


def as_judged(made: Assembled) -> Judged:
    facts: Facts | None = made.facts
    assert facts is not None
    return Judged(
        date.fromisoformat(facts.accepted_at[:10]),
        made.fields["channel"] == "online",
        tuple(segments(facts)),
    )


MORE = pytest.mark.long_form


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=MORE) for n in (1, 2, 3))])
async def test_the_statement_counts_as_the_function_does(
    hub: Trial, judged: dict[int, Assembled], seed: int
) -> None:
    dice = Random(seed)
    await grown(hub, dice, 60)
    made = living(hub, judged)
    assert len(made) > 40
    held = [as_judged(one) for one in made]
    seen: set[str] = set()
    with hub.store.read() as tx:
        for _ in range(60):
            start, end, as_of = (FIRST + timedelta(days=dice.randrange(-5, 140)) for _ in "abc")
            start, end = min(start, end), max(start, end)
            asked = indicators.Question(rights.EVERYTHING, start, end, as_of)
            stored = indicators.count_seed(tx, asked)[None]
            assert stored == count_seed(held, start, end, as_of)
            assert stored == day_by_day(made, start, end, as_of)
            seen |= {name for name, count in stored.buckets.items() if count}
    assert seen == set(indicators.BUCKETS), "the dice left a bucket untried"


@pytest.mark.parametrize("seed", [11, pytest.param(12, marks=MORE)])
async def test_each_question_is_a_part_of_the_whole(
    hub: Trial, judged: dict[int, Assembled], seed: int
) -> None:
    dice = Random(seed)
    await grown(hub, dice, 40)
    made = living(hub, judged)
    start, end = FIRST, FIRST + timedelta(days=DAYS)

    def counted(of: list[Assembled]) -> dict[str, Any]:
        told = count_seed([as_judged(one) for one in of], start, end, end)
        return {"total": told.total, "buckets": told.buckets, "resolved": told.resolved}

    async def asked(agency: str = "H50", **more: str) -> dict[str, Any]:
        told = await hub.indicators(agency, str(start), str(end), as_of=str(end), **more)
        return {name: told[name] for name in ("total", "buckets", "resolved")}

    for agency in ("H50", "H50.12", "H50.12.01", "H50.14", "H50.1"):

        def below(code: Any, top: str = agency) -> bool:
            return bool(code) and (code == top or code.startswith(f"{top}."))

        assert await asked(agency) == counted([m for m in made if below(m.received_agency)])
        assert await asked(agency, by="handling") == counted(
            [m for m in made if below(m.fields["agency"])]
        )
    for channel in ("direct", "online", "post"):
        expected = counted([m for m in made if m.fields["channel"] == channel])
        assert await asked(channel=channel) == expected
    for connection in ("desk", "land"):
        expected = counted([m for m in made if connection in {leg["connection"] for leg in m.legs}])
        assert await asked(connection=connection) == expected
    expected = counted([m for m in made if m.fields["procedure"]["code"].startswith("2.000889")])
    assert await asked(procedure="2.000889") == expected
