"""Bytes of a declared system to wire rows: pulled pages, files, pushes, door calls. Pure."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from adapters.declared import bodies, refusals, tables
from adapters.declared.bodies import Body, XmlBody
from adapters.declared.declaration import Answers, Declaration, DoorOperation
from canonical.errors import Garbled, HubError
from canonical.ports import BadRow, Row
from canonical.reasons import Reason

PULL, PUSH, DROP, DOOR = "pull", "push", "drop", "door"
V12 = "@1.2"  # behind the shape of a door call in SOAP 1.2
Rows = list[Row | BadRow]


class Found(Struct, frozen=True):
    """One pulled page.

    Attributes:
        total: Rows the source declared; None where it does not.
        next: What the source says comes next (a cursor, an address); "" for nothing.
        has_more: What its flag says; None where it has none.
        ids: What an acknowledgement names, each once.
        batch: The source's own name for what it gave.
    """

    rows: Rows
    total: int | None
    next: str
    has_more: bool | None
    ids: list[Any]
    batch: str


class Reader:
    """The reader of one declaration."""

    def __init__(self, declaration: Declaration) -> None:
        self._told = declaration
        self._soap = declaration.kind == "soap"
        door = declaration.push.door if declaration.push else None
        self._operations = {one.name: one for one in door.operations} if door else {}

    def rows(self, shape: str, raw: bytes) -> Sequence[Row | BadRow]:
        """The rows of one body, in order.

        Raises:
            Garbled: outside what is declared.
            HubError: an answer that is a refusal by the declared rules.
        """
        try:
            return self._rows(shape, raw)
        except HubError as error:
            error.system = error.system or self._told.id
            raise

    def page(self, raw: bytes) -> Found:
        """One pulled page with all the declaration says of it. Raises as `rows`."""
        pull = self._told.pull
        if pull is None:
            raise Garbled(Reason.BODY_MALFORMED, "nothing is pulled")
        body = self.open(raw, pull.answer.format, pull.answer.encoding)
        if refusals.check(body, self._told.errors):
            return Found([], None, "", None, [], "")
        found = _records(body, pull.answer)
        paging, acknowledge = pull.paging, pull.acknowledge
        return Found(
            rows=found,
            total=_total(body, pull.answer.total),
            next=refusals.spelt(body.field(paging.next)) if paging.next else "",
            has_more=_has_more(body, paging.more, paging.more_values) if paging.more else None,
            ids=_ids(found, acknowledge.ids) if acknowledge and acknowledge.ids else [],
            batch=(
                refusals.spelt(body.field(acknowledge.batch))
                if acknowledge and acknowledge.batch
                else ""
            ),
        )

    def open(self, raw: bytes, form: str, encoding: str = "utf-8") -> Body:
        """An answer to look into. Raises Garbled."""
        if self._soap or form == "xml":
            return bodies.open_xml(raw, encoding, is_soap=self._soap)
        return bodies.open_json(raw, encoding)

    def _rows(self, shape: str, raw: bytes) -> Rows:
        if shape == PULL:
            return self.page(raw).rows
        if shape == DROP and self._told.drop is not None:
            return self._dropped(raw)
        if shape == PUSH and self._told.push is not None and self._told.push.native is not None:
            native = self._told.push.native
            if native.format == "jsonl":
                return _lines(raw, native.encoding, native.shape)
            body = (
                bodies.open_xml(raw, native.encoding)
                if native.format == "xml"
                else bodies.open_json(raw, native.encoding)
            )
            return _as_rows(body.records(native.records, absent_is_empty=False), native.shape)
        kind, _, name = shape.removesuffix(V12).partition(".")
        if kind == DOOR and name in self._operations:
            return _called(self._operations[name], raw)
        raise Garbled(Reason.BODY_MALFORMED, f"no shape {shape!r}")

    def _dropped(self, raw: bytes) -> Rows:
        drop = self._told.drop
        assert drop is not None  # noqa: S101 - its caller has looked
        if drop.format == "csv":
            return tables.rows(drop, raw)
        if drop.format == "jsonl":
            return _lines(raw, drop.encoding, drop.shape)
        body = (
            bodies.open_xml(raw, drop.encoding)
            if drop.format == "xml"
            else bodies.open_json(raw, drop.encoding)
        )
        return _as_rows(body.records(drop.records, absent_is_empty=False), drop.shape)


def message_of(raw: bytes) -> XmlBody:
    """The one message in a SOAP call's Body. Raises Garbled."""
    return bodies.open_xml(raw, is_soap=True)


def _called(operation: DoorOperation, raw: bytes) -> Rows:
    body = message_of(raw)
    return _as_rows(body.records(operation.records, absent_is_empty=True), operation.shape)


def _records(body: Body, answer: Answers) -> Rows:
    told = body.records(answer.records, absent_is_empty=answer.absent_is_empty)
    return _as_rows(told, answer.shape)


def _as_rows(records: list[dict[str, Any] | BadRow], shape: str) -> Rows:
    return [one if isinstance(one, BadRow) else Row(shape, one) for one in records]


def _lines(raw: bytes, encoding: str, shape: str) -> Rows:
    """JSON lines: a line that is no object is one bad row."""
    text = bodies.text_of(raw, encoding)
    if text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        raise Garbled(Reason.CTYPE_UNEXPECTED, "an HTML page")
    lines = [line for line in text.split("\n") if line.strip()]
    found: Rows = []
    for place, line in enumerate(lines):
        try:
            [told] = bodies.open_json(line.encode("utf-8", "surrogatepass")).records(
                ".", absent_is_empty=False
            )
        except (Garbled, ValueError) as error:
            # The last line without its end is a file that is still being written, or was cut.
            is_cut = isinstance(error, Garbled) and error.reason is Reason.BODY_TRUNCATED
            if is_cut and place == len(lines) - 1:
                raise
            told = BadRow(Reason.BODY_MALFORMED, f"[{place}]")
        found.append(told if isinstance(told, BadRow) else Row(shape, told))
    return found


def _total(body: Body, path: str) -> int | None:
    if not path:
        return None
    told = refusals.spelt(body.field(path))
    if not told.isascii() or not told.isdecimal() or len(told) > 12:
        raise Garbled(Reason.BODY_MALFORMED, f"{path} is no number")
    return int(told)


def _has_more(body: Body, path: str, values: Sequence[Any]) -> bool:
    value = body.field(path)
    told = refusals.spelt(value)
    if values:
        return told in {refusals.spelt(one) for one in values}
    if told.casefold() in ("true", "false"):
        return told.casefold() == "true"
    if told.isascii() and told.isdecimal() and len(told) < 12:
        return int(told) > 0
    raise Garbled(Reason.BODY_MALFORMED, f"{path} says neither yes nor no")


def _ids(rows: Rows, path: str) -> list[Any]:
    """What an acknowledgement names: of every row, each once, in order."""
    found: dict[Any, None] = {}
    for row in rows:
        value: Any = row.values if isinstance(row, Row) else None
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            found[value] = None
    return list(found)
