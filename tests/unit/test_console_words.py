"""The console speaks two languages, and no template says a word of its own."""

import re
import string
from collections import Counter
from pathlib import Path

import pytest

from gateway.console import language, navigation

FOLDER = Path(language.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").glob("**/*.html"))
# Two letters make a word; H50.12 is none, and ms is said the same everywhere.
LETTER = re.compile(r"(?!\bms\b)[^\W\d_]{2,}")
# What Jinja fills in, comments and what stands between tags that a person never reads.
FILLED = re.compile(r"{{.*?}}|{%.*?%}|{#.*?#}|<!doctype html>", re.DOTALL)
TAG = re.compile(r"<[^>]*>", re.DOTALL)
SAID = re.compile(r'\b(?:title|aria-label|placeholder|alt|data-words-\w+)="([^"]*)"')
KEY = re.compile(r"""\bt\(\s*["']([\w.]+)["']\s*[,)]""")


def filled_in(text: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_both_languages_say_the_same_keys_and_fill_in_the_same() -> None:
    vi, en = (language.catalogue(name) for name in language.LANGUAGES)
    assert set(vi) == set(en)
    assert [key for key in vi if set(filled_in(vi[key])) != set(filled_in(en[key]))] == []
    assert [key for key in vi if not vi[key].strip() or not en[key].strip()] == []


def test_each_file_of_words_is_there_in_both_languages() -> None:
    names = [sorted(p.name for p in (FOLDER / "words" / one).iterdir()) for one in ("vi", "en")]
    assert names[0] == names[1]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_no_word_of_its_own(path: Path) -> None:
    bare = FILLED.sub("", path.read_text("utf-8"))
    said = [text for text in SAID.findall(bare) if LETTER.search(text)]
    text = TAG.sub("\n", bare)
    assert said + [line.strip() for line in text.splitlines() if LETTER.search(line)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_word_a_template_asks_for_is_there(path: Path) -> None:
    keys = set(KEY.findall(path.read_text("utf-8")))
    assert keys - set(language.catalogue("vi")) == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_style_and_no_script_of_its_own(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|hx-on|\bhx-vals=[\"']js:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\b(?:src|href|action)=[\"']?https?:|\|\s*safe\b", text)


def test_every_form_that_changes_something_carries_the_token() -> None:
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        begin = re.search(r"{% macro begin\(.*?{% endmacro %}", text, re.DOTALL)
        is_begun = begin is not None and 'name="token"' in begin.group(0)
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
            has_token = 'name="token"' in form or (is_begun and "{{ begin(" in form)
            assert has_token, (path.name, form[:80])


def test_every_entry_of_the_menu_has_its_words() -> None:
    known = language.catalogue("vi")
    for group, entries in navigation.GROUPS:
        assert f"nav.group.{group}" in known
        for one in entries:
            assert f"nav.{one.key}" in known
