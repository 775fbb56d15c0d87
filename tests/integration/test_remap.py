"""After a promotion and its replay a store reads as if the candidate had read it from the start."""

from typing import Any

import pytest
from sqlalchemy import text

from sync import promotion_replay
from sync.connecting import By
from sync.connection_edits import Told
from sync.jobs import Stopping
from sync.whatif import promoting
from sync.whatif.candidate import Candidate
from sync.whatif.shadow import preview
from tests import recounted
from tests.integration.test_whatif import CANDIDATES, YEARS, fill, fresh
from tests.polled import quarantined
from tests.trial import Trial

ME = By("nguoi-truc", "sở đã cho biết nghĩa")
__all__ = ["fresh"]


async def promoted(hub: Trial, overlay: dict[str, Any]) -> None:
    told = preview(hub.context, "snv", Candidate(overlay=overlay))
    sealed = promoting.encoded(promoting.seal(hub.context, told))
    promoting.promote(hub.context, "snv", sealed, ME)


async def perform(hub: Trial) -> None:
    for job in promotion_replay.due(hub.context, hub.clock()):
        await promotion_replay.perform(hub.context, job, Stopping())


async def replayed(hub: Trial) -> None:
    promotion_replay.begin(hub.context, "snv", ME)
    await perform(hub)
    assert promotion_replay.standing(hub.context, "snv").state == "done"


def shown(hub: Trial) -> dict[str, dict[str, Any]]:
    """Every dossier that says anything, by its legs: a hub's ids are those it gave out first."""
    found = {}
    for one in recounted.dossiers(hub).values():
        body = dict(one["body"])
        legs = [leg for leg in body["legs"] if leg["updated_at"] is not None]
        if not legs:
            continue
        names = sorted(f"{leg['namespace']}:{leg['code']}:{leg['generation']}" for leg in legs)
        body.pop("id")
        found[" ".join(names)] = {**one, "body": body}
    return found


def same(hub: Trial, fresh: Trial) -> None:
    one, other = shown(hub), shown(fresh)
    assert one.keys() == other.keys()
    assert {name for name in one if one[name] != other[name]} == set()
    known = recounted.agencies(hub, fresh)
    figures = [recounted.indicators(each, known, YEARS) for each in (hub, fresh)]
    assert figures[0] == figures[1]
    assert refused(hub) == refused(fresh)


def kept(hub: Trial) -> list[int]:
    """How much there is of everything that a second replay must not add to."""
    tables = ("receipt", "record", "change", "timeline", "act", "leg", "dossier")
    with hub.store.read() as tx:
        return [tx.execute(text(f"SELECT count(*) FROM {one}")).scalar_one() for one in tables]


def refused(hub: Trial) -> set[tuple[str | None, str, str | None]]:
    return set(quarantined(hub))


@pytest.mark.parametrize("name", CANDIDATES)
async def test_it_reads_as_if_it_had_been_read_so_from_the_beginning(
    hub: Trial, fresh: Trial, name: str
) -> None:
    await fill(hub)
    await promoted(hub, CANDIDATES[name])
    hub.clock.forward(hours=1)
    await replayed(hub)
    await fill(fresh, Told(overlay=CANDIDATES[name]))
    fresh.clock.set(hub.clock().isoformat())
    same(hub, fresh)
    # Again it finds nothing to do, and a preview of what is in force foresees nothing.
    held = kept(hub)
    await replayed(hub)
    assert kept(hub) == held
    told = preview(hub.context, "snv", Candidate(overlay=CANDIDATES[name]))
    assert (told.changed, told.figures) == (0, [])


async def test_paused_and_killed_it_ends_the_same(
    hub: Trial, fresh: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One leg a commit; paused after two, killed after two more, then to the end."""
    from sync.remap import planning, running

    name = "a state is another"
    monkeypatch.setattr(planning.Plan.batches, "__defaults__", (1,))
    await fill(hub)
    await promoted(hub, CANDIDATES[name])
    hub.clock.forward(hours=1)
    commit, done = running.commit, 0

    class Killed(BaseException):
        pass

    def counted(*args: Any) -> Any:
        nonlocal done
        if done == 4:
            done += 1
            raise Killed
        found = commit(*args)
        done += 1
        if done == 2:
            promotion_replay.pause(hub.context, "snv")
        return found

    monkeypatch.setattr(running, "commit", counted)
    promotion_replay.begin(hub.context, "snv", ME)
    await perform(hub)
    assert (done, promotion_replay.standing(hub.context, "snv").state) == (2, "paused")
    promotion_replay.resume(hub.context, "snv")
    with pytest.raises(Killed):
        await perform(hub)
    await perform(hub)
    assert promotion_replay.standing(hub.context, "snv").state == "done"
    await fill(fresh, Told(overlay=CANDIDATES[name]))
    fresh.clock.set(hub.clock().isoformat())
    same(hub, fresh)
