"""A system as the IT department declares it: TOML or JSON, read strictly. See docs/declaration.md.

Every key stands here once, with its default; a key that is not here is refused with its place, for
a misspelt one would silently change what is asked or what is believed.
"""

import tomllib
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from adapters.declared.contracts import ContractFault
from adapters.declared.sentences import vietnamese
from canonical.prepared import prepare
from canonical.reading import json
from canonical.text import Malformed

MAX_BYTES = 512 * 1024
Format = Literal["json", "xml"]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,60}\Z")]
Scalar = str | int | float | bool
Failure = Literal[
    "AUTH_DENIED", "AUTH_EXPIRED", "RATE_LIMITED", "SOURCE_ERROR", "SOURCE_BUSY", "NO_RECORDS"
]


class DeclarationFault(ValueError):
    """A declaration that cannot be taken: one plain sentence that begins with the place."""

    def sentence(self, language: str = "en") -> str:
        """The sentence in a language, "vi" or "en"."""
        if language != "vi":
            return str(self)
        if isinstance(self.__cause__, ContractFault):
            return f"{str(self).partition(': ')[0]}: {self.__cause__.sentence('vi')}"
        return vietnamese(str(self))


class _Part(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every part: unknown keys are refused."""


class Auth(_Part, frozen=True, kw_only=True):
    """How every call shows who calls: [auth]."""

    kind: Literal["none", "basic", "bearer", "header", "query"] = "none"
    name: str = ""
    user: str = ""
    secret: str = ""


class Request(_Part, frozen=True, kw_only=True):
    """One call: its address below the endpoint (rest) or its operation (soap), with templates."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str = ""
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    form: dict[str, str] = {}
    json: Any = None
    body: str = ""
    content_type: str = ""
    operation: str = ""
    arguments: dict[str, Any] = {}
    soap_headers: dict[str, Any] = {}


class Paging(_Part, frozen=True, kw_only=True):
    """How one question becomes several: [pull.paging]."""

    kind: Literal["none", "page", "offset", "cursor", "flag", "link"] = "none"
    first: int | None = None
    ends: Literal["empty", "short"] = "empty"
    size: Annotated[int, Meta(ge=1, le=100_000)] = 500
    next: str = ""
    more: str = ""
    more_values: list[Scalar] = []


class Answers(_Part, frozen=True, kw_only=True):
    """How an answer or a file is read: where its records lie."""

    format: Format = "json"
    encoding: str = "utf-8"
    content_types: list[str] = []
    records: str = ""
    absent_is_empty: bool = False
    total: str = ""
    shape: str = "record"


class Acknowledge(_Part, frozen=True, kw_only=True):
    """The second step of a two-step pull: [pull.acknowledge]."""

    request: Request
    ids: str = ""
    batch: str = ""
    join: str = ","


class Pull(_Part, frozen=True, kw_only=True):
    """How the hub asks: [pull]."""

    request: Request
    answer: Answers
    paging: Paging = Paging()
    since_format: str = "iso"
    until_format: str = ""
    since_default: str = ""
    ordered: bool = False
    lists_all: bool = False
    acknowledge: Acknowledge | None = None


class Login(_Part, frozen=True, kw_only=True):
    """A call that gives a session: [login]."""

    request: Request
    taken_from: Literal["field", "header", "cookie"] = "field"
    token: str
    format: Format = "json"
    life: str = ""
    life_s: Annotated[int, Meta(ge=1, le=86_400 * 30)] = 1_200
    expired_statuses: list[int] = msgspec.field(default_factory=lambda: [401])
    expired_faults: list[str] = []


class ErrorRule(_Part, frozen=True, kw_only=True):
    """When an answer is a refusal, and which: [[errors]]; the first rule that fits decides."""

    field: str
    values: list[Scalar] = []
    good_values: list[Scalar] = []
    text: str = ""
    text_has: str = ""
    reason: Failure = "SOURCE_ERROR"


class Soap(_Part, frozen=True, kw_only=True):
    """Which contract is spoken: [soap]."""

    contract: str
    fingerprint: str = ""
    served: str = ""
    service: str = ""
    port: str = ""
    version: Literal["1.1", "1.2"] = "1.1"
    wsse_user: str = ""
    wsse_secret: str = ""
    wsse_digest: bool = False


class OpenApi(_Part, frozen=True, kw_only=True):
    """Which contract a REST department answers by: [openapi]."""

    contract: str
    fingerprint: str = ""
    served: str = ""
    operation: str = ""


class Drop(_Part, frozen=True, kw_only=True):
    """A folder others fill: [drop]."""

    files: str = "*"
    format: Literal["csv", "json", "jsonl", "xml"] = "csv"
    encoding: str = "utf-8"
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Meta(max_length=1)] = '"'
    columns: list[str] = []
    records: str = ""
    shape: str = "record"
    settled: Literal["digest", "marker", "age"] = "digest"
    suffix: str = ""
    age_s: Annotated[int, Meta(ge=1, le=86_400)] = 60


