"""What was previewed is put into force as it was, or not at all; its report stays with it."""

import json
from typing import Any

import pytest

from canonical.agencies import Agency
from canonical.errors import HubError
from store import promotions
from sync import promotion_replay, wishes
from sync.connecting import By
from sync.connection_edits import Change, mend
from sync.jobs import Job, Stopping
from sync.whatif import promoting
from sync.whatif.candidate import Candidate
from sync.whatif.shadow import preview
from tests import recounted
from tests.polled import BEGUN, Poll, quarantined, row
from tests.trial import Trial

ME = By("nguoi-truc", "sở đã cho biết nghĩa")
DAY = 86_400_000
LETS_IN = {"tables": {"status": {"set": {"la": "supplement", "ky": "stopped"}}}}


def page(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"total": len(rows), "data": rows}).encode()


async def filled(hub: Trial) -> Poll:
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    strange = [row(2, dossierStatus="la"), row(3, dossierStatus="ky"), row(4, dossierStatus="la")]
    await poll.run(page([row(1), strange[0]]), page(strange[1:]))
    return poll


def foreseen(hub: Trial, overlay: dict[str, Any]) -> bytes:
    told = preview(hub.context, "snv", Candidate(overlay=overlay))
    return promoting.encoded(promoting.seal(hub.context, told))


async def perform(hub: Trial) -> None:
    jobs = promotion_replay.due(hub.context, hub.clock())
    for job in jobs:
        await promotion_replay.perform(hub.context, job, Stopping())


async def test_what_was_foreseen_is_what_comes(hub: Trial) -> None:
    await filled(hub)
    before = recounted.dossiers(hub)
    told = foreseen(hub, LETS_IN)
    report = promoting.unseal(hub.context, told)
    assert report.outcomes == {"quarantined -> applied": 3}
    hub.clock.forward(hours=1)
    made = promoting.promote(hub.context, "snv", told, ME)
    kept = promoting.report_of(hub.context, "snv", made.version)
    assert kept == report
    with pytest.raises(HubError, match="nothing was promoted"):
        promotion_replay.begin(hub.context, "khac", ME)
    promotion_replay.begin(hub.context, "snv", ME)
    await perform(hub)
    after = recounted.dossiers(hub)
    assert {one.dossier for one in report.dossiers} == recounted.differing(before, after)
    assert quarantined(hub) == []
    row_now = promotion_replay.standing(hub.context, "snv")
    assert (row_now.state, row_now.tried, row_now.settled) == ("done", 3, 3)
    assert promotion_replay.due(hub.context, hub.clock()) == []
    for figure in report.figures:
        answer = await hub.indicators(figure.agency, str(figure.start), str(figure.end))
        assert (answer["total"], answer["buckets"]) == (figure.after.total, figure.after.buckets)
    [promoted] = promoting.reports(hub.context, "snv").values()
    assert (promoted.changed, promoted.replay, promoted.vi) == (3, "done", report.vi)


async def test_it_is_paused_and_goes_on_where_it_was(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion_replay, "_AT_ONCE", 1)
    await filled(hub)
    promoting.promote(hub.context, "snv", foreseen(hub, LETS_IN), ME)
    promotion_replay.begin(hub.context, "snv", ME)
    with pytest.raises(HubError, match="is running"):
        promotion_replay.begin(hub.context, "snv", ME)
    job = Job("promotion", "snv")
    lease = promotion_replay._take_lease(hub.context, "snv")
    assert lease is not None
    await promotion_replay.perform(hub.context, job, Stopping())  # another has it: nothing is done
    assert promotion_replay.standing(hub.context, "snv").tried == 0
    assert promotion_replay._step(hub.context, lease, "snv")
    promotion_replay.pause(hub.context, "snv")
    assert not promotion_replay._step(hub.context, lease, "snv")
    assert promotion_replay.due(hub.context, hub.clock()) == []
    promotion_replay._free(hub.context, lease)
    assert len(quarantined(hub)) == 2
    promotion_replay.resume(hub.context, "snv")
    await perform(hub)
    assert quarantined(hub) == []
    assert promotion_replay.standing(hub.context, "snv").settled == 3


@pytest.mark.unproved
async def test_what_has_moved_on_is_refused_and_said(hub: Trial) -> None:
    poll = await filled(hub)
    told = foreseen(hub, LETS_IN)
    # A record that reads alike either way matters to nobody.
    await poll.run(page([row(9)]))
    spoilt = told.replace(b'"changed":3', b'"changed":4')
    with pytest.raises(HubError, match="not as this hub made it"):
        promoting.promote(hub.context, "snv", spoilt, ME)
    with pytest.raises(HubError, match="no report"):
        promoting.promote(hub.context, "snv", b"[]", ME)
    hub.connect("khac", system="one_stop")
    with pytest.raises(HubError, match="is about 'snv'"):
        promoting.promote(hub.context, "khac", told, ME)
    await poll.run(page([row(5, dossierStatus="ky")]))
    with pytest.raises(HubError, match="1 records came in"):
        promoting.promote(hub.context, "snv", told, ME)
    processing = {"tables": {"status": {"set": {"processing": "accepted"}}}}
    told = foreseen(hub, processing)
    await poll.run(page([row(1, dossierStatus="waiting", modifiedDate=BEGUN + DAY)]))
    with pytest.raises(HubError, match="1 dossiers of the report have changed"):
        promoting.promote(hub.context, "snv", told, ME)
    told = foreseen(hub, processing)
    hub.catalogue(agencies=[Agency("H50.06", "Sở Nội vụ")])
    with pytest.raises(HubError, match="catalogue has changed"):
        promoting.promote(hub.context, "snv", told, ME)
    told = foreseen(hub, processing)
    mend(hub.context, "snv", Change(tables={"status": {"moi": "accepted"}}), ME)
    with pytest.raises(HubError, match="preview again"):
        promoting.promote(hub.context, "snv", told, ME)
    told = foreseen(hub, processing)
    promoting.promote(hub.context, "snv", told, ME)
    with hub.store.read() as tx:
        assert promotions.load(tx, "snv") is not None
    wishes.retire(hub.context, "snv", ME)
    with pytest.raises(HubError, match="preview again"):
        promoting.promote(hub.context, "snv", told, ME)
