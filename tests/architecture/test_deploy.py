"""deploy/ was not run here; what it names exists: commands, options, settings, metrics, labels."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from gateway import metrics as metrics_module
from hub.commands.listed import whole
from hub.settings import Settings
from store import figures_links
from tests.everything import fill, under_way
from tests.trial import Trial

HOUSE = Path(__file__).parents[2]
DEPLOY = HOUSE / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = sorted((DEPLOY / "systemd").iterdir())
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "hub-alerts.yml").read_text("utf-8"))
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


def settings() -> set[str]:
    names = {f"HUB_{name.upper()}" for name in Settings.model_fields}
    return names | {"HUB_SECRET_KEY_FILE", "HUB_DATABASE_URL_FILE"}


def options(words: list[str]) -> set[str]:
    """The options of a command, by the words it is called with."""
    group: Any = typer.main.get_command(whole())
    for word in words:
        assert word in group.commands, f"hub {' '.join(words)}"
        group = group.commands[word]
    return {option for one in group.params for option in one.opts}


def check(told: str) -> None:
    """A command line with its options, as `hub backup /folder --json`."""
    words = shlex.split(told)
    names = [word for word in words[1:] if re.fullmatch(r"[a-z][a-z-]*", word)]
    known = options(names)
    for word in words[1:]:
        assert not word.startswith("--") or word in known, told


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_file_says_that_it_was_not_run_here(path: Path) -> None:
    head = " ".join(path.read_text("utf-8").splitlines()[:4])
    assert "Not run here" in head or "Chưa được chạy ở đây" in head


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    told = set(re.findall(r"\bHUB_[A-Z_]*[A-Z]\b", path.read_text("utf-8")))
    assert told <= settings()


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_every_unit_starts_a_command_that_exists(path: Path) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if line.startswith("ExecStart=")]
    assert len(lines) == (0 if path.suffix == ".timer" else 1)
    for line in lines:
        program, _, rest = line.removeprefix("ExecStart=").partition(" ")
        assert program == "/opt/lienthong/.venv/bin/hub"
        check(f"hub {rest}")


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_every_unit_is_one_that_systemd_can_read(path: Path) -> None:
    """By systemd's own check where it is there; it does not start anything."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze here")
    said = subprocess.run(
        [analyze, "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
    )
    # The program is not installed where the tests run.
    strange = [line for line in said.stderr.splitlines() if "is not executable" not in line]
    assert [line for line in strange if path.stem in line] == []


def test_units_stop_later_than_the_hub_does() -> None:
    for name in ("hub-serve.service", "hub-worker@.service"):
        told = re.search(
            r"^TimeoutStopSec=(\d+)$", (DEPLOY / "systemd" / name).read_text("utf-8"), re.MULTILINE
        )
        assert told is not None
        assert int(told[1]) > Settings.model_fields["stop_s"].default + 5


def test_compose_starts_postgresql_one_hub_and_two_workers() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"database", "serve", "worker"}
    for name in ("serve", "worker"):
        check(" ".join(services[name]["command"]))
        assert set(services[name]["environment"]) <= settings()
        assert set(services[name]["secrets"]) <= set(COMPOSE["secrets"])
        assert services[name]["depends_on"]["database"]["condition"] == "service_healthy"
        grace = int(services[name]["stop_grace_period"].removesuffix("s"))
        assert grace > Settings.model_fields["stop_s"].default + 5
    assert services["worker"]["deploy"]["replicas"] == 2
    assert "/readyz" in services["serve"]["healthcheck"]["test"][-1]
    assert (DEPLOY / "compose" / services["serve"]["build"]["context"]).resolve() == HOUSE
    assert (HOUSE / services["serve"]["build"]["dockerfile"]).exists()


def test_the_readme_names_commands_that_exist() -> None:
    told = (DEPLOY / "README.md").read_text("utf-8")
    for line in re.findall(r"\bhub (?:backup|verify|migrate|serve|worker)\b", told):
        check(line)
    for named in re.findall(r"^\| `([^`]+)`", told, re.MULTILINE):
        assert (DEPLOY / named).exists()


# ------------------------------------------------------------------------------- alert rules


@pytest.fixture
async def metrics(hub: Trial) -> dict[str, set[str]]:
    """Name -> labels, of a real /metrics."""
    await fill(hub)
    under_way(hub)
    found: dict[str, set[str]] = {}
    said = (await hub.call("GET", "/metrics")).raw.decode()
    for name, labels in re.findall(r"^(hub_\w+)(?:\{(.*)\})? ", said, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


async def test_every_metric_of_an_alert_is_told_by_the_hub(metrics: dict[str, set[str]]) -> None:
    overdue = {"hub_connection_overdue_seconds": {"connection"}}  # of a connection that is asked
    known = {**overdue, **metrics}
    for rule in RULES:
        named = re.findall(r"\b(hub_\w+)(?:\{([^}]*)\})?", rule["expr"])
        assert named or rule["expr"].startswith("up{")
        for name, selector in named:
            assert name in known, f"{rule['alert']}: {name}"
            labels = set(re.findall(r'(\w+)\s*(?:=~|!=|!~|=)\s*"', selector))
            labels |= {label for by in BY.findall(rule["expr"]) for label in by.split(", ")}
            assert labels <= known[name], f"{rule['alert']}: {name}"
        shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) - {"instance"}
        assert all(shown <= known[name] for name, _ in named[:1]), rule["alert"]


BY = re.compile(r"\b(?:by|on) \(([^)]*)\)")


def test_every_alert_says_whom_to_ring_and_where_to_read() -> None:
    sections = re.findall(
        r"^## (\d+)\. ", (HOUSE / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE
    )
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names)) > 15
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["section"] in sections
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))
        for opening, closing in ("()", "{}", "[]"):
            assert rule["expr"].count(opening) == rule["expr"].count(closing)


def test_what_the_hub_can_say_is_watched() -> None:
    """An alarm, a breaker, a reason to wait: nobody has to look for it."""
    told = " ".join(rule["expr"] for rule in RULES)
    for name in (
        "hub_alarms",
        "hub_connection_breaker",
        "hub_connection_waits_for",
        "hub_connection_suspect_seconds",
        "hub_receiver_breaker",
        "hub_receiver_waits_for",
        "hub_deliveries",
        "hub_filings",
        figures_links.DISCREPANCIES.name,
    ):
        assert name in told


def test_every_figure_has_its_line() -> None:
    told = (HOUSE / "docs" / "operations.md").read_text("utf-8")
    for figure in (*metrics_module.ASKED, *metrics_module.BESIDE):
        name = f"{figure.name}_total" if figure.meaning == "total" else figure.name
        labels = f"{{{','.join(figure.labels)}}}" if figure.labels else ""
        assert f"`{name}{labels}`" in told, name
