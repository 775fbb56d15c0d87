import hashlib
import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from lxml import etree

from adapters.police_plates import client, simulator
from adapters.simulation import Simulation
from adapters.wire import Wire
from canonical.errors import Garbled, HubError, Unreachable
from canonical.ports import Ask, Manifest, Page, Settings
from canonical.reasons import Reason

HERE = Path(client.__file__).parent
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def a_row(number: int, **said: str) -> dict[str, str]:
    return {
        "SO_HO_SO": f"74-DKX-2026-{number:05d}",
        "MA_THU_TUC": "DKX01",
        "TEN_CHU_XE": "Nguyễn Văn Thử",
        "NGAY_NOP": "20/11/2026 08:15",
        "NGAY_HEN": "24/11/2026",
        "TINH_TRANG": "Mới tiếp nhận",
    } | said


async def pages(folder: Path, cursor: str | None = None, **ask: datetime) -> list[Page]:
    """The pages of one run; a failure carries those before it in its notes."""
    found: list[Page] = []
    link = client.connect(Settings("plates", str(folder), {}, {}), Wire())
    told = Ask(ask.get("since"), ask.get("until"), cursor, [], NOW)
    try:
        async for page in link.pages(told):
            found.append(page)  # noqa: PERF401 - those before a failure are wanted too
    except HubError as error:
        error.add_note(",".join(str(page.cursor) for page in found))
        raise
    return found


def calling(simulation: Simulation) -> httpx.AsyncClient:
    wire = httpx.ASGITransport(app=simulation.app)
    return httpx.AsyncClient(transport=wire, base_url="http://plates")


def edit(folder: Path, day: str, **changes: object) -> None:
    path = folder / day / "manifest.json"
    told = json.loads(path.read_text("utf-8"))
    told["tep"][0].update({k: v for k, v in changes.items() if k in told["tep"][0]})
    told.update({k: v for k, v in changes.items() if k not in told["tep"][0]})
    path.write_text(json.dumps(told), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, day in ((326, "2026-11-20"), (327, "2026-11-23"), (328, "2026-11-24")):
        simulator.drop_day(tmp_path, day, [a_row(number), a_row(number + 10)], number=number)
    return tmp_path


class TestClient:
    async def test_each_file_is_one_page_and_every_page_tells_its_place(self, folder):
        found = await pages(folder)
        assert [page.cursor for page in found] == [
            "20261120/hoso.csv",
            "20261123/hoso.csv",
            "20261124/hoso.csv",
        ]
        assert [page.count for page in found] == [2, 2, 2]
        assert found[0].raw == (folder / "20261120" / "hoso.csv").read_bytes()
        assert found[0].shape == "csv"

    async def test_a_run_goes_on_behind_the_cursor_and_ends_when_there_is_nothing_new(self, folder):
        found = await pages(folder, "20261120/hoso.csv")
        assert [page.cursor for page in found] == ["20261123/hoso.csv", "20261124/hoso.csv"]
        assert await pages(folder, "20261124/hoso.csv") == []

    async def test_an_interrupted_day_goes_on_with_its_next_file(self, tmp_path):
        parts = [
            {"ngay": "2026-11-20", "dang": form, "rows": [a_row(place)]}
            for place, form in enumerate(("csv", "xml"))
        ]
        simulator._write(tmp_path, 1, parts, "well")
        found = await pages(tmp_path, "20261120/hoso.csv")
        assert [(page.cursor, page.shape) for page in found] == [("20261120/hoso.xml", "xml")]

    async def test_a_missing_day_stops_the_run_behind_what_is_there(self, folder):
        (folder / "20261123" / "manifest.json").unlink()
        with pytest.raises(Garbled, match="so_thu_tu 327 is missing; 20261124 has 328") as failure:
            await pages(folder)
        assert failure.value.reason is Reason.CURSOR_LOST
        assert failure.value.system == "plates"
        assert failure.value.__notes__ == ["20261120/hoso.csv"]
        with pytest.raises(Garbled, match="327 is missing"):
            await pages(folder, "20261120/hoso.csv")

    async def test_a_day_declared_empty_closes_the_gap(self, folder):
        edit(folder, "20261123", tep=[])
        found = await pages(folder, "20261120/hoso.csv")
        assert [page.cursor for page in found] == ["20261124/hoso.csv"]

    @pytest.mark.parametrize("number", [326, 320])
    async def test_a_number_that_does_not_follow_stops_the_run(self, folder, number):
        edit(folder, "20261123", so_thu_tu=number)
        with pytest.raises(Garbled, match=f"327 is missing; 20261123 has {number}"):
            await pages(folder)

    async def test_a_day_without_manifest_is_not_there_yet(self, folder):
        (folder / "20261124" / "manifest.json").unlink()
        (folder / "20261125").mkdir()
        assert len(await pages(folder)) == 2

    async def test_the_day_read_last_must_still_stand(self, folder):
        for cursor in ("20261119/hoso.csv", "20261120/other.csv", "junk"):
            with pytest.raises(Garbled) as failure:
                await pages(folder, cursor)
            assert failure.value.reason is Reason.CURSOR_LOST
        (folder / "20261120" / "manifest.json").unlink()
        with pytest.raises(Garbled) as failure:
            await pages(folder, "20261120/hoso.csv")
        assert failure.value.reason is Reason.CURSOR_LOST

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"sha256": hashlib.sha256(b"x").hexdigest()}, Reason.BODY_TRUNCATED),
            ({"so_ban_ghi": 3}, Reason.PAGE_SHORT),
            ({"so_ban_ghi": 1}, Reason.BODY_MALFORMED),
            ({"ten": "gone.csv"}, Reason.PAGE_SHORT),
            ({"ten": "../20261120/hoso.csv"}, Reason.BODY_MALFORMED),
            ({"dang": "xml"}, Reason.BODY_MALFORMED),
        ],
    )
    async def test_a_file_that_is_not_its_manifests_is_not_taken(self, folder, changes, reason):
        edit(folder, "20261123", **changes)
        with pytest.raises(Garbled) as failure:
            await pages(folder)
        assert failure.value.reason is reason
        assert failure.value.__notes__ == ["20261120/hoso.csv"]

    async def test_other_names_are_left_alone_but_a_day_that_is_none_is_refused(self, folder):
        (folder / "20261125.tmp").mkdir()
        (folder / "lost+found").mkdir()
        assert len(await pages(folder)) == 3
        (folder / "20261341").mkdir()
        with pytest.raises(Garbled, match="20261341"):
            await pages(folder)

    async def test_a_day_that_is_a_link_is_refused_and_not_skipped(self, folder):
        (folder / "20261124").rename(folder / "aside")
        (folder / "20261124").symlink_to(folder / "aside")
        with pytest.raises(Garbled):
            await pages(folder)

    async def test_a_first_run_may_be_bounded_by_days_at_plus_seven(self, folder):
        since = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)  # 23 November, 00:00
        found = await pages(folder, since=since, until=datetime(2026, 11, 23, 17, 0, tzinfo=UTC))
        assert [page.cursor for page in found] == ["20261123/hoso.csv"]

    async def test_with_a_cursor_a_watermark_skips_nothing(self, folder):
        found = await pages(folder, "20261120/hoso.csv", since=NOW)
        assert len(found) == 2

    async def test_no_folder_is_unreachable_and_not_empty(self, tmp_path):
        with pytest.raises(Unreachable):
            await pages(tmp_path / "unmounted")


