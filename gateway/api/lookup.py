"""The citizen's look-up by code and PIN."""

from fastapi import APIRouter, Request, Response
from msgspec import json as msgspec_json
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from gateway.api import examples
from gateway.auth import context_of
from sync.lookup import look_up

router = APIRouter(tags=["Tra cứu"])


class Question(BaseModel):
    """What stands on the appointment slip."""

    model_config = ConfigDict(
        hide_input_in_errors=True,
        extra="forbid",
        strict=True,
        json_schema_extra={"example": {"code": "H50.12-160301-0123", "pin": "48213907"}},
    )
    code: str = Field(min_length=1, max_length=200)
    pin: str = Field(min_length=1, max_length=20)


@router.post("/api/v1/lookup", summary="Tra cứu hồ sơ bằng mã và PIN", responses=examples.LOOKUP)
async def lookup(request: Request, question: Question) -> Response:
    """Hồ sơ của tôi đang ở đâu; sai mã hay sai PIN đều trả lời như nhau."""
    found = await run_in_threadpool(
        look_up, context_of(request), question.code.strip(), question.pin.strip()
    )
    return Response(msgspec_json.encode(found), media_type="application/json")
