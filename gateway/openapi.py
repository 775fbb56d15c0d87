"""What /openapi.json says of every door alike: how to be let in, and how a refusal looks.

FastAPI would describe its own 422, which the hub never gives: every refusal is a problem document.
"""

from typing import Any

from canonical.reasons import Reason
from gateway.api import examples

_OPEN = frozenset({"/oauth/token", "/api/v1/lookup", "/livez", "/readyz", "/metrics"})
_SOAP = "/soap/"
_SCHEMES = {
    "token": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
    },
    "basic": {"type": "http", "scheme": "basic", "description": "Chỉ ở các cửa SOAP"},
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail", "reason", "field", "correlation_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "Tiếng Việt; tiếng Anh theo Accept-Language"},
        "reason": {"type": "string", "enum": [reason.value for reason in Reason]},
        "field": {"type": ["string", "null"], "description": "Ví dụ: applicant.name"},
        "correlation_id": {"type": "string"},
        "receipt": {"type": "string", "description": "Khi gửi hồ sơ"},
    },
}
_REFUSALS = {
    "400": "Không đọc được",
    "401": "Chưa xác thực, hoặc mã truy cập hết hạn",
    "403": "Không có quyền",
    "404": "Không có",
    "413": "Quá lớn",
    "422": "Không nhận được: mã lý do và đường dẫn trường",
    "429": "Hỏi sai quá nhiều lần; hãy đợi theo Retry-After",
}
_FASTAPIS_OWN = "Validation Error"
_FOR_BODIES = ("400", "413")
_FOR_GRANTED = ("401", "403")


def complete(told: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's document with the canonical record, the problem document and the credentials."""
    components = told.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= examples.components()
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = _SCHEMES
    for path, doors in told["paths"].items():
        for method, door in doors.items():
            _complete_one(path, method, door)
    return told


def _complete_one(path: str, method: str, door: dict[str, Any]) -> None:
    answers = door["responses"]
    is_soap = path.startswith(_SOAP)
    if is_soap and method == "post":
        door["security"] = [{"basic": []}, {"token": []}]
    elif not is_soap and path not in _OPEN:
        door["security"] = [{"token": []}]
    for status in sorted({*_refusals_of(path, method, door), *answers} & set(_REFUSALS)):
        answer = answers.setdefault(status, {"description": _REFUSALS[status]})
        if answer["description"] == _FASTAPIS_OWN:
            answer["description"] = _REFUSALS[status]
        content = answer.setdefault("content", {})
        content.pop("application/json", None)  # FastAPI's own words again
        problem = content.setdefault("application/problem+json", {})
        problem["schema"] = {"$ref": "#/components/schemas/Problem"}


def _refusals_of(path: str, method: str, door: dict[str, Any]) -> set[str]:
    if path.startswith(_SOAP):
        return set()  # its refusals are faults
    found = {"401"} if path == "/oauth/token" else set()
    if "security" in door:
        found |= set(_FOR_GRANTED)
    if method == "post":
        found |= set(_FOR_BODIES)
    if path == "/api/v1/lookup":
        found |= {"404", "429"}
    return found | ({"404"} if "{" in path else set())
