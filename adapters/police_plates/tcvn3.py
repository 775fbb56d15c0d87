"""TCVN3 text (also called ABC or VN3, TCVN 5712:1993) to Unicode, strictly and only where declared.

The set holds ASCII, the no-break space, 67 lower-case letters and seven capitals; a capital with a
tone has no code, so a word typed in capitals arrives with its toned vowels in lower case
(`NGUYễN`). Nothing is mended here: which case was meant is not in the bytes, and names are compared
without case anyway (canonical.text.folded).
"""

# Position by position, 0xA0 to 0xFE; "." = no letter of the set stands there.
_UPPER_HALF = (
    "\u00a0ĂÂÊÔƠƯĐăâêôơưđ."  # A0
    ".....àảãáạ.ằẳẵắ."  # B0
    "......ặầẩẫấậè.ẻẽ"  # C0
    "éẹềểễếệìỉ...ĩíịò"  # D0
    ".ỏõóọồổỗốộờởỡớợù"  # E0
    ".ủũúụừửữứựỳỷỹýỵ"  # F0
)
TABLE: dict[int, str] = {code: chr(code) for code in range(0x80)} | {
    0xA0 + place: letter for place, letter in enumerate(_UPPER_HALF) if letter != "."
}


def decode(raw: bytes) -> str:
    """The text as composed Unicode (NFC).

    Raises:
        ValueError: a byte outside the set, or bytes that are UTF-8: the declaration is wrong. Two
            toned vowels never stand side by side in Vietnamese, so real TCVN3 is never UTF-8.
    """
    if raw.isascii():
        return raw.decode("ascii")
    if _is_utf8(raw):
        raise ValueError("declared TCVN3, but it is UTF-8")
    try:
        return "".join([TABLE[byte] for byte in raw])
    except KeyError:
        raise ValueError("a byte that TCVN3 does not hold") from None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
