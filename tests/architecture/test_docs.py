"""Do the documents keep step with the code: every setting, code, command and word, every link."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from canonical.decide import Disposition
from canonical.fields import Channel, Facet
from canonical.indicators import BUCKETS
from canonical.precedence import Role
from canonical.reasons import Reason
from canonical.states import Status
from hub.commands.listed import whole
from hub.settings import Settings
from store.clients import SCOPES
from store.tables import CHANGE_KINDS

HOUSE = Path(__file__).parents[2]
FROM_FILES = ("HUB_SECRET_KEY_FILE", "HUB_SECRET_KEY_OLD_FILE", "HUB_DATABASE_URL_FILE")
DOCS = sorted([*HOUSE.glob("*.md"), *HOUSE.glob("docs/**/*.md"), *HOUSE.glob("adapters/*/*.md")])
OPERATIONS = (HOUSE / "docs" / "operations.md").read_text("utf-8")
GLOSSARY = (HOUSE / "docs" / "glossary.md").read_text("utf-8")
LINK = re.compile(r"\]\(([^()\s]+)\)")
CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# Places of one machine, hosts of package registries, and talk that is not about the project. The
# words are spelt in halves, so that a search for them does not end here.
HALVES = ("assist|ant", "chat|bot", "language| model", "sub|agent", "coding| agent")
FORBIDDEN = re.compile(
    r"/(?:work|root|farm|home)/|\bpypi\.|pythonhosted|npmjs|\bregistry\.\w+\.\w"
    rf"|\b(?:{'|'.join(word.replace('|', '') for word in HALVES)})s?\b",
    re.IGNORECASE,
)
# Told of as what comes next; each line goes once the thing is there.
PROMISED_FILES: set[str] = set()
PROMISED_COMMANDS: set[str] = set()


def settings() -> list[str]:
    return [f"HUB_{name.upper()}" for name in Settings.model_fields]


def commands(group: typer.Typer, before: str = "hub") -> Iterator[str]:
    """Every command as it is typed: `hub sync`, `hub quarantine list`."""
    for one in group.registered_commands:
        assert one.callback is not None
        yield f"{before} {one.name or one.callback.__name__.replace('_', '-')}"
    for sub in group.registered_groups:
        assert sub.typer_instance is not None
        yield from commands(sub.typer_instance, f"{before} {sub.name}")


def words() -> list[str]:
    kinds = (Status, Facet, Disposition, Channel, Role)
    return [*(word.value for kind in kinds for word in kind), *BUCKETS, *CHANGE_KINDS]


@pytest.mark.parametrize("name", [*settings(), *FROM_FILES])
def test_every_setting_has_its_line(name: str) -> None:
    assert f"| `{name}` |" in OPERATIONS


def test_no_setting_is_told_of_that_does_not_exist() -> None:
    known = {*settings(), *FROM_FILES}
    for path in DOCS:
        told = set(re.findall(r"\bHUB_[A-Z_]*[A-Z]\b", path.read_text("utf-8")))
        assert told <= known, f"{path.relative_to(HOUSE)}: {sorted(told - known)}"


def test_the_defaults_told_are_the_defaults() -> None:
    told = dict(re.findall(r"^\| `(HUB_[A-Z_]+)` \| `([^`]+)` \|", OPERATIONS, re.MULTILINE))
    assert len(told) > 8
    for name, default in told.items():
        held = Settings.model_fields[name.removeprefix("HUB_").lower()].default
        shown = str(int(held)) if isinstance(held, float) else str(held)
        assert default == shown, name


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_who_does_what(reason: Reason) -> None:
    assert f"| `{reason.value}` |" in OPERATIONS


@pytest.mark.parametrize("command", sorted(commands(whole())))
def test_every_command_has_its_line(command: str) -> None:
    assert f"`{command}" in OPERATIONS


def test_no_command_is_told_of_that_does_not_exist() -> None:
    known = set(commands(whole()))
    groups = {command.rpartition(" ")[0] for command in known} - {"hub"}
    for path in DOCS:
        text = path.read_text("utf-8")
        for told in re.findall(r"`(hub(?: [a-z][a-z-]+)+)", text):
            first = " ".join(told.split()[:2])
            second = " ".join(told.split()[:3])
            fits = second in known if first in groups and second != first else first in known
            is_known = fits or told in groups or first in PROMISED_COMMANDS
            assert is_known, f"{path.relative_to(HOUSE)}: {told}"


@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_is_explained(scope: str) -> None:
    assert f"| `{scope}` |" in OPERATIONS


@pytest.mark.parametrize("word", words())
def test_every_word_stands_in_the_glossary(word: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", GLOSSARY)


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as the forges make them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", path.read_text("utf-8")), re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("path", DOCS, ids=lambda p: str(p.relative_to(HOUSE)))
def test_every_link_leads_somewhere(path: Path) -> None:
    text = CODE_BLOCK.sub("", path.read_text("utf-8"))
    for target in LINK.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        leads = (path.parent / file).resolve() if file else path
        assert leads.exists(), target
        assert not anchor or anchor in anchors(leads), target


@pytest.mark.parametrize("path", DOCS, ids=lambda p: str(p.relative_to(HOUSE)))
def test_a_document_speaks_of_the_project_alone(path: Path) -> None:
    found = FORBIDDEN.search(path.read_text("utf-8"))
    assert found is None, found


def test_what_the_documents_cite_is_there() -> None:
    """Files named in backticks: `sync/run.py`, `docs/glossary.md`."""
    cited = re.compile(r"`((?:hub|gateway|sync|store|adapters|canonical|tests|docs)/[\w./-]+\.\w+)")
    for path in [HOUSE / "README.md", HOUSE / "CHANGELOG.md", *(HOUSE / "docs").rglob("*.md")]:
        for named in cited.findall(path.read_text("utf-8")):
            exists = (HOUSE / named).exists() or named in PROMISED_FILES
            assert exists, f"{path.relative_to(HOUSE)}: {named}"


def test_what_is_there_is_no_longer_promised() -> None:
    assert not [name for name in PROMISED_FILES if (HOUSE / name).exists()]
    assert not PROMISED_COMMANDS & set(commands(whole()))


def test_decisions_are_numbered_without_a_gap_and_have_their_parts() -> None:
    pages = sorted((HOUSE / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text("utf-8")
        assert text.startswith(f"# {page.name[:4]} "), page.name
        parts = ["Context", "Decision", "Consequences", "Alternatives", "Kept by"]
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == parts, page.name
        decision = text.partition("## Decision")[2].partition("## ")[0]
        assert len(re.findall(r"^> \S", decision, re.MULTILINE)) == 1, page.name
        assert re.search(r"^Status: (proposed|accepted|replaced by [0-9]{4})", text, re.MULTILINE)


def test_the_changelog_begins_with_the_version_that_is_built() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["project"]
    newest = re.search(r"^## (\S+)", (HOUSE / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == project["version"]


def test_the_vietnamese_part_of_the_readme_stands_alone() -> None:
    vietnamese = (HOUSE / "README.md").read_text("utf-8").partition("\n## Tiếng Việt\n")[2]
    for needed in ("make demo", "make test", "/tra-cuu", "bộ giả lập", "docs/operations.md"):
        assert needed in vietnamese
