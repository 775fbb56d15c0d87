"""Filing a dossier with a department: which one, under what number, and what is noted of it; pure.

What the hub learns by filing comes in as anything else does: as a receipt, whose bytes are a note
in the form below, so that `hub verify` can read it again.
"""

import base64
import hashlib
from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Struct

from canonical import codes
from canonical.errors import Garbled
from canonical.ports import Row
from canonical.precedence import Role
from canonical.prepared import prepare
from canonical.reasons import Reason
from canonical.states import ENDED, Status

SHAPE = "filed"
STATE_TEXT_VI = {
    "due": "chờ nộp",
    "sending": "đang nộp",
    "unknown": "đang tra cứu tại sở",
    "person": "chờ người quyết định",
    "filed": "sở đã nhận",
    "refused": "không nộp được",
    "cancelled": "không cần nộp nữa",
}
_UNDER_WAY = frozenset(Status) - ENDED - {Status.SUBMITTED}


class DeskLeg(Struct, frozen=True):
    """The leg of a desk that is filed: what makes two filings one."""

    namespace: str
    code: str
    generation: int


class Note(Struct, frozen=True, forbid_unknown_fields=True):
    """What the hub writes down when a department has a filing.

    Attributes:
        filed: The department's own code of it.
        number: The hub's own number of the filing.
        namespace: Of the desk's leg that was filed.
        code: Of that leg.
        answer: The department's answer, as received; None where a person told the code.
    """

    filed: str
    number: str
    namespace: str
    code: str
    answer: str | None


def procedures_of(options: dict[str, str]) -> list[str]:
    """The procedures a connection files, by its options; none where it files nothing."""
    return [one.strip() for one in options.get("files_procedures", "").split(",") if one.strip()]


def number_of(connection: str, desk: DeskLeg) -> str:
    """The hub's own number of a filing, 18 characters: the same leg always has the same.

    It is made of nothing but the leg's name, so that also a hub that was restored from an older
    backup files under it again, and the department can tell one filing from two.
    """
    told = "\0".join((connection, desk.namespace, desk.code, str(desk.generation)))
    digest = hashlib.blake2b(told.encode(), digest_size=10).digest()
    return f"LT{base64.b32encode(digest).decode()}"


def desk_leg(body: dict[str, Any], namespace: str, procedures: Collection[str]) -> DeskLeg | None:
    """The desk's leg of a dossier that is to be filed; None where the dossier is not.

    It is where a desk has accepted it and its leg is still there, it is under way, its procedure
    is one of those asked for, and the department has no leg of it yet.

    Args:
        body: The dossier as the hub shows it.
        namespace: The department's.
        procedures: Codes, in any spelling.
    """
    procedure = (body.get("procedure") or {}).get("code")
    if procedure is None or not {codes.procedure_key(one) for one in procedures} & {
        codes.procedure_key(procedure)
    }:
        return None
    if body.get("accepted_at") is None or body.get("status") not in _UNDER_WAY:
        return None
    if any(leg["namespace"] == namespace for leg in body["legs"]):
        return None
    desks = desk_legs(body)
    speaker = body["spoke"].get("accepted_at")
    return min(
        desks,
        key=lambda leg: (f"{leg.namespace}:{leg.code}" != speaker, leg.namespace, leg.code),
        default=None,
    )


def desk_legs(body: dict[str, Any]) -> list[DeskLeg]:
    """The living legs that desks hold of a dossier."""
    return [
        DeskLeg(leg["namespace"], leg["code"], leg["generation"])
        for leg in body["legs"]
        if leg["role"] == Role.DESK and leg["gone_at"] is None
    ]


def write_note(note: Note) -> bytes:
    """A note as the raw bytes of its receipt: equal notes, equal bytes."""
    return msgspec.json.encode(note)


def note_row(raw: bytes, system: str) -> Row:
    """The one wire row of a note, for the reader of a department with which dossiers are filed.

    Raises:
        Garbled: BODY_MALFORMED: not a note of the hub's.
    """
    try:
        note = msgspec.json.decode(raw, type=Note)
    except (msgspec.DecodeError, UnicodeDecodeError):  # they may quote the text
        raise Garbled(Reason.BODY_MALFORMED, "not a note of a filing", system=system) from None
    values = {
        "filed": note.filed,
        "number": note.number,
        "links": [{"namespace": note.namespace, "code": note.code}],
        "answer": note.answer,
    }
    return Row(SHAPE, values)


class PaperPlan(Struct, frozen=True):
    """One paper that is to follow a filing, and what became of it.

    Attributes:
        digest: `sha256:…` where the desk told it.
        state: waiting | sent | failed.
        reason: Why it failed.
    """

    name: str
    url: str | None
    digest: str | None
    state: str = "waiting"
    reason: Reason | None = None


prepare(Note, list[PaperPlan])


def plan_papers(
    body: dict[str, Any], form: str, held: Collection[PaperPlan] = ()
) -> list[PaperPlan]:
    """The papers of a dossier that follow its filing: those already planned, then new ones.

    Args:
        body: The dossier as the hub shows it.
        form: Name of the attachment that is read and not sent; "" where there is none.
        held: What was planned before.
    """
    planned = list(held)
    known = {(one.name, one.url) for one in planned}
    for told in body.get("attachments") or ():
        name, url = told.get("name") or "", told.get("url")
        if (form and name == form) or (name, url) in known:
            continue
        known.add((name, url))
        planned.append(PaperPlan(name, url, told.get("digest")))
    return planned


def form_of(body: dict[str, Any], form: str) -> dict[str, Any] | None:
    """The attachment that holds the application form; None where the dossier has none."""
    found = [one for one in body.get("attachments") or () if form and one.get("name") == form]
    return found[-1] if found else None


def has_digest(raw: bytes, digest: str | None) -> bool:
    """Whether bytes are those a desk told the digest of; yes where it told none."""
    if not digest:
        return True
    kind, mark, told = digest.partition(":")
    if not mark:
        kind, told = "sha256", digest
    return kind.lower() == "sha256" and hashlib.sha256(raw).hexdigest() == told.lower()
