"""What a listing may be asked for, read in one step.

FastAPI looks at each declared parameter anew with every request, which for twelve of them costs as
much as the read; it is told of them here only for its document.
"""

from typing import Annotated, Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from canonical.fields import Channel
from canonical.states import Status
from gateway.plain import Day
from store.reads import Filters

MAX_LIMIT = 500
Text = Annotated[str | None, Field(max_length=400)]


class Listing(BaseModel):
    """The parameters of a listing."""

    model_config = ConfigDict(hide_input_in_errors=True)

    code: Text = None
    agency: Text = None
    procedure: Text = None
    status: Status | None = None
    connection: Text = None
    channel: Channel | None = None
    accepted_from: Day | None = None
    accepted_to: Day | None = None
    due_before: Day | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50
    cursor: Text = None

    def filters(self) -> Filters:
        """What it asks of each dossier; the agency is the caller's to look up."""
        return Filters(
            procedure=self.procedure,
            status=self.status.value if self.status is not None else None,
            connection=self.connection,
            channel=self.channel.value if self.channel is not None else None,
            accepted_from=self.accepted_from,
            accepted_to=self.accepted_to,
            due_before=self.due_before,
        )


def read_listing(request: Request) -> Listing:
    """What a request asks for.

    Raises:
        RequestValidationError: a parameter cannot be taken.
    """
    try:
        return Listing.model_validate(dict(request.query_params))
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError(
            [{**one, "loc": ("query", *one["loc"])} for one in told]
        ) from None


def parameters() -> list[dict[str, Any]]:
    """The parameters as OpenAPI describes them."""
    told = Listing.model_json_schema()
    kinds = {f"#/$defs/{name}": kind for name, kind in told["$defs"].items()}

    def whole(schema: Any) -> Any:
        if isinstance(schema, list):
            return [whole(part) for part in schema]
        if not isinstance(schema, dict):
            return schema
        if schema.get("$ref") in kinds:
            return kinds[schema["$ref"]]
        return {key: whole(part) for key, part in schema.items()}

    found = []
    for name, schema in told["properties"].items():
        kept = {key: part for key, part in schema.items() if (key, part) != ("default", None)}
        found.append({"name": name, "in": "query", "required": False, "schema": whole(kept)})
    return found
