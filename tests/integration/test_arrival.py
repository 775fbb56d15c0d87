"""Two orders of arrival, one picture: what was withdrawn, retracted or doubted in between is gone.

Each of these was found by random records pushed in two orders; `test_any_order` goes on looking.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from store.engine import Store
from store.types import Moment
from tests.trial import Trial, dossier

ROUNDS = 6
NATIONAL = "H50.12-260302-0001"


def at(hour: int) -> str:
    return f"2026-03-{2 + hour // 24:02d}T{hour % 24:02d}:00:00+07:00"


async def doubts(hub: Trial, one: str) -> list[str]:
    """With whom a dossier might be one case."""
    found = (await hub.read(one))["findings"]
    return [f["about"] for f in found if f["reason"] == "TIE_DOUBTFUL"]


async def test_a_doubt_ends_when_the_claim_that_caused_it_is_withdrawn(hub: Trial) -> None:
    """Two cases of one desk bear one national code: the land office's is neither, till one goes."""
    first, second = dossier(1), dossier(2, national_code=NATIONAL)
    await hub.take(first)
    await hub.take(second)
    land = await hub.take(dossier(1, code="L-1"), "land")
    assert await doubts(hub, land) == ["desk:A-00001", "desk:A-00002"]
    await hub.take({**second, "version": 2, "updated_at": at(10), "national_code": None})
    [one] = await hub.find("land:L-1")
    assert [leg["code"] for leg in (await hub.read(one))["legs"]] == ["A-00001", "L-1"]
    assert await hub.find("desk:A-00001") == [one]
    assert await doubts(hub, one) == []


async def test_a_record_of_its_own_brings_back_what_a_history_left_out(hub: Trial) -> None:
    """Told by a record, an entry stands whether a history retracted it before or after."""
    waited = {"status": "supplement", "at": at(30)}
    told = dossier(1, version=1, updated_at=at(9), history=[waited])
    newer = dossier(1, version=3, updated_at=at(60), history=[])
    own = dossier(1, version=2, updated_at=waited["at"], status="supplement")
    seen = []
    for lane, order in enumerate(([told, newer, own], [own, told, newer])):
        for record in order:
            await hub.push({**record, "national_code": None}, f"lane{lane}")
        [made] = await hub.find(f"lane{lane}:A-00001")
        seen.append([(e["at"], e["status"], e["retracted_by"]) for e in await hub.history(made)])
    assert (at(30), "supplement", None) in seen[0]
    assert sorted(seen[0]) == sorted(seen[1])


# ---------------------------------------------------------------- at random

STATES = ("accepted", "in_progress", "supplement", "financial", "stopped", "finished")
WHO = ("desk", "land", "tax")
FACETS = ("snapshot", "snapshot", "reception", "step", "result", "money")


def records(rng: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Records of three departments about cases that join, part, doubt; no two of one moment."""
    hours: Iterator[int] = iter(rng.sample(range(600), 400))
    legs = [
        (who, f"{who}-{n}") for who in ("desk", "land", "tax") for n in range(rng.randint(1, 3))
    ]
    told: list[tuple[str, dict[str, Any]]] = []
    for who, code in legs:
        by_number, versions = rng.random() < 0.5, iter(rng.sample(range(50), 40))
        for _ in range(rng.randint(1, 5)):
            facet = rng.choice(FACETS)
            one: dict[str, Any] = {"code": code, "facet": facet, "updated_at": at(next(hours))}
            if by_number:
                one["version"] = next(versions)
            if facet in ("snapshot", "reception"):
                one |= {
                    "agency": "H50.12",
                    "procedure": {"code": rng.choice(("1.1", "1.1", "2.2"))},
                }
                one["accepted_at"] = at(1)
                one["national_code"] = rng.choice((None, NATIONAL, NATIONAL, "H50.12-260302-0002"))
                if rng.random() < 0.3:
                    one["applicant"] = {"name": rng.choice(("Nguyễn Văn Thử", "Lê Thị Khác"))}
                others = [leg for leg in legs if leg[0] != who]
                if rng.random() < 0.3:
                    namespace, other = rng.choice(others)
                    one["links"] = [{"namespace": namespace, "code": other}]
            if facet == "snapshot" or rng.random() < 0.6:
                one["status"] = rng.choice(STATES)
            if facet != "money" and rng.random() < 0.4:
                own = [r for _, r in told if (r["code"], r["facet"]) == (code, facet)]
                again = [(r["status"], r["updated_at"]) for r in own if "status" in r]
                new = [(rng.choice(STATES), at(next(hours))) for _ in range(rng.randint(0, 2))]
                one["history"] = [{"status": s, "at": t} for s, t in [*again[:1], *new]]
            if facet in ("snapshot", "step") and rng.random() < 0.3:
                one["due_at"] = at(rng.randint(200, 500))
            told.append((who, one))
    return told


def picture(store: Store) -> dict[str, Any]:
    """Everything that is shown or counted, by the names of the legs."""
    with store.read() as tx:

        def rows(sql: str) -> list[dict[str, Any]]:
            return [dict(row) for row in tx.execute(text(sql)).mappings()]

        names = {r["id"]: f"{r['namespace']}:{r['code']}" for r in rows("SELECT * FROM leg")}
        legs: dict[int, list[str]] = {}
        for row in rows("SELECT * FROM member"):
            legs.setdefault(row["dossier_id"], []).append(names[row["leg_id"]])
        judged = {
            row.pop("dossier_id"): {name: str(value) for name, value in row.items()}
            for row in rows("SELECT * FROM judgement")
        }
        iso = Moment().process_result_value
        entries = sorted(
            (
                names[e["leg_id"]],
                e["facet"],
                iso(e["at"], tx.dialect),
                e["status"],
                e["retracted_by"] is None,
            )
            for e in rows("SELECT * FROM timeline")
        )
        seen: dict[str, Any] = {"entries": entries}
        for row in rows("SELECT * FROM dossier WHERE merged_into IS NULL"):
            body = {k: v for k, v in json.loads(row["body"]).items() if k != "id"}
            place = " ".join(sorted(legs[row["id"]]))
            seen[place] = (body, row["findings"], row["pins"], judged.get(row["id"]))
        return seen


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_any_order(hubs: list[Trial], seed: int) -> None:
    """One store each, SQLite and PostgreSQL, each in an order and in batches of its own."""
    told = records(random.Random(seed))
    for number, hub in enumerate(hubs):
        rng = random.Random(f"{seed} {number}")
        rng.shuffle(told)
        waiting = list(told)
        while waiting:
            who = waiting[0][0]
            batch = [one for w, one in waiting[: rng.randint(1, 5)] if w == who]
            waiting = [(w, one) for w, one in waiting if not any(one is b for b in batch)]
            said = await hub.push(batch, who)
            assert said.status == 200, said.raw
    one, other = (picture(hub.store) for hub in hubs)
    assert one == other
