"""The change feed: gapless, in commit order, never seen out of order, under writers at once."""

import asyncio

from tests.trial import Trial, dossier

WRITERS = 8


async def pour(hub: Trial, lane: int, rounds: int) -> list[str]:
    """One department's pushes: its own dossiers, and one that all of them touch."""
    made = []
    for n in range(rounds):
        shared = dossier(
            code="SHARED",
            national_code=None,
            version=1 + n * WRITERS + lane,
            updated_at=f"2026-03-02T09:{n:02d}:{lane:02d}+07:00",
        )
        own = [dossier(1000 * (lane + 1) + n * 2 + k, national_code=None) for k in (0, 1)]
        mixed = [*own, shared] if lane % 2 else [shared, *own]
        said = await hub.push(mixed)
        assert said.status == 200, said.raw
        made += [r["dossier"] for r in said.body["records"]]
    return made


async def follow(hub: Trial, done: asyncio.Event) -> list[int]:
    """What a reader sees who asks again and again while others write."""
    seen: list[int] = []
    while True:
        is_last = done.is_set()
        after = seen[-1] if seen else 0
        page = await hub.get("/api/v1/changes", after=after, limit=7)
        seen += [item["seq"] for item in page["items"]]
        if is_last and not page["items"]:
            return seen


async def test_eight_writers_at_once_leave_no_gap_and_no_follower_misses_one(hub: Trial) -> None:
    hub.token("desk")
    hub.token("portal")
    done = asyncio.Event()
    followers = [asyncio.create_task(follow(hub, done)) for _ in range(2)]
    made = await asyncio.gather(*(pour(hub, lane, 6) for lane in range(WRITERS)))
    done.set()
    items = await hub.feed()
    seqs = [item["seq"] for item in items]
    assert seqs == list(range(1, len(seqs) + 1))
    for follower in followers:
        assert await follower == seqs
    acknowledged = {one for lane in made for one in lane}
    assert acknowledged == {item["dossier"] for item in items}
    created = [item["dossier"] for item in items if item["kind"] == "created"]
    assert len(created) == len(set(created)) == len(acknowledged)
    # Each of the shared dossier's 48 versions is in: applied or superseded, in whatever order.
    [shared] = await hub.find("desk:SHARED")
    assert len(await hub.history(shared)) == WRITERS * 6


async def test_joins_at_once_from_both_sides_end_in_one_dossier(hub: Trial) -> None:
    """Two departments tell of the same cases at the same moment: no pair stays apart."""
    for who in ("desk", "land", "portal"):
        hub.token(who)
    for number in range(1, 9):
        answers = await asyncio.gather(
            hub.push(dossier(number)), hub.push(dossier(number, code=f"L-{number}"), "land")
        )
        assert [a.fate for a in answers] == ["applied", "applied"]
        [one] = await hub.find(f"H50.12-260302-{number:04d}")
        assert len((await hub.read(one))["legs"]) == 2
    seqs = [item["seq"] for item in await hub.feed()]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_batches_over_the_same_legs_in_opposite_order_do_not_deadlock(hub: Trial) -> None:
    hub.token("desk")
    batch = [dossier(n, national_code=None) for n in range(20)]

    def version(n: int) -> list[dict[str, object]]:
        at = f"2026-03-02T10:00:{n:02d}+07:00"
        told = [{**record, "version": n + 2, "updated_at": at} for record in batch]
        return told if n % 2 else told[::-1]

    answers = await asyncio.gather(*(hub.push(version(n)) for n in range(8)))
    assert {a.status for a in answers} == {200}
    fates = {f[0] for a in answers for f in a.fates}
    assert fates <= {"applied", "superseded"}
    assert (await hub.find("desk:A-00007")) != []


async def test_a_page_names_where_the_next_begins(hub: Trial) -> None:
    await hub.push([dossier(n) for n in range(1, 8)])
    first = await hub.get("/api/v1/changes", limit=3)
    assert ([i["seq"] for i in first["items"]], first["next_after"]) == ([1, 2, 3], 3)
    rest = await hub.get("/api/v1/changes", after=3, limit=100)
    assert ([i["seq"] for i in rest["items"]], rest["next_after"]) == ([4, 5, 6, 7], 7)
    end = await hub.get("/api/v1/changes", after=7)
    assert end == {"items": [], "next_after": 7}


async def test_a_batch_that_is_undone_leaves_no_number_behind(hub: Trial) -> None:
    await hub.take(dossier(1))
    refused = await hub.push([dossier(2, status="?"), dossier(1)])
    assert [f[0] for f in refused.fates] == ["quarantined", "duplicate"]
    await hub.take(dossier(3))
    assert [i["seq"] for i in await hub.feed()] == [1, 2]
