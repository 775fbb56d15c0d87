"""What a citizen's page and a staff list may show of a person: enough to recognise, not to learn.

Stars have one width, so that a masked text does not tell how long the real one is.
"""

import unicodedata

STARS = "***"
_SHOWN_DIGITS = 3
# A number shorter than this would give too large a part of itself away with three digits.
_FEWEST_DIGITS = 7


def mask_name(name: str) -> str:
    """`N*** V*** T***` for `Nguyễn Văn Thử`: the first letter of each word; blank stays "".

    A word of one letter, or one that begins with no letter, is stars alone. NFD input gives the
    same as NFC.
    """
    return " ".join(_mask_word(word) for word in unicodedata.normalize("NFC", name).split())


def mask_id(number: str) -> str:
    """`***234` for an identity number: its last three characters tell neither year nor place.

    One of fewer than seven letters and digits is stars alone; blank stays "".
    """
    return _mask_tail("".join(filter(str.isalnum, unicodedata.normalize("NFC", number))), number)


def mask_phone(phone: str) -> str:
    """`***678` for a telephone number, its last three digits; a short one is stars alone."""
    return _mask_tail("".join(filter(str.isdecimal, phone)), phone)


def _mask_word(word: str) -> str:
    letters = sum(map(str.isalpha, word))
    return f"{word[0]}{STARS}" if letters > 1 and word[0].isalpha() else STARS


def _mask_tail(kept: str, whole: str) -> str:
    if not whole.strip():
        return ""
    return STARS + (kept[-_SHOWN_DIGITS:] if len(kept) >= _FEWEST_DIGITS else "")
