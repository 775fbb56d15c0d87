"""A receipt names the catalogue it was decided under, also where that came after the intake."""

from typing import Any

import pytest

import sync.intake
from canonical.catalogue import ProcedureFacts
from sync.drain import drain
from sync.verify import verify
from tests.trial import Trial, dossier


async def test_what_is_decided_later_names_the_catalogue_of_its_decision(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else `hub verify` computes it again under another precedence and finds what is not wrong."""

    def fails(*_a: Any, **_k: Any) -> None:
        raise RuntimeError

    hub.token("desk")
    with monkeypatch.context() as patched:
        patched.setattr(sync.intake, "decide_receipts", fails)
        said = await hub.push(dossier(1))
    assert said.fate == "pending"
    # Now the desk may no longer speak of the state of this procedure.
    own = ProcedureFacts("1.001612", "Đăng ký", precedence={"state": ["handling"]})
    hub.catalogue(procedures=[own])
    assert drain(hub.context) == 1
    [found] = await hub.find("desk:A-00001")
    assert (await hub.read(found))["status"] is None
    report = verify(hub.context)
    assert [check for check in report.checks if not check.ok] == []
