"""The console's templates: Jinja, everything escaped, every word out of the catalogue."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.console import static_files

_FOLDER = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """The templates, compiled when they are first shown."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = static_files.address
    return made


def render(template: str, **values: Any) -> str:
    """A template with its values."""
    return environment().get_template(template).render(values)


def icon(name: str) -> Markup:
    """A symbol of static/icons.svg, which says nothing to who cannot see it."""
    address = static_files.address("icons.svg")
    drawn = '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>'
    return Markup(drawn).format(address, name)  # noqa: S704 - ours; what is filled in is escaped