class DoorOperation(_Part, frozen=True, kw_only=True):
    """One operation a department calls at the hub: [[push.door.operations]].

    Template values of `success`, `partial` and `refusal` are the answer's fields in the contract.
    """

    name: str
    records: str = "."
    shape: str = "record"
    user: str = ""
    password: str = ""
    success: dict[str, Any] = {}
    partial: dict[str, Any] = {}
    refusal: dict[str, Any] = {}


class SoapDoor(_Part, frozen=True, kw_only=True):
    """A door in the department's own contract: [push.door]."""

    contract: str
    fingerprint: str = ""
    credentials: Literal["basic", "body", "wsse"] = "basic"
    operations: list[DoorOperation]


class NativePush(_Part, frozen=True, kw_only=True):
    """Records posted to /api/v1/connections/{id}/records: [push.native]."""

    format: Literal["json", "jsonl", "xml"] = "json"
    encoding: str = "utf-8"
    records: str = ""
    shape: str = "record"


class Push(_Part, frozen=True, kw_only=True):
    """How a department calls the hub: [push]."""

    native: NativePush | None = None
    door: SoapDoor | None = None


class Declaration(_Part, frozen=True, kw_only=True):
    """A whole system: the top of the file."""

    kind: Literal["rest", "soap", "file"]
    id: Name
    title: Annotated[str, Meta(min_length=1, max_length=300)]
    owner: str = ""
    role: Literal["desk", "handling", "money"] = "handling"
    proven_against: Literal["simulator", "test system", "live"] = "simulator"
    quality: str = ""
    schedule: str = "*/15 * * * *"
    reconcile_schedule: str = "0 2 * * sun"
    overlap_s: Annotated[int, Meta(ge=0, le=604_800)] = 300
    timeout_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    time_zone: str = "Asia/Ho_Chi_Minh"
    headers: dict[str, str] = {}
    options: dict[str, str] = {}
    secrets: list[Name] = []
    auth: Auth = Auth()
    login: Login | None = None
    errors: list[ErrorRule] = []
    soap: Soap | None = None
    openapi: OpenApi | None = None
    pull: Pull | None = None
    drop: Drop | None = None
    push: Push | None = None
    mapping: dict[str, Any]


prepare(Declaration)


def read(raw: bytes, name: str = "declaration.toml") -> dict[str, Any]:
    """A declaration's bytes as data; JSON where the name ends in .json, else TOML.

    Raises:
        DeclarationFault: too large, or neither.
    """
    if len(raw) > MAX_BYTES:
        raise DeclarationFault(f"{name}: larger than {MAX_BYTES // 1024} KiB")
    try:
        told = json.decode(raw) if name.endswith(".json") else tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, Malformed, RecursionError) as error:
        raise DeclarationFault(f"{name}: {error}") from None
    if not isinstance(told, dict):
        raise DeclarationFault(f"{name}: not an object")
    return told


def decode(told: dict[str, Any]) -> Declaration:
    """A declaration's data as checked structs; what its parts mean together is `checks.check`'s.

    Raises:
        DeclarationFault: an unknown or missing key, or a value of the wrong kind, with its place.
    """
    try:
        return msgspec.convert(told, Declaration)
    except msgspec.ValidationError as error:
        sentence, _, place = str(error).partition(" - at `")
        where = place.rstrip("`").removeprefix("$").lstrip(".") or "the declaration"
        raise DeclarationFault(f"{where}: {sentence[:1].lower()}{sentence[1:]}") from None
