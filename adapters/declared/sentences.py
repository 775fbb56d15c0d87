"""The sentences of `DeclarationFault` in Vietnamese; the words are data in sentences.toml."""

import functools
import re
import tomllib
from pathlib import Path

_WHOLE = "the declaration: "
_FILE = Path(__file__).with_name("sentences.toml")


def vietnamese(told: str) -> str:
    """The same sentence in Vietnamese, its place unchanged; as it is where nobody wrote it down."""
    if told.startswith(_WHOLE):
        told = "khai báo: " + told.removeprefix(_WHOLE)
    for pattern, words in _sentences():
        found = pattern.search(told)
        if found is not None:
            return told[: found.start()] + found.expand(words)
    return told


@functools.cache
def _sentences() -> list[tuple[re.Pattern[str], str]]:
    told = tomllib.loads(_FILE.read_text("utf-8"))["sentence"]
    return [(re.compile(rf"(?:(?<=: )|(?=: )){one['en']}"), one["vi"]) for one in told]
