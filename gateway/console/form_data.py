"""What was typed into a form whose fields are not known before: texts by name, files by name."""

import json
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from canonical.errors import HubError, RequestRefused
from canonical.reasons import Reason
from canonical.text import Forbidden, Malformed, clean
from sync import toml_text

_MOST_FIELDS = 2_000
_MOST_OF_A_FIELD = 4 * 1024 * 1024
_MOST_OF_A_FILE = 16 * 1024 * 1024


class Typed:
    """A form as it was sent.

    Attributes:
        files: Field -> the files that were chosen in it, by their own names.
    """

    def __init__(
        self,
        texts: list[tuple[str, str]],
        files: dict[str, dict[str, bytes]],
        exact: dict[str, str],
    ) -> None:
        self._texts = texts
        self._exact = exact
        self.files = files

    def text(self, name: str) -> str:
        """A field, without blanks around it; "" where it is not there."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """A field with its blanks."""
        return next((value for key, value in self._texts if key == name), "")

    def exact(self, name: str) -> str:
        """A field byte for byte, as a secret must be."""
        return self._exact.get(name, "")

    def all(self, name: str) -> list[str]:
        """Every field of a name."""
        return [value.strip() for key, value in self._texts if key == name]

    def under(self, prefix: str) -> dict[str, str]:
        """Fields whose names begin so, by the rest of their names."""
        return {
            key.removeprefix(prefix): value.strip()
            for key, value in self._texts
            if key.startswith(prefix)
        }

    def number(self, name: str) -> int | None:
        """A field as a whole number from 0 on; None where it is none."""
        told = self.text(name)
        return int(told) if told.isascii() and told.isdecimal() and len(told) < 10 else None

    @property
    def seen(self) -> int:
        """The version that the form was made of; 0, which none is, where it does not say."""
        return self.number("seen") or 0

    @property
    def reason(self) -> str:
        """Why, in the words of whoever sent it."""
        return self.text("reason")


async def _read(request: Request) -> Typed:
    form = await request.form(max_fields=_MOST_FIELDS, max_part_size=_MOST_OF_A_FIELD)
    texts: list[tuple[str, str]] = []
    files: dict[str, dict[str, bytes]] = {}
    exact: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if not value.filename:
                continue
            data = await value.read(_MOST_OF_A_FILE + 1)
            if len(data) > _MOST_OF_A_FILE:
                raise RequestRefused(Reason.BODY_TOO_LARGE, 413)
            files.setdefault(name, {})[value.filename.rpartition("/")[2]] = data
        else:
            exact[name] = value
            try:
                texts.append((name, clean(value.replace("\r\n", "\n"))))
            except (Forbidden, Malformed):
                raise RequestRefused(Reason.CHAR_FORBIDDEN, 422) from None
    return Typed(texts, files, exact)


Form = Annotated[Typed, Depends(_read)]


def document_of(text: str, what: str) -> dict[str, Any]:
    """TOML or JSON as data, as whoever typed it has it.

    Raises:
        HubError: BODY_MALFORMED with line and column.
    """
    told = text.lstrip("\ufeff")
    try:
        found = json.loads(told) if told.lstrip().startswith("{") else toml_text.read(told)
    except (ValueError, RecursionError) as error:
        raise HubError(Reason.BODY_MALFORMED, f"{what}: {error}") from error
    if not isinstance(found, dict):
        raise HubError(Reason.BODY_MALFORMED, f"{what}: an object is wanted")
    return found
