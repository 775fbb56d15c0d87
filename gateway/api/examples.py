"""What OpenAPI shows of bodies that FastAPI does not parse: schemas, Vietnamese examples."""

from typing import Any

import msgspec

from canonical.fields import Snapshot

DOSSIER: dict[str, Any] = {
    "code": "DH-2016-000123",
    "version": 3,
    "updated_at": "2016-03-04T09:15:00+07:00",
    "national_code": "H50.12-160301-0123",
    "receipt_number": "DH/2016/0123",
    "pin": "48213907",
    "procedure": {
        "code": "1.001612",
        "name": "Đăng ký thành lập hộ kinh doanh",
        "domain": "Đăng ký kinh doanh",
    },
    "agency": "H50.12",
    "received_at_agency": "H50.12",
    "applicant": {"kind": "person", "name": "Nguyễn Văn A", "phone": "0912345678"},
    "channel": "online",
    "accepted_at": "2016-03-01T09:00:00+07:00",
    "due_at": "2016-03-08T17:00:00+07:00",
    "status": "in_progress",
    "raw_status": "TT_04",
    "step": "Thẩm định",
}
_STEP = {
    "code": "DH-2016-000123",
    "facet": "step",
    "version": 4,
    "updated_at": "2016-03-05T10:00:00+07:00",
    "status": "supplement",
    "step": "Yêu cầu bổ sung bản sao",
}


def components() -> dict[str, Any]:
    """The JSON Schemas of the canonical record, from the model itself."""
    (_, found) = msgspec.json.schema_components(
        [Snapshot], ref_template="#/components/schemas/{name}"
    )
    return dict(found)


_REFUSED = {
    "description": "Không nhận được: mã lý do, đường dẫn trường, mã biên nhận",
    "content": {
        "application/problem+json": {
            "example": {
                "type": "urn:lienthong:reason:STATUS_UNKNOWN",
                "title": "The state is not in the table of states.",
                "status": 422,
                "detail": "Trạng thái không có trong bảng trạng thái.",
                "reason": "STATUS_UNKNOWN",
                "field": "status",
                "correlation_id": "0c3f6a1f6f7d4c0e9b7a5d2e1f0a9b8c",
                "receipt": "0b0f2b44-6a0e-4f6e-8f5e-1f1f1f1f1f1f",
            }
        }
    },
}
_TAKEN = {
    "description": "Biên nhận: kết quả của từng bản ghi",
    "content": {
        "application/json": {
            "example": {
                "receipt": "0b0f2b44-6a0e-4f6e-8f5e-1f1f1f1f1f1f",
                "counts": {
                    "applied": 1,
                    "superseded": 0,
                    "duplicate": 0,
                    "quarantined": 0,
                    "pending": 0,
                },
                "records": [
                    {
                        "position": 0,
                        "code": "DH-2016-000123",
                        "disposition": "applied",
                        "reason": None,
                        "field": None,
                        "dossier": "6c1f8f0a-95a5-5b0e-8a53-0c8f9f6a1b2c",
                    }
                ],
            }
        }
    },
}
_ANSWERS = {"200": _TAKEN, "202": _TAKEN, "422": _REFUSED}
_ONE = {"$ref": "#/components/schemas/Snapshot"}
PUSH: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [_ONE, {"type": "array", "items": _ONE}]},
                "examples": {
                    "ho_so": {"summary": "Một hồ sơ", "value": DOSSIER},
                    "buoc": {"summary": "Một bước xử lý (facet step)", "value": _STEP},
                    "danh_sach": {"summary": "Danh sách", "value": [DOSSIER, _STEP]},
                },
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    },
    "responses": _ANSWERS,
}
NATIVE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {}}},
    },
    "responses": _ANSWERS,
}
