"""The closed list of reason codes, each with a Vietnamese and an English sentence.

Four families (DESIGN 3): what is wrong with a *record*, what is noted about a record that was
applied (*finding*), why a *run* of a connection failed, and why a *request* was refused.
"""

from enum import StrEnum


class Reason(StrEnum):
    """One reason code. The value is what goes over every door and into every table."""

    # record
    ENC_INVALID = "ENC_INVALID"
    FIELD_MISSING = "FIELD_MISSING"
    FIELD_TYPE = "FIELD_TYPE"
    FIELD_TOO_LONG = "FIELD_TOO_LONG"
    FIELD_UNKNOWN = "FIELD_UNKNOWN"
    DATE_INVALID = "DATE_INVALID"
    DATE_FUTURE = "DATE_FUTURE"
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    REF_UNKNOWN = "REF_UNKNOWN"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    CODE_REUSED = "CODE_REUSED"
    AGENCY_FORBIDDEN = "AGENCY_FORBIDDEN"
    MAPPING_ERROR = "MAPPING_ERROR"
    CHAR_FORBIDDEN = "CHAR_FORBIDDEN"
    CRASH_POISON = "CRASH_POISON"
    # finding
    TRANSITION_ODD = "TRANSITION_ODD"
    TIE_DOUBTFUL = "TIE_DOUBTFUL"
    UNLISTED_PROCEDURE = "UNLISTED_PROCEDURE"
    DUE_MISSING = "DUE_MISSING"
    ORDER_ODD = "ORDER_ODD"
    # run
    NET_REFUSED = "NET_REFUSED"
    NET_DNS = "NET_DNS"
    NET_RESET = "NET_RESET"
    TIMEOUT_TOTAL = "TIMEOUT_TOTAL"
    TLS_INVALID = "TLS_INVALID"
    HTTP_4XX = "HTTP_4XX"
    HTTP_5XX = "HTTP_5XX"
    RATE_LIMITED = "RATE_LIMITED"
    AUTH_EXPIRED = "AUTH_EXPIRED"
    AUTH_DENIED = "AUTH_DENIED"
    REDIRECT_REFUSED = "REDIRECT_REFUSED"
    EGRESS_DENIED = "EGRESS_DENIED"
    CTYPE_UNEXPECTED = "CTYPE_UNEXPECTED"
    BODY_TRUNCATED = "BODY_TRUNCATED"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    BODY_MALFORMED = "BODY_MALFORMED"
    XML_FORBIDDEN = "XML_FORBIDDEN"
    SOAP_FAULT = "SOAP_FAULT"
    SOURCE_ERROR = "SOURCE_ERROR"
    PAGE_LOOP = "PAGE_LOOP"
    PAGE_SHORT = "PAGE_SHORT"
    CURSOR_LOST = "CURSOR_LOST"
    SCHEMA_DRIFT = "SCHEMA_DRIFT"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    # request
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    TOO_MANY = "TOO_MANY"


