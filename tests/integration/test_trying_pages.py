"""What a trial says of the page it fetched: its contract, each bad record, each unknown code."""

import json
from typing import Any

import pytest

from adapters.simulation import rest_sample, running
from sync.connection_edits import New, Told, make
from sync.try_stages import Stage
from tests.contract.declared.department import declaration
from tests.integration.test_trying import ME, ready, try_
from tests.trial import Trial

__all__ = ["ready"]  # a fixture
pytestmark = pytest.mark.unproved


async def stages(hub: Trial, base: str, name: str, **spoilt: Any) -> dict[str, Stage]:
    """How a link with this schema of a dossier, and without these states, is tried."""
    told, document = declaration("rest.toml"), json.loads(rest_sample.CONTRACT.read_text("utf-8"))
    parts = document["components"]["schemas"]
    parts["HoSo"]["properties"] |= spoilt.get("fields", {})
    parts["TrangThai"]["enum"] += spoilt.get("states", [])
    for state in spoilt.get("unmapped", []):
        del told["mapping"]["tables"]["status"][state]
    told["openapi"] = {"contract": "api.json"}
    made = Told(declaration=told, files={"api.json": json.dumps(document).encode()})
    settings = {"taiKhoan": rest_sample.ACCOUNT, "mat_khau": rest_sample.PASSWORD}
    make(hub.context, New(id=name, system="rest", endpoint=base, settings=settings, told=made), ME)
    return {one.name: one for one in (await try_(hub, name)).stages}


async def test_the_answer_the_bad_records_and_the_codes_of_a_page_are_named(ready: Trial) -> None:
    async with running(rest_sample.build().app) as base:
        good = await stages(ready, base, "dung")
        assert {one.result for one in good.values()} == {"ok", "not_applicable"}

        money = {"lePhi": {"type": "integer"}, "tenMoi": {"type": "string"}}
        contract = (await stages(ready, base, "lech", fields=money))["contract"]
        assert (contract.result, contract.reason) == ("failed", "SCHEMA_DRIFT")
        assert contract.vi == (
            "câu trả lời lệch hợp đồng ở duLieu.hoSo[0].lePhi (khác kiểu đã khai báo, ×25)"
        )
        assert "duLieu.hoSo[0].lePhi (not of its declared kind, ×25)" in contract.en

        declared = await stages(ready, base, "du", states=["CHO_DUYET"])
        assert declared["mapping"].result == "ok"
        assert declared["coverage"].result == "failed"
        assert "'CHO_DUYET' chưa ánh xạ, có trong hợp đồng" in declared["coverage"].vi

        bad = await stages(ready, base, "thieu", unmapped=["TU_CHOI"])
        assert bad["mapping"].result == "warning"
        refused = bad["mapping"].told["rows"]
        assert [one["position"] for one in refused] == [4, 10, 16, 22]
        assert {(one["reason"], one["field"]) for one in refused} == {
            ("STATUS_UNKNOWN", "trangThai")
        }
        assert "ở vị trí (từ 0) 4: STATUS_UNKNOWN trangThai, 10:" in bad["mapping"].vi
        assert bad["mapping"].mend_vi
        assert bad["coverage"].result == "failed"
        [uncovered] = bad["coverage"].told["uncovered"]
        assert uncovered == {"rule": "status", "value": "TU_CHOI", "page": 4}
        assert "có trong 4 bản ghi của trang" in bad["coverage"].vi
