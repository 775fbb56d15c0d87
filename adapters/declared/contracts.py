"""What a contract says, for the settings form and for drafting a declaration; and how it fails."""

from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct


class ContractFault(ValueError):
    """A contract that cannot be taken, in one plain sentence with file, line and cause.

    Attributes:
        file: Which of the files; "" where it is about all of them.
        line: From 1; 0 where there is none.
        vi: The cause, Vietnamese.
        en: The cause, English.
    """

    def __init__(self, file: str, line: int, vi: str, en: str) -> None:
        self.file, self.line, self.vi, self.en = file, line, vi, en
        super().__init__(self.sentence("vi"))

    def sentence(self, language: str = "vi") -> str:
        """The whole sentence in one language."""
        told = self.vi if language == "vi" else self.en
        word = "dòng" if language == "vi" else "line"
        place = f"{self.file}, {word} {self.line}" if self.line else self.file
        return f"{place}: {told}" if place else told


class Field(Struct, frozen=True):
    """One field of a message or record.

    Attributes:
        type: The contract's name of its kind, without namespace.
        namespace: Of its element on the wire; "" where it is unqualified.
        is_many: Whether it may stand several times.
        values: Its declared values, where they are a closed list.
        fields: What stands inside it.
        is_cut: Whether more stands inside it than is shown (it contains itself, or is very deep).
    """

    name: str
    type: str
    namespace: str = ""
    is_required: bool = False
    is_many: bool = False
    is_nillable: bool = False
    is_attribute: bool = False
    values: list[str] = []
    note: str = ""
    fields: list["Field"] = []
    is_cut: bool = False


class Message(Struct, frozen=True):
    """What goes one way.

    Attributes:
        element: Local name of the element in the Body (the operation's in rpc style).
        namespace: Its namespace.
    """

    element: str
    namespace: str
    fields: list[Field]


class Operation(Struct, frozen=True):
    """One operation, of a WSDL or an OpenAPI.

    Attributes:
        name: WSDL: the operation's; OpenAPI: operationId, else "METHOD path".
        style: document | rpc; "" for OpenAPI.
        method: OpenAPI only.
        path: OpenAPI only.
    """

    name: str
    input: Message
    output: Message | None
    style: str = ""
    soap_action: str = ""
    headers: list[Field] = []
    faults: list[str] = []
    method: str = ""
    path: str = ""
    note: str = ""


class Port(Struct, frozen=True):
    """One place to call.

    Attributes:
        version: SOAP version, "1.1" or "1.2".
    """

    service: str
    name: str
    version: str
    address: str
    operations: list[str]


class Contract(Struct, frozen=True):
    """A contract that was taken.

    Attributes:
        main: The file that is the contract; the others are what it imports.
        fingerprint: sha256 over its canonical content, addresses left out.
        notes: What was left out or stands in for something, in English.
    """

    kind: Literal["wsdl", "openapi"]
    main: str
    fingerprint: str
    title: str
    ports: list[Port]
    operations: list[Operation]
    notes: list[str] = []

    def operation(self, name: str) -> Operation:
        """One operation. Raises KeyError."""
        for one in self.operations:
            if one.name == name:
                return one
        raise KeyError(name)


def shown(operation: Operation) -> dict[str, Any]:
    """Leaf path -> field of what an operation answers; for tables and forms."""
    message = operation.output
    found: dict[str, Any] = {}
    waiting = [(f.name, f) for f in (message.fields if message else [])]
    while waiting:
        path, field = waiting.pop(0)
        found[path] = field
        waiting[:0] = [(f"{path}.{inner.name}", inner) for inner in field.fields]
    return found


def closed_values(messages: Iterable[Message | None]) -> dict[str, list[str]]:
    """Name of a field -> the closed list of values that these messages declare for it.

    Where several fields bear one name, the values of all of them.
    """
    found: dict[str, list[str]] = {}
    waiting = [field for message in messages if message is not None for field in message.fields]
    while waiting:
        field = waiting.pop()
        if field.values:
            known = found.setdefault(field.name, [])
            known += [value for value in field.values if value not in known]
        waiting += field.fields
    return found
