import gzip
import zlib
from datetime import UTC, datetime

import pytest

from adapters.wire.limits import Intake, pause_s
from canonical.errors import Garbled
from canonical.reasons import Reason

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def intake(encoding: str, raw: bytes, max_bytes: int = 1000, chunk: int = 7) -> bytes:
    taken = Intake(encoding, max_bytes, "trial")
    for start in range(0, len(raw), chunk):
        taken.take(raw[start : start + chunk])
    return taken.whole()


TEXT = "Hồ sơ đang xử lý. ".encode() * 20


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("X-GZIP", gzip.compress(TEXT, mtime=0)),
        ("deflate", zlib.compress(TEXT)),
    ],
)
def test_a_body_comes_out_as_it_went_in(encoding: str, raw: bytes) -> None:
    assert intake(encoding, raw) == TEXT


@pytest.mark.parametrize(
    ("encoding", "raw", "reason"),
    [
        ("br", b"x", Reason.BODY_MALFORMED),
        ("gzip", b"not gzip at all", Reason.BODY_MALFORMED),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-9], Reason.BODY_TRUNCATED),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"more", Reason.BODY_MALFORMED),
        ("", b"x" * 1001, Reason.BODY_TOO_LARGE),
        ("gzip", gzip.compress(b"x" * 1001, mtime=0), Reason.BODY_TOO_LARGE),
    ],
)
def test_a_body_outside_its_bounds_is_refused(encoding: str, raw: bytes, reason: Reason) -> None:
    with pytest.raises(Garbled) as failure:
        intake(encoding, raw)
    assert failure.value.reason is reason


def test_a_body_of_just_the_limit_is_taken() -> None:
    assert len(intake("gzip", gzip.compress(b"x" * 1000))) == 1000


def test_a_bomb_is_refused_by_its_ratio_long_before_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 40_000_000)
    taken = Intake("gzip", 64 * 1024 * 1024, "trial")
    with pytest.raises(Garbled) as failure:
        taken.take(bomb)
    assert failure.value.reason is Reason.BODY_TOO_LARGE
    told_bytes = int(failure.value.detail.split()[2])
    assert told_bytes < 10_000_000, "the whole bomb was unpacked first"


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("86400", 3600.0),
        ("9" * 40, 3600.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Tue, 24 Nov 2026 03:02:00 GMT", 120.0),
        ("Tue, 24 Nov 2026 02:00:00 GMT", 0.0),
        ("Wed, 25 Nov 2026 03:00:00 GMT", 3600.0),
        ("Tue, 24 Nov 2026 10:01:00 +0700", 60.0),
        ("Tue, 24 Nov 2026 03:01:00 -0000", 60.0),
        ("Tue, 99 Nov 2026 03:02:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("Fri, 31 Dec 9999 23:59:59 -1200", 3600.0),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("NaN", None),
        ("1e12", None),
    ],
)
def test_a_named_pause_is_read_and_capped(header: str | None, pause: float | None) -> None:
    assert pause_s(header, NOW) == pause