_TEXTS: dict[Reason, tuple[str, str]] = {
    Reason.ENC_INVALID: (
        "Nội dung không phải UTF-8 hợp lệ hoặc không đúng bảng mã đã khai báo.",
        "The content is not valid UTF-8, or not in the encoding that was declared.",
    ),
    Reason.FIELD_MISSING: ("Thiếu trường bắt buộc.", "A required field is missing."),
    Reason.FIELD_TYPE: (
        "Giá trị của trường không đúng kiểu hoặc ngoài khoảng cho phép.",
        "The field's value has the wrong type or is out of range.",
    ),
    Reason.FIELD_TOO_LONG: (
        "Nội dung của trường dài quá giới hạn.",
        "The field's text is longer than the limit.",
    ),
    Reason.FIELD_UNKNOWN: (
        "Trường này không có trong hợp đồng dữ liệu.",
        "This field is not part of the contract.",
    ),
    Reason.DATE_INVALID: (
        "Ngày giờ không tồn tại, sai định dạng đã khai báo hoặc ngoài khoảng năm cho phép.",
        "The date does not exist, is not in the declared format, or its year is out of range.",
    ),
    Reason.DATE_FUTURE: (
        "Thời điểm cập nhật nằm ở tương lai.",
        "The time of the update lies in the future.",
    ),
    Reason.STATUS_UNKNOWN: (
        "Trạng thái không có trong bảng trạng thái.",
        "The state is not in the table of states.",
    ),
    Reason.REF_UNKNOWN: (
        "Mã không có trong bảng ánh xạ mã.",
        "The code is missing from the code mapping table.",
    ),
    Reason.VERSION_CONFLICT: (
        "Phiên bản này đã được ghi nhận với nội dung khác.",
        "This version is already held with other content.",
    ),
    Reason.CODE_REUSED: (
        "Mã hồ sơ đã kết thúc được dùng lại cho một hồ sơ khác.",
        "The code of an ended dossier is used again for another case.",
    ),
    Reason.AGENCY_FORBIDDEN: (
        "Cơ quan nêu trong hồ sơ không thuộc phạm vi của tài khoản gửi.",
        "The agency named in the record is outside the sender's grant.",
    ),
    Reason.MAPPING_ERROR: (
        "Không chuyển đổi được bản ghi theo bảng ánh xạ.",
        "The record could not be mapped.",
    ),
    Reason.CHAR_FORBIDDEN: (
        "Nội dung có ký tự điều khiển không được phép.",
        "The text holds a control character that is not allowed.",
    ),
    Reason.CRASH_POISON: (
        "Bản ghi nhiều lần làm hỏng việc xử lý nên được tách riêng.",
        "The record made processing fail repeatedly and was set apart.",
    ),
    Reason.TRANSITION_ODD: (
        "Chuyển trạng thái bất thường.",
        "An odd transition between states.",
    ),
    Reason.TIE_DOUBTFUL: (
        "Liên kết giữa hai hồ sơ có mâu thuẫn nên không được ghép.",
        "A tie between two legs contradicts itself and was not joined.",
    ),
    Reason.UNLISTED_PROCEDURE: (
        "Thủ tục chưa có trong danh mục.",
        "The procedure is not in the catalogue.",
    ),
    Reason.DUE_MISSING: ("Hồ sơ không có ngày hẹn trả.", "The dossier has no due date."),
    Reason.ORDER_ODD: (
        "Các mốc thời gian của hồ sơ không khớp thứ tự.",
        "The dossier's dates do not fit their order.",
    ),
    Reason.NET_REFUSED: ("Hệ thống từ chối kết nối.", "The counterpart refused the connection."),
    Reason.NET_DNS: ("Không phân giải được tên máy chủ.", "The host name could not be resolved."),
    Reason.NET_RESET: ("Kết nối bị ngắt giữa chừng.", "The connection was cut off."),
    Reason.TIMEOUT_TOTAL: (
        "Quá thời hạn chờ toàn bộ cuộc gọi.",
        "The call's total deadline passed.",
    ),
    Reason.TLS_INVALID: ("Chứng thư TLS không hợp lệ.", "The TLS certificate is not valid."),
    Reason.HTTP_4XX: (
        "Hệ thống trả mã lỗi HTTP 4xx.",
        "The counterpart answered with an HTTP 4xx status.",
    ),
    Reason.HTTP_5XX: (
        "Hệ thống trả mã lỗi HTTP 5xx.",
        "The counterpart answered with an HTTP 5xx status.",
    ),
    Reason.RATE_LIMITED: (
        "Hệ thống yêu cầu gọi chậm lại.",
        "The counterpart asked the hub to slow down.",
    ),
    Reason.AUTH_EXPIRED: ("Phiên đăng nhập đã hết hạn.", "The session has expired."),
    Reason.AUTH_DENIED: (
        "Hệ thống từ chối tài khoản của trục.",
        "The counterpart refused the hub's credentials.",
    ),
    Reason.REDIRECT_REFUSED: (
        "Hệ thống chuyển hướng; trục không đi theo.",
        "The counterpart redirected; the hub does not follow.",
    ),
    Reason.EGRESS_DENIED: (
        "Địa chỉ không nằm trong danh sách được phép gọi ra.",
        "The address is not on the egress allowlist.",
    ),
    Reason.CTYPE_UNEXPECTED: (
        "Kiểu nội dung trả về không đúng hợp đồng.",
        "The content type is not the contract's.",
    ),
    Reason.BODY_TRUNCATED: ("Nội dung trả về bị cắt cụt.", "The answer was cut short."),
    Reason.BODY_TOO_LARGE: ("Nội dung lớn quá giới hạn.", "The body is larger than the limit."),
    Reason.BODY_MALFORMED: (
        "Nội dung không đọc được theo định dạng đã thỏa thuận.",
        "The body cannot be read in the agreed format.",
    ),
    Reason.XML_FORBIDDEN: (
        "XML chứa cấu trúc bị cấm (DOCTYPE, thực thể).",
        "The XML holds a forbidden construct (DOCTYPE, entity).",
    ),
    Reason.SOAP_FAULT: ("Hệ thống trả về SOAP fault.", "The counterpart answered a SOAP fault."),
    Reason.SOURCE_ERROR: (
        "Hệ thống báo lỗi theo bảng mã của chính nó.",
        "The counterpart reported an error of its own.",
    ),
    Reason.PAGE_LOOP: ("Phân trang lặp lại, không tiến.", "Paging does not advance."),
    Reason.PAGE_SHORT: (
        "Số bản ghi nhận được ít hơn số đã công bố.",
        "Fewer records arrived than were declared.",
    ),
    Reason.CURSOR_LOST: ("Hệ thống không còn nhận con trỏ trang.", "The cursor is not known."),
    Reason.SCHEMA_DRIFT: (
        "Câu trả lời không còn khớp hợp đồng đã ghim.",
        "The answers no longer match the pinned contract.",
    ),
    Reason.STORE_UNAVAILABLE: (
        "Kho dữ liệu của trục tạm thời không ghi được.",
        "The hub's store cannot be written at the moment.",
    ),
    Reason.UNAUTHENTICATED: (
        "Chưa xác thực hoặc mã truy cập không hợp lệ.",
        "Not authenticated, or the token is not valid.",
    ),
    Reason.FORBIDDEN: (
        "Tài khoản không có quyền dùng cửa này.",
        "The client may not use this door.",
    ),
    Reason.NOT_FOUND: ("Không tìm thấy.", "Not found."),
    Reason.CONFLICT: (
        "Yêu cầu mâu thuẫn với trạng thái hiện tại.",
        "The request conflicts with the current state.",
    ),
    Reason.IDEMPOTENCY_MISMATCH: (
        "Khóa Idempotency-Key này đã dùng với nội dung khác.",
        "This Idempotency-Key was used with another body.",
    ),
    Reason.PRECONDITION_FAILED: (
        "Điều kiện tiên quyết không thỏa.",
        "The precondition does not hold.",
    ),
    Reason.TOO_MANY: (
        "Quá nhiều lần thử; hãy thử lại sau.",
        "Too many attempts; try again later.",
    ),
}


def sentence(reason: Reason, language: str = "vi") -> str:
    """One sentence for people: Vietnamese, or English where `language` is "en"."""
    vietnamese, english = _TEXTS[reason]
    return english if language == "en" else vietnamese
