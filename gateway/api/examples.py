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


def _told(example: Any, description: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": description,
            "content": {"application/json": {"example": example}},
        }
    }


_ID = "6c1f8f0a-95a5-5b0e-8a53-0c8f9f6a1b2c"
_RECEIPT = "0b0f2b44-6a0e-4f6e-8f5e-1f1f1f1f1f1f"
_SHOWN = {
    "id": _ID,
    **{k: v for k, v in DOSSIER.items() if k not in ("pin", "code", "version", "updated_at")},
    "legs": [
        {
            "namespace": "dong-ha",
            "connection": "dong-ha",
            "code": "DH-2016-000123",
            "generation": 1,
            "role": "desk",
            "status": "in_progress",
            "updated_at": "2016-03-04T09:15:00+07:00",
            "gone_at": None,
        }
    ],
    "spoke": {"status": "dong-ha:DH-2016-000123", "due_at": "dong-ha:DH-2016-000123"},
    "computed_due_at": "2016-03-08T09:00:00+07:00",
    "findings": [],
}
ONE = _told(_SHOWN, "Hồ sơ, không có mã PIN")
LISTING = _told({"items": [_SHOWN], "next": None, "changes_from": 1520}, "Danh sách, từng trang")
HISTORY = _told(
    {
        "items": [
            {
                "status": "accepted",
                "at": "2016-03-01T09:00:00+07:00",
                "namespace": "dong-ha",
                "facet": "snapshot",
                "officer": "Trần Thị B",
                "unit": "Bộ phận TN&TKQ",
                "note": None,
                "receipt": _RECEIPT,
                "arrived_late": False,
                "known_seq": 41,
                "retracted_by": None,
                "retracted_seq": None,
            }
        ]
    },
    "Dòng thời gian, cũ nhất trước",
)
CHANGES = _told(
    {
        "items": [
            {"seq": 41, "dossier": _ID, "kind": "created", "at": "2016-03-01T09:00:02+07:00"}
        ],
        "next_after": 41,
    },
    "Thay đổi theo thứ tự, không có khoảng trống",
)
LOOKUP = _told(
    {
        "code": "H50.12-160301-0123",
        "status": "in_progress",
        "status_text": "Đang xử lý",
        "agency_name": "UBND thành phố Đông Hà",
        "procedure_name": "Đăng ký thành lập hộ kinh doanh",
        "due_on": "2016-03-08",
        "working_days_left": 2,
        "applicant_masked": "N*** V*** ***",
        "timeline": [{"at": "2016-03-01T09:00:00+07:00", "text": "Được tiếp nhận"}],
    },
    "Hồ sơ của công dân, tên đã che",
)
INDICATORS = _told(
    {
        "profile": "seed",
        "agency": "H50.14",
        "from": "2015-01-01",
        "to": "2015-12-31",
        "as_of": "2015-12-31",
        "total": 1193,
        "buckets": {
            "early": 495,
            "on_time": 638,
            "late": 30,
            "open_in_term": 0,
            "open_overdue": 0,
            "waiting": 0,
            "returned": 30,
            "withdrawn": 0,
            "undetermined": 0,
        },
        "carried_over": 0,
        "resolved": 1193,
        "resolved_online": 0,
        "complete": True,
        "sources": [
            {
                "connection": "vinh-linh",
                "fresh_to": "2016-01-02T06:00:00+07:00",
                "suspect": False,
            }
        ],
    },
    "Chín nhóm, tổng, và độ mới của từng nguồn",
)
