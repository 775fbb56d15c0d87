"""`hub verify` in many small parts, by several processes, beside writers: what it proves stays."""

import json
import os
import subprocess
import sys
import threading
from typing import Any

import pytest
from sqlalchemy import text

from store.legs import CROWD
from sync.proof import plan
from sync.proof.recomputing import Effort, recomputing
from sync.verify import Report, verify
from tests.polled import Poll, row
from tests.trial import KEY, Trial, dossier

IN_PARTS = Effort(part_weight=10)


async def lived(hub: Trial, cases: int = 12) -> None:
    """Cases of three departments, each told of several times in batches that mix them all."""
    numbers = range(1, cases + 1)
    await hub.push([dossier(n, status="accepted") for n in numbers])
    land = [
        dossier(n, code=f"L-{n}", agency="H50.09", national_code=None if n % 3 == 0 else ...)
        for n in numbers
        if n % 2
    ]
    for one in land:
        one.setdefault("national_code", f"H50.12-260302-{int(one['code'][2:]):04d}")
    hub.clock.forward(days=1)
    await hub.push(land, "land")
    # The same again, some with another version, one that is spoilt, one that is in doubt.
    later = {"version": 2, "updated_at": "2026-03-04T09:00:00+07:00"}
    again = [dossier(n, **later, status="finished") if n % 4 else dossier(n) for n in numbers]
    await hub.push([*reversed(again), dossier(99, status="?")])
    hub.clock.forward(days=1)
    named = [
        {**one, **later, "national_code": f"H50.12-260302-{n:04d}"}
        for n, one in zip([n for n in numbers if n % 2], land, strict=True)
    ]
    named[0]["applicant"] = {"kind": "person", "name": "Lê Thị Khác"}
    await hub.push(named, "land")
    links = [
        {
            "code": f"T-{n}",
            "facet": "money",
            "updated_at": "2026-03-05T09:00:00+07:00",
            "status": "financial",
            "links": [{"namespace": "desk", "code": f"A-{n:05d}"}],
        }
        for n in numbers
    ]
    await hub.push(links, "tax")
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    page = [*(row(n) for n in numbers), row(1, dossierStatus="?"), row(2, dossierStatus="?")]
    for _ in range(3):  # what is bad is kept once, and counted
        hub.clock.forward(hours=1)
        await poll.run(json.dumps({"total": len(page), "data": page}).encode())


def wrong(report: Report) -> list[str]:
    return [check.detail for check in report.checks if not check.ok]


async def test_in_many_parts_it_proves_the_same(hub: Trial) -> None:
    await lived(hub)
    whole, parted = verify(hub.context), verify(hub.context, None, IN_PARTS)
    assert wrong(parted) == []
    assert parted == whole
    with recomputing(hub.context, IN_PARTS) as again:
        again.begin()
        assert again.parts > 5


@pytest.mark.unproved
async def test_a_line_of_the_feed_in_anothers_place_is_found_over_all_parts(hub: Trial) -> None:
    """Two cases of one batch change places everywhere: only the order of the batch tells."""
    await hub.push([dossier(n) for n in (1, 2)])
    swaps = {
        "change": ["seq"],
        "dossier": ["created_seq", "changed_seq"],
        "timeline": ["known_seq"],
    }
    with hub.store.write() as tx:
        for table, columns in swaps.items():
            for column in columns:
                for old, new in ((1, -1), (2, 1), (-1, 2)):
                    tx.execute(
                        text(f'UPDATE "{table}" SET "{column}" = :new WHERE "{column}" = :old'),
                        {"old": old, "new": new},
                    )
    assert wrong(verify(hub.context, None, IN_PARTS)) == ["change 2 is not in its place"]


async def test_legs_of_a_crowd_in_many_parts_are_proved(hub: Trial) -> None:
    zero = {"national_code": None, "receipt_number": "0", "received_at_agency": "H50.12"}
    await hub.push([dossier(n, **zero) for n in range(CROWD - 1)])
    await hub.push([dossier(n, code=f"L-{n}", **zero) for n in range(CROWD)], "land")
    await hub.push([dossier(n, **zero) for n in range(CROWD, 3 * CROWD)])
    assert wrong(verify(hub.context, None, IN_PARTS)) == []


async def test_a_crowd_whose_youngest_legs_spoke_first_is_put_together(hub: Trial) -> None:
    """The oldest legs are kept together; who spoke before them was elsewhere, and is fetched."""
    every = plan.CROWD_TOGETHER + CROWD + 20
    plain = [dossier(n, national_code=None) for n in range(every)]
    await hub.push(plain)
    hub.clock.forward(days=1)
    later = {"version": 2, "updated_at": "2026-03-03T09:00:00+07:00"}
    zero = {**later, "receipt_number": "0", "received_at_agency": "H50.12"}
    for first, last in ((every - CROWD - 5, every), (0, every - CROWD - 5)):
        await hub.push([{**one, **zero} for one in plain[first:last]])
    with recomputing(hub.context, IN_PARTS) as again:
        again.begin()
        again.finish()
        assert again.passes == 2
    assert wrong(verify(hub.context, None, IN_PARTS)) == []


SCRIPT = """
import json, sys
import msgspec
from hub import wiring
from hub.settings import Settings
from sync.proof import crew
from sync.proof.recomputing import Effort
from sync.verify import verify
context = wiring.open_hub(Settings())
several, seen = crew._several, []
crew._several = lambda *a: (seen.append(a), several(*a))[1]
report = verify(context, None, Effort(2, 10))
print(json.dumps({"forked": bool(seen), "report": msgspec.to_builtins(report)}))
"""


def proved_by_two(hub: Trial) -> dict[str, Any]:
    """What two processes of another program say of this hub's store."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    url = hub.store.engine.url.render_as_string(hide_password=False)
    env |= {"HUB_DATABASE_URL": url, "HUB_SECRET_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_two_processes_prove_what_one_does(hub: Trial) -> None:
    await lived(hub)
    found = proved_by_two(hub)
    assert found["forked"]
    assert found["report"]["ok"], found["report"]
    alone = verify(hub.context, None, IN_PARTS)
    assert [c["checked"] for c in found["report"]["checks"]] == [c.checked for c in alone.checks]


async def test_two_processes_look_at_one_moment_while_others_write(hub: Trial) -> None:
    await lived(hub)
    found: list[dict[str, Any]] = []
    proof = threading.Thread(target=lambda: found.append(proved_by_two(hub)))
    proof.start()
    number = 1_000
    while proof.is_alive():
        number += 1
        assert (await hub.push(dossier(number))).status == 200
    proof.join()
    [told] = found
    assert told["report"]["ok"], told["report"]
    assert told["forked"]
    assert number > 1_010
