"""The fields a record may state, facet by facet, as CONTRACT.md lists them.

Frozen msgspec structs: they validate, are fast, and give the JSON Schema that OpenAPI shows. Absent
is `UNSET` and says nothing; null is None and says none.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from canonical.prepared import prepare
from canonical.states import Status
from canonical.text import MAX_TEXT


class Facet(StrEnum):
    """Which part of a leg a record states."""

    SNAPSHOT = "snapshot"
    RECEPTION = "reception"
    STEP = "step"
    RESULT = "result"
    MONEY = "money"
    RATING = "rating"


class Channel(StrEnum):
    """How the dossier was handed in: at the desk, online, by post."""

    DIRECT = "direct"
    ONLINE = "online"
    POST = "post"


class ApplicantKind(StrEnum):
    """Whose dossier it is."""

    PERSON = "person"
    BUSINESS = "business"
    ORGANISATION = "organisation"


Text = Annotated[str, Meta(max_length=MAX_TEXT)]
# A code of blanks alone would be trimmed to nothing and tie strangers together.
Code = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Pin = Annotated[str, Meta(pattern=r"^[0-9]{6,12}\Z", description="Mã PIN trên phiếu hẹn")]
Dong = Annotated[int, Meta(ge=-(2**53), le=2**53, description="Số tiền, đồng")]
Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]
MaybeText = Text | UnsetType | None
MaybeCode = Code | UnsetType | None
MaybeTime = datetime | UnsetType | None


class _Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every nested part: unknown names are refused."""


class Procedure(_Part, frozen=True):
    """Thủ tục hành chính."""

    code: MaybeCode = UNSET
    name: MaybeText = UNSET
    domain: MaybeText = UNSET


class Applicant(_Part, frozen=True):
    """Chủ hồ sơ, or the person acting for them."""

    kind: ApplicantKind | UnsetType | None = UNSET
    name: MaybeText = UNSET
    id_number: MaybeText = UNSET
    phone: MaybeText = UNSET
    email: MaybeText = UNSET
    address: MaybeText = UNSET


class HistoryItem(_Part, frozen=True):
    """One step the source tells of."""

    status: Status
    at: datetime
    officer: Text | None = None
    unit: Text | None = None
    note: Text | None = None


class Extension(_Part, frozen=True):
    """A declared new due date (gia hạn)."""

    new_due_at: datetime
    at: datetime
    old_due_at: datetime | None = None
    reason: Text | None = None


class Supplement(_Part, frozen=True):
    """One request for more papers."""

    asked_at: datetime
    received_at: datetime | None = None
    reason: Text | None = None


class Fee(_Part, frozen=True):
    """Phí, lệ phí or a financial duty, in đồng."""

    amount: Dong
    name: Text | None = None
    paid_at: datetime | None = None


class Attachment(_Part, frozen=True):
    """A paper by reference; the bytes stay at the source."""

    id: Text | None = None
    name: Text | None = None
    digest: Text | None = None
    url: Text | None = None


class Result(_Part, frozen=True):
    """A result paper."""

    id: Text | None = None
    name: Text | None = None
    code: Text | None = None
    digest: Text | None = None
    url: Text | None = None
    issued_at: datetime | None = None


class Rating(_Part, frozen=True):
    """What the citizen thought of it."""

    score: Annotated[int, Meta(ge=0, le=100)] | None = None
    scale: Annotated[int, Meta(ge=1, le=100)] | None = None
    comment: Text | None = None
    at: datetime | None = None


class Link(_Part, frozen=True):
    """A declared cross-reference to another system's code."""

    namespace: Code
    code: Code


class Said(_Part, kw_only=True, frozen=True):
    """What every record says, whatever its facet."""

    code: Code
    facet: Facet = Facet.SNAPSHOT
    version: Version | UnsetType | None = UNSET
    updated_at: MaybeTime = UNSET


class Reception(Said, kw_only=True, frozen=True):
    """What the desk says on taking a dossier in."""

    national_code: MaybeCode = UNSET
    receipt_number: MaybeCode = UNSET
    pin: Pin | UnsetType | None = UNSET
    procedure: Procedure | UnsetType | None = UNSET
    agency: MaybeCode = UNSET
    received_at_agency: MaybeCode = UNSET
    applicant: Applicant | UnsetType | None = UNSET
    acting: Applicant | UnsetType | None = UNSET
    channel: Channel | UnsetType | None = UNSET
    service_level: Annotated[int, Meta(ge=1, le=4)] | UnsetType | None = UNSET
    online_scope: MaybeText = UNSET
    submitted_at: MaybeTime = UNSET
    accepted_at: MaybeTime = UNSET
    due_at: MaybeTime = UNSET
    attachments: list[Attachment] | UnsetType | None = UNSET
    links: list[Link] | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET
    history: list[HistoryItem] | UnsetType | None = UNSET


class Step(Said, kw_only=True, frozen=True):
    """One step of the work."""

    status: Status | UnsetType | None = UNSET
    raw_status: MaybeText = UNSET
    step: MaybeText = UNSET
    agency: MaybeCode = UNSET
    due_at: MaybeTime = UNSET
    extensions: list[Extension] | UnsetType | None = UNSET
    supplements: list[Supplement] | UnsetType | None = UNSET
    refused_at: MaybeTime = UNSET
    withdrawn_at: MaybeTime = UNSET
    stopped_at: MaybeTime = UNSET
    history: list[HistoryItem] | UnsetType | None = UNSET


class ResultFacet(Said, kw_only=True, frozen=True):
    """End of work and hand-over."""

    status: Status | UnsetType | None = UNSET
    finished_at: MaybeTime = UNSET
    handed_over_at: MaybeTime = UNSET
    results: list[Result] | UnsetType | None = UNSET
    history: list[HistoryItem] | UnsetType | None = UNSET


class Money(Said, kw_only=True, frozen=True):
    """A financial duty."""

    fees: list[Fee] | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET
    links: list[Link] | UnsetType | None = UNSET


class RatingFacet(Said, kw_only=True, frozen=True):
    """A citizen's rating."""

    rating: Rating | UnsetType | None = UNSET


class Snapshot(Reception, kw_only=True, frozen=True):
    """The whole leg at one moment (the default facet)."""

    raw_status: MaybeText = UNSET
    step: MaybeText = UNSET
    extensions: list[Extension] | UnsetType | None = UNSET
    supplements: list[Supplement] | UnsetType | None = UNSET
    refused_at: MaybeTime = UNSET
    withdrawn_at: MaybeTime = UNSET
    stopped_at: MaybeTime = UNSET
    finished_at: MaybeTime = UNSET
    handed_over_at: MaybeTime = UNSET
    fees: list[Fee] | UnsetType | None = UNSET
    results: list[Result] | UnsetType | None = UNSET
    rating: Rating | UnsetType | None = UNSET


FIELDS_OF: dict[Facet, type[Said]] = {
    Facet.SNAPSHOT: Snapshot,
    Facet.RECEPTION: Reception,
    Facet.STEP: Step,
    Facet.RESULT: ResultFacet,
    Facet.MONEY: Money,
    Facet.RATING: RatingFacet,
}
prepare(*FIELDS_OF.values())
# Objects merge field by field; everything else is replaced whole (CONTRACT).
MERGED = ("procedure", "applicant", "acting")
