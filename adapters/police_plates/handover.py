"""One day's manifest.json as a checked value (contract/DESIGN.md, "The manifest"). Pure."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from canonical.errors import Garbled
from canonical.prepared import prepare
from canonical.reading import json
from canonical.reasons import Reason
from canonical.text import Malformed

MANIFEST = "manifest.json"


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a day, in the contract's words.

    Attributes:
        ten: Its name in the day's folder.
        dang: Its form.
        bang_ma: Its encoding; tcvn3 for csv alone.
        so_ban_ghi: How many dossiers it holds.
        sha256: Of its bytes, lower-case hex.
    """

    ten: str
    dang: Literal["csv", "xml"]
    bang_ma: Literal["utf-8", "tcvn3"]
    so_ban_ghi: Annotated[int, Meta(ge=0)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]

    @property
    def shape(self) -> str:
        """The name by which `reader.rows` reads its bytes."""
        return "csv-tcvn3" if self.bang_ma == "tcvn3" else self.dang


class Day(Struct, frozen=True, forbid_unknown_fields=True):
    """One handover.

    Attributes:
        ngay: Its day, ISO.
        so_thu_tu: Its number; the next handover has the next one, over weekends and New Year too.
        tep: Its files, in the order in which they are to be read.
    """

    ngay: str
    so_thu_tu: Annotated[int, Meta(ge=1)]
    tep: list[File]


prepare(Day)


def day_of_folder(name: str) -> date | None:
    """The day a folder is named after (YYYYMMDD); None for every other name.

    Raises:
        Garbled: BODY_MALFORMED for eight digits that are no day.
    """
    if len(name) != 8 or not (name.isascii() and name.isdecimal()):
        return None
    try:
        return datetime.strptime(name, "%Y%m%d").date()  # noqa: DTZ007 - a day, no moment
    except ValueError as error:
        raise Garbled(Reason.BODY_MALFORMED, f"folder {name} is no day") from error


def to_day(raw: bytes, folder: str) -> Day:
    """The day a manifest tells of.

    Args:
        raw: The bytes of manifest.json.
        folder: The name of the folder it lay in, YYYYMMDD.

    Raises:
        Garbled: BODY_TRUNCATED (it ends too early), BODY_MALFORMED, or SCHEMA_DRIFT for a name the
            contract does not know: it may change how the files are to be read.
    """
    try:
        told = json.decode(raw)
    except Malformed as error:
        raise Garbled(_kind_of(raw, error), f"{folder}/{MANIFEST}") from error
    strange = _unknown(told)
    if strange:
        raise Garbled(Reason.SCHEMA_DRIFT, f"{folder}/{MANIFEST}: {', '.join(strange)[:200]}")
    try:
        day = msgspec.convert(told, Day)
    except msgspec.ValidationError as error:
        raise Garbled(Reason.BODY_MALFORMED, f"{folder}/{MANIFEST}: {error}") from None
    if day.ngay.replace("-", "") != folder or len(day.ngay) != 10:
        raise Garbled(Reason.BODY_MALFORMED, f"{folder}/{MANIFEST}: ngay is another day")
    if len({file.ten for file in day.tep}) != len(day.tep):
        raise Garbled(Reason.BODY_MALFORMED, f"{folder}/{MANIFEST}: one ten twice")
    if any(file.dang == "xml" and file.bang_ma != "utf-8" for file in day.tep):
        raise Garbled(Reason.ENC_INVALID, f"{folder}/{MANIFEST}: xml is utf-8")
    return day


def _kind_of(raw: bytes, error: Malformed) -> Reason:
    """Whether a text that is no JSON was cut short or never was JSON."""
    at = getattr(error.__cause__, "pos", None)
    text = raw.rstrip()
    if at is not None and (at >= len(text.decode("utf-8")) or not text.endswith(b"}")):
        return Reason.BODY_TRUNCATED
    return Reason.BODY_MALFORMED


def _unknown(told: Any) -> list[str]:
    if not isinstance(told, dict):
        return []
    found = set(told) - set(Day.__struct_fields__)
    files = told.get("tep")
    for file in files if isinstance(files, list) else []:
        if isinstance(file, dict):
            found |= set(file) - set(File.__struct_fields__)
    return sorted(found)
