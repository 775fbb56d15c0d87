"""Bounds on a body off the wire: its size while decompressing, its ratio, and that it is whole.

291 kB of gzip became 300 MB of memory where only the compressed side was counted (TRAPS), so the
decompressor itself is given the room that is left.
"""

import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from canonical.errors import Garbled
from canonical.reasons import Reason

DEFAULT_MAX_BODY_BYTES = 64 * 1024 * 1024
RATIO_FLOOR_BYTES = 8 * 1024 * 1024
MAX_RATIO = 200
LONGEST_PAUSE_S = 3600.0


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


class Intake:
    """Collects one body chunk by chunk, decompressed, and refuses what goes beyond its bounds.

    Attributes:
        taken_bytes: Bytes received so far, compressed.
    """

    def __init__(self, encoding: str, max_bytes: int, system: str) -> None:
        """A body in `encoding` (Content-Encoding: "", identity, gzip or deflate).

        Raises:
            Garbled: BODY_MALFORMED for any other encoding; none is asked for.
        """
        self._max_bytes = max_bytes
        self._system = system
        self._parts: list[bytes] = []
        self._size_bytes = 0
        self.taken_bytes = 0
        self._inflater = self._inflater_of(encoding.strip().lower())

    def _inflater_of(self, encoding: str) -> _Inflater | None:
        if encoding in ("", "identity"):
            return None
        if encoding in ("gzip", "x-gzip"):
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        if encoding == "deflate":
            return zlib.decompressobj()
        raise Garbled(Reason.BODY_MALFORMED, "unknown Content-Encoding", system=self._system)

    def take(self, chunk: bytes) -> None:
        """Add what just arrived.

        Raises:
            Garbled: BODY_TOO_LARGE, or BODY_MALFORMED where it is not in the declared encoding.
        """
        self.taken_bytes += len(chunk)
        if self._inflater is None:
            self._keep(chunk)
            return
        while chunk:
            room = self._max_bytes - self._size_bytes + 1
            try:
                self._keep(self._inflater.decompress(chunk, min(room, 1 << 20)))
            except zlib.error as error:
                raise Garbled(
                    Reason.BODY_MALFORMED, "not in its Content-Encoding", system=self._system
                ) from error
            if self._inflater.unused_data:
                raise Garbled(
                    Reason.BODY_MALFORMED, "bytes after the compressed body", system=self._system
                )
            chunk = self._inflater.unconsumed_tail

    def _keep(self, part: bytes) -> None:
        self._size_bytes += len(part)
        is_blown_up = (
            self._size_bytes > RATIO_FLOOR_BYTES and self._size_bytes > self.taken_bytes * MAX_RATIO
        )
        if self._size_bytes > self._max_bytes or is_blown_up:
            raise Garbled(
                Reason.BODY_TOO_LARGE,
                f"more than {self._size_bytes - 1} bytes",
                system=self._system,
            )
        self._parts.append(part)

    def whole(self) -> bytes:
        """The body.

        Raises:
            Garbled: BODY_TRUNCATED where the compressed stream has no end.
        """
        if self._inflater is not None and self.taken_bytes and not self._inflater.eof:
            raise Garbled(
                Reason.BODY_TRUNCATED, "the compressed body has no end", system=self._system
            )
        return b"".join(self._parts)


def pause_s(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds a Retry-After header asks for, 0 to 3600; None where it says nothing readable.

    Args:
        header: Seconds, or an HTTP date.
        now: The present moment; the clock where None.
    """
    if header is None:
        return None
    told = header.strip()
    if told.isascii() and told.isdecimal():
        return min(float(told[:9]), LONGEST_PAUSE_S)
    try:
        until = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    left_s = (until - (now or datetime.now(UTC))).total_seconds()
    return min(max(left_s, 0.0), LONGEST_PAUSE_S)
