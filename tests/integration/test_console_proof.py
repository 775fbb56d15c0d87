"""The last `hub verify` is kept, and stands on the overview: never, long ago, or what was wrong."""

from typing import Any

import pytest
from sqlalchemy import text

from canonical.errors import StoreUnavailable
from canonical.reasons import Reason
from store import verifications
from sync import proved
from tests.signed import signed_in
from tests.trial import Trial, dossier

pytestmark = pytest.mark.unproved  # here the proof itself is what is looked at
GAUGE = "hub_verify_findings"


async def figures(hub: Trial) -> str:
    return (await hub.call("GET", "/metrics")).raw.decode()


async def test_the_overview_says_when_the_hub_was_last_proved(hub: Trial) -> None:
    await hub.take(dossier(1))
    browser = signed_in(hub, "viewer")
    assert "Chưa lần nào" in await browser.text("/console")
    assert f"\n{GAUGE} " not in await figures(hub)
    assert proved.prove(hub.context).ok
    page = await browser.text("/console")
    assert "Kiểm chứng gần nhất" in page
    assert "Chưa lần nào" not in page
    assert "không có" in page
    assert f"{GAUGE} 0.0" in await figures(hub)
    hub.clock.forward(hours=37)
    browser = signed_in(hub, "operator")  # nobody stays signed in for so long
    assert "đã lâu" in await browser.text("/console")
    hub.store.in_write(lambda tx: tx.execute(text("UPDATE dossier SET status = 'refused'")))
    assert not proved.prove(hub.context).ok
    page = await browser.text("/console")
    assert "đã lâu" not in page
    assert "recomputed dossier" in page
    with hub.store.read() as tx:
        row = verifications.newest(tx)
    assert row is not None
    assert (row.records, row.findings > 0) == (1, True)
    assert f"{GAUGE} {float(row.findings)}" in await figures(hub)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_what_cannot_be_kept_spoils_no_proof(
    hub: Trial, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read_only(_: Any) -> None:
        raise StoreUnavailable(Reason.STORE_UNAVAILABLE)

    monkeypatch.setattr(hub.store, "in_write", read_only)
    assert proved.prove(hub.context).ok
    assert "could not be kept" in caplog.text
