"""The same reads as a user of FastAPI and SQLModel would write them, on the same rows.

`python -m bench.reads.peer` serves them at PEER_PORT: a session per request, a token checked and
its client looked up, SQLModel objects, a pydantic model for the answer. It is given keyset paging
and the hub's indexes, and no more of the hub's duties: no rights by agency, no old ids or codes of
merged dossiers, no second form of a national code, no catalogue. So it does less.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from pydantic import BaseModel
from sqlmodel import Field, Session, SQLModel, create_engine, or_, select

from bench.reads.peer_token import SECRET

FINDINGS = {"DUE_MISSING": "Không có ngày hẹn trả", "UNLISTED_PROCEDURE": "Ngoài danh mục"}


class Client(SQLModel, table=True):
    """Someone who may use the doors."""

    id: str = Field(primary_key=True)
    name: str
    scopes: str
    agencies: str
    revoked_at: datetime | None = None


class Claim(SQLModel, table=True):
    """A code that leads to a leg."""

    leg_id: int = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    code: str


class Member(SQLModel, table=True):
    """Which dossier a leg belongs to."""

    leg_id: int = Field(primary_key=True)
    dossier_id: int


class Feed(SQLModel, table=True):
    """The newest change."""

    id: int = Field(primary_key=True)
    seq: int


class Dossier(SQLModel, table=True):
    """A dossier."""

    id: int = Field(primary_key=True)
    public_id: str
    merged_into: int | None = None
    agency: str | None = None
    received_agency: str | None = None
    procedure_code: str | None = None
    status: str | None = None
    channel: str | None = None
    accepted_on: date | None = None
    due_on: date | None = None
    body: str
    findings: str
    changed_seq: int


class Procedure(BaseModel):
    """A procedure as it is shown."""

    code: str | None = None
    name: str | None = None
    domain: str | None = None


class Person(BaseModel):
    """An applicant as it is shown."""

    kind: str | None = None
    name: str | None = None
    id_number: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None


class Extension(BaseModel):
    """A promise put off."""

    old_due_at: datetime | None = None
    new_due_at: datetime
    at: datetime
    reason: str | None = None


class Supplement(BaseModel):
    """What was asked for."""

    asked_at: datetime
    received_at: datetime | None = None
    reason: str | None = None


class Fee(BaseModel):
    """A fee."""

    name: str
    amount: int
    paid_at: datetime | None = None


class Attachment(BaseModel):
    """A paper."""

    id: str
    name: str
    digest: str | None = None
    url: str | None = None


class Leg(BaseModel):
    """What one system holds of it."""

    namespace: str
    connection: str
    code: str
    generation: int
    role: str
    status: str | None
    updated_at: datetime | None
    gone_at: datetime | None


class Finding(BaseModel):
    """What is odd."""

    reason: str
    field: str | None
    about: str | None
    text: str


class DossierOut(BaseModel):
    """A dossier as it is shown."""

    id: str
    national_code: str | None
    receipt_number: str | None
    procedure: Procedure | None
    agency: str | None
    received_at_agency: str | None
    applicant: Person | None
    acting: Person | None
    channel: str | None
    service_level: int | None
    online_scope: str | None
    submitted_at: datetime | None
    accepted_at: datetime | None
    due_at: datetime | None
    extensions: list[Extension]
    finished_at: datetime | None
    handed_over_at: datetime | None
    refused_at: datetime | None
    withdrawn_at: datetime | None
    stopped_at: datetime | None
    status: str | None
    raw_status: str | None
    step: str | None
    supplements: list[Supplement]
    fees: list[Fee]
    attachments: list[Attachment]
    results: list[dict[str, Any]]
    rating: dict[str, Any] | None
    links: list[dict[str, Any]]
    judged_due_at: datetime | None
    legs: list[Leg]
    spoke: dict[str, str]
    computed_due_at: datetime | None = None
    findings: list[Finding]


class PageOut(BaseModel):
    """A page of dossiers."""

    items: list[DossierOut]
    next: int | None
    changes_from: int


engine = create_engine(os.environ.get("PEER_URL", "sqlite://"), pool_size=20)
app = FastAPI()


def session() -> Iterator[Session]:
    """A session for one request."""
    with Session(engine) as opened:
        yield opened


Opened = Annotated[Session, Depends(session)]
Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


def reader(opened: Opened, bearer: Bearer) -> Client:
    """The client a token names, if it may read."""
    try:
        claims = jwt.decode(bearer.credentials, SECRET, algorithms=["HS256"]).claims
    except (JoseError, ValueError) as error:
        raise HTTPException(401) from error
    client = opened.get(Client, claims["sub"])
    if client is None or client.revoked_at is not None or claims["exp"] < _now():
        raise HTTPException(401)
    if "read" not in json.loads(client.scopes):
        raise HTTPException(403)
    return client


Reader = Annotated[Client, Depends(reader)]


def _now() -> float:
    return datetime.now(UTC).timestamp()


def shown(found: Dossier) -> DossierOut:
    """A row as it is shown."""
    findings = [
        {**one, "text": FINDINGS.get(one["reason"], "")} for one in json.loads(found.findings)
    ]
    unlisted = {"reason": "UNLISTED_PROCEDURE", "field": "procedure.code", "about": None}
    findings.append({**unlisted, "text": FINDINGS["UNLISTED_PROCEDURE"]})
    return DossierOut(**json.loads(found.body), findings=findings)


@app.get("/api/v1/dossiers/{dossier_id}", response_model=DossierOut)
def get_dossier(dossier_id: str, opened: Opened, _client: Reader) -> DossierOut:
    """One dossier."""
    found = opened.exec(select(Dossier).where(Dossier.public_id == dossier_id)).first()
    if found is None:
        raise HTTPException(404)
    return shown(found)


@app.get("/api/v1/dossiers", response_model=PageOut)
def list_dossiers(
    opened: Opened,
    _client: Reader,
    code: str | None = None,
    agency: str | None = None,
    status: str | None = None,
    after: int = 0,
    offset: int = 0,
    limit: int = 50,
) -> PageOut:
    """Dossiers by code, or by agency and state; by key after one, or as many users do by offset."""
    asked = select(Dossier)
    if code is not None:
        asked = (
            asked.join(Member, Member.dossier_id == Dossier.id)  # type: ignore[arg-type]
            .join(Claim, Claim.leg_id == Member.leg_id)  # type: ignore[arg-type]
            .where(Claim.code == code, or_(Claim.kind == "national", Claim.kind == "receipt"))
        )
    asked = asked.where(Dossier.merged_into == None)  # noqa: E711 - SQL's own, as the indexes say
    if agency is not None and agency != "H50":
        asked = asked.where(Dossier.agency == agency)
    if status is not None:
        asked = asked.where(Dossier.status == status)
    asked = asked.where(Dossier.id > after).order_by(Dossier.id).offset(offset).limit(limit)  # type: ignore[arg-type]
    rows = opened.exec(asked).all()
    newest = opened.exec(select(Feed)).one().seq
    following = rows[-1].id if len(rows) == limit else None
    return PageOut(items=[shown(row) for row in rows], next=following, changes_from=newest)


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        loop="asyncio",
        log_level="warning",
        access_log=False,
    )
