"""Cleaning of all that enters: NFC, no control characters, no lone surrogates, bounded depth.

Departments send NFD and legacy control bytes. One walk over a decoded record does
all of it, so that nothing behind it needs to look again.
"""

import re
import unicodedata
from typing import Any

import msgspec

MAX_DEPTH = 64
MAX_TEXT = 10_000
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Malformed(ValueError):
    """The whole body is outside JSON as we take it: too deep, or a lone surrogate."""


class Forbidden(ValueError):
    """A text holds a control character; `path` says where (`applicant.name`, `history[0].note`)."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def clean(value: Any, depth: int = 0) -> Any:
    """The same value with every text (names of fields too) in NFC.

    Raises:
        Malformed: nested deeper than 64, or a lone surrogate anywhere.
        Forbidden: a control character other than tab, LF and CR.
    """
    return value if depth == 0 and _is_clean(value) else _clean(value, "", depth)


_ENCODER = msgspec.json.Encoder()


def _is_clean(value: Any) -> bool:
    """Whether a record is clean for certain, by one look at all of it: most are.

    As JSON a character that must be looked at is escaped, not printable, or none at all (half of
    one); so are quotes and line ends, and the walk tells them apart. Part of a text in NFC is in
    NFC. Of a text with so few brackets nothing can be nested too deep.
    """
    try:
        told = _ENCODER.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False
    if b"\\" in told or told.count(b"{") + told.count(b"[") > MAX_DEPTH:
        return False
    if told.isascii():
        return b"\x7f" not in told
    text = told.decode()
    return text.isprintable() and unicodedata.is_normalized("NFC", text)


def _clean(value: Any, path: str, depth: int) -> Any:
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, dict):
        if depth >= MAX_DEPTH:
            raise Malformed("nested too deep")
        return {
            (name if name.isascii() and name.isprintable() else _text(name, path)): (
                item
                if item is None or isinstance(item, (int, float))
                else _clean(item, f"{path}.{name}" if path else name, depth + 1)
            )
            for name, item in value.items()
        }
    if isinstance(value, list):
        if depth >= MAX_DEPTH:
            raise Malformed("nested too deep")
        return [_clean(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    return value


def _text(value: str, path: str) -> str:
    if not value.isascii():
        if _SURROGATE.search(value):
            raise Malformed("lone surrogate")
        if not unicodedata.is_normalized("NFC", value):
            value = unicodedata.normalize("NFC", value)
    if not value.isprintable() and _FORBIDDEN.search(value):
        raise Forbidden(path)
    return value


# 99 of 1,200 real names spell Đ as U+00D0 (Icelandic Eth): search must match, stored text must not
# change.
_LOOKALIKE = str.maketrans({"\u00d0": "\u0110", "\u00f0": "\u0111"})


def folded(name: str) -> str:
    """A name as it is compared: case, spacing and the two spellings of Đ do not matter."""
    return " ".join(name.translate(_LOOKALIKE).casefold().split())
