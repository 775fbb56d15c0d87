"""One mapping row as a form shows and takes it.

A text stands as it is; a number, true or false stands bare, and a text that looks like one in
quotes, so that what is shown is what is taken.
"""

import json
import re
from typing import Any

from canonical.errors import HubError
from canonical.reasons import Reason
from gateway.console.form_data import Typed

# Keys that have a field of their own; the others stand together as JSON.
_FIELDS = ("target", "source", "first_of", "transforms", "table", "const", "default", "when")
_BARE = re.compile(r"true|false|null|-?\d+(\.\d+)?|\".*\"", re.DOTALL)


def shown_row(row: dict[str, Any]) -> dict[str, str]:
    """A row as the form shows it."""
    rest = {key: value for key, value in row.items() if key not in (*_FIELDS, "required")}
    return {
        "target": str(row.get("target", "")),
        "source": str(row.get("source", "")),
        "first_of": "\n".join(row.get("first_of", [])),
        "transforms": " · ".join(row.get("transforms", [])),
        "table": str(row.get("table", "")),
        "const": value_text(row["const"]) if "const" in row else "",
        "default": value_text(row["default"]) if "default" in row else "",
        "when": str(row.get("when", "")),
        "required": "yes" if row.get("required") else "",
        "rest": json.dumps(rest, ensure_ascii=False, indent=2) if rest else "",
    }


def typed_row(form: Typed) -> dict[str, Any]:
    """The row that was typed, its keys in the order of the documents.

    Raises:
        HubError: FIELD_MISSING without a target, BODY_MALFORMED for what is no JSON.
    """
    told: dict[str, Any] = {"target": form.text("row.target")}
    if not told["target"]:
        raise HubError(Reason.FIELD_MISSING, "target")
    if form.text("row.source"):
        told["source"] = form.text("row.source")
    paths = [one.strip() for one in form.raw("row.first_of").splitlines() if one.strip()]
    if paths:
        told["first_of"] = paths
    # Not at blanks: a form of a date holds some.
    steps = [one.strip() for one in re.split(r"[·\n]", form.raw("row.transforms")) if one.strip()]
    if steps:
        told["transforms"] = steps
    if form.text("row.table"):
        told["table"] = form.text("row.table")
    for name in ("const", "default"):
        if form.text(f"row.{name}"):
            told[name] = text_value(form.text(f"row.{name}"))
    if form.text("row.required"):
        told["required"] = True
    if form.text("row.when"):
        told["when"] = form.text("row.when")
    return told | _rest(form.text("row.rest"))


def _rest(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        rest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HubError(Reason.BODY_MALFORMED, f"JSON: {error}") from error
    if not isinstance(rest, dict):
        raise HubError(Reason.BODY_MALFORMED, "JSON: {…}")
    return rest


def value_text(value: Any) -> str:
    """A value as it is shown."""
    if isinstance(value, str) and not _BARE.fullmatch(value) and value == value.strip() and value:
        return value
    return json.dumps(value, ensure_ascii=False)


def text_value(text: str) -> Any:
    """The value that is meant."""
    if _BARE.fullmatch(text):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
