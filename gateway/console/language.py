"""What the console says, in Vietnamese and in English: words/<language>/*.toml, key by key.

A key is its table and its name, `overview.title`; both languages hold the same ones (a test says
so). What stands in braces is filled in: `{count}`.
"""

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("vi", "en")
_FOLDER = Path(__file__).parent / "words"
Say = Callable[..., str]


@cache
def catalogue(language: str) -> dict[str, str]:
    """Key -> text, of one language."""
    found: dict[str, str] = {}
    for path in sorted((_FOLDER / language).glob("*.toml")):
        for name, value in tomllib.loads(path.read_text("utf-8")).items():
            _gather(name, value, found)
    return found


def _gather(name: str, value: Any, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _gather(f"{name}.{key}", inner, found)
        return
    if name in found:
        raise ValueError(f"{name} is said twice")
    found[name] = str(value)


def say_in(language: str) -> Say:
    """The function that says a key in a language. Raises KeyError for one nobody wrote."""
    known = catalogue(language)

    def say(key: str, **told: Any) -> str:
        text = known[key]
        return text.format(**told) if told else text

    return say


def knows(key: str) -> bool:
    """Whether there is such a key: for what comes as a code that may be newer than its words."""
    return key in catalogue(LANGUAGES[0])
