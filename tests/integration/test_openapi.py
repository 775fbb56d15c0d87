"""The document that /openapi.json serves: whole, and true of the doors."""

import json
import re
from typing import Any

from tests.trial import Trial


def follow(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name.replace("~1", "/").replace("~0", "~")]
    return found


async def described(hub: Trial) -> dict[str, Any]:
    told: dict[str, Any] = (await hub.call("GET", "/openapi.json")).body
    return told


async def test_every_reference_leads_somewhere(hub: Trial) -> None:
    document = await described(hub)
    assert document["openapi"].startswith("3.1")
    references = set(re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(document)))
    assert references
    assert all(follow(document, reference) for reference in references)


async def test_every_refusal_is_described_as_a_problem(hub: Trial) -> None:
    document = await described(hub)
    assert "HTTPValidationError" not in json.dumps(document)
    for doors in document["paths"].values():
        for door in doors.values():
            for status, answer in door["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"]


async def test_a_door_says_which_credentials_open_it(hub: Trial) -> None:
    document = await described(hub)
    schemes = set(document["components"]["securitySchemes"])
    locked = set()
    for path, doors in document["paths"].items():
        for method, door in doors.items():
            wanted = {name for one in door.get("security", ()) for name in one}
            assert wanted <= schemes
            locked |= {(method, path)} if wanted else set()
    assert {path for _, path in locked} == {
        p for p in document["paths"] if p.startswith("/api/v1/") and p != "/api/v1/lookup"
    } | {p for p in document["paths"] if p.startswith("/soap/")}
    assert ("get", "/soap/v1") not in locked


async def test_the_problem_document_has_what_a_refusal_has(hub: Trial) -> None:
    problem = follow(await described(hub), "#/components/schemas/Problem")
    told = (await hub.call("GET", "/api/v1/nowhere")).body
    assert set(told) == set(problem["required"])
    assert told["reason"] in problem["properties"]["reason"]["enum"]