class TestSimulator:
    def test_the_manifest_of_the_folder_reads(self):
        told = tomllib.loads((HERE / "manifest.toml").read_text("utf-8"))
        manifest = msgspec.convert(told, Manifest)
        assert manifest.durable_cursor
        assert manifest.protocol == "file"
        assert manifest.contract == "our own design"

    def test_its_xml_is_the_contracts(self):
        schema = etree.XMLSchema(etree.parse(HERE / "contract" / "hoso.xsd"))
        rows = [row for day in simulator._built_in()["days"] for row in day["rows"]]
        schema.assertValid(etree.fromstring(simulator._file(rows, "xml", "utf-8")))

    @pytest.mark.parametrize(
        ("mood", "counts"),
        [
            ("well", [12, 21]),
            ("empty", [0, 0]),
            ("duplicate", [24, 42]),
            ("reordered", [12, 21]),
            ("mixed_dates", [12, 21]),
            ("sentinel_dates", [12, 21]),
        ],
    )
    async def test_two_days_in_a_mood_of_the_data(self, tmp_path, mood, counts):
        simulator.prepare(tmp_path, mood)
        assert [page.count for page in await pages(tmp_path)] == counts

    @pytest.mark.parametrize(
        ("mood", "reason"),
        [("truncated", Reason.BODY_TRUNCATED), ("html", Reason.CTYPE_UNEXPECTED)],
    )
    async def test_two_days_that_went_wrong_on_the_way(self, tmp_path, mood, reason):
        simulator.prepare(tmp_path, mood)
        with pytest.raises(Garbled) as failure:
            await pages(tmp_path)
        assert failure.value.reason is reason

    async def test_days_are_dropped_one_by_one_or_up_to_one_and_the_log_tells(self, tmp_path):
        simulation = simulator.build(options={"folder": str(tmp_path), "days": "0"})
        assert simulation.endpoint == str(tmp_path)
        async with calling(simulation) as http:
            assert (await http.post("/__drop")).json() == {"dropped": ["2026-11-20"]}
            none = await http.post("/__drop", json={"day": "2026-11-22"})
            assert none.status_code == 409
            upto = await http.post("/__drop", json={"day": "2026-11-24"})
            assert upto.json() == {"dropped": ["2026-11-23", "2026-11-24"]}
            told = (await http.get("/__drop")).json()
            assert told["days"] == ["2026-11-20", "2026-11-23", "2026-11-24"]
            paths = [entry["path"] for entry in (await http.get("/__log")).json()]
            assert paths[:2] == ["20261120/hoso.csv", "20261120/manifest.json"]

    async def test_a_mood_and_new_data_write_the_folder_anew(self, tmp_path):
        simulation = simulator.build(options={"folder": str(tmp_path)})
        simulation.mood = "empty"
        assert [page.count for page in await pages(tmp_path)] == [0, 0, 0]
        simulation.mood = "well"
        day = {"ngay": "2026-12-01", "so_thu_tu": 9, "rows": [a_row(1)]}
        async with calling(simulation) as http:
            await http.post("/__data", json={"days": [day]})
        assert [page.cursor for page in await pages(tmp_path)] == ["20261201/hoso.csv"]

    async def test_a_data_file_is_served_and_its_numbers_kept(self, tmp_path):
        data = tmp_path / "data.json"
        rows = [a_row(1, GHI_CHU="mới")]
        day = {"ngay": "2026-11-20", "dang": "xml", "so_thu_tu": 40, "rows": rows}
        later = {"ngay": "2026-11-23", "bang_ma": "tcvn3", "so_thu_tu": 42, "rows": rows}
        data.write_text(json.dumps({"days": [later, day]}), "utf-8")
        simulator.build(data, {"folder": str(tmp_path / "drop")})
        with pytest.raises(Garbled, match="so_thu_tu 41 is missing"):
            await pages(tmp_path / "drop")

    def test_without_a_folder_it_makes_one(self):
        assert (Path(simulator.build().endpoint) / "20261120" / "manifest.json").is_file()
