"""The stages in which a link is tried, and how what fails there is mended. Vietnamese, English."""

from canonical.errors import HubError
from canonical.reasons import Reason

STAGES: dict[str, tuple[str, str]] = {
    "name": ("Tên máy chủ", "Name"),
    "socket": ("Kết nối mạng", "Socket"),
    "tls": ("Mã hóa TLS", "TLS"),
    "credentials": ("Tài khoản", "Credentials"),
    "contract": ("Hợp đồng và câu trả lời", "Contract against answers"),
    "page": ("Một trang dữ liệu", "One page"),
    "mapping": ("Ánh xạ trang đó", "Mapping of that page"),
    "coverage": ("Độ phủ của ánh xạ", "Coverage"),
}
RESULTS = {
    "ok": ("đạt", "ok"),
    "failed": ("lỗi", "failed"),
    "not_applicable": ("không áp dụng", "not applicable"),
    "not_reached": ("chưa tới", "not reached"),
}
# Where a failure of a call belongs, by its reason; what is not here is the page's.
_CREDENTIALS = (Reason.AUTH_DENIED, Reason.AUTH_EXPIRED, Reason.FORBIDDEN, Reason.UNAUTHENTICATED)
_CONTRACT = (
    Reason.HTTP_4XX,
    Reason.REDIRECT_REFUSED,
    Reason.CTYPE_UNEXPECTED,
    Reason.BODY_MALFORMED,
    Reason.XML_FORBIDDEN,
    Reason.SOAP_FAULT,
    Reason.SCHEMA_DRIFT,
    Reason.ENC_INVALID,
    Reason.MAPPING_ERROR,
)
_MENDS: dict[Reason, tuple[str, str]] = {
    Reason.NET_DNS: (
        "Kiểm tra tên máy trong địa chỉ và máy chủ DNS của tỉnh.",
        "Check the host name in the address, and the province's DNS.",
    ),
    Reason.EGRESS_DENIED: (
        "Thêm tên máy (hoặc máy:cổng) vào HUB_EGRESS_ALLOWLIST rồi khởi động lại trục.",
        "Put the host (or host:port) on HUB_EGRESS_ALLOWLIST and start the hub again.",
    ),
    Reason.NET_REFUSED: (
        "Kiểm tra cổng, tường lửa, và dịch vụ của sở có đang chạy không.",
        "Check the port, the firewall, and whether the department's service runs.",
    ),
    Reason.NET_RESET: (
        "Kết nối bị cắt giữa chừng: kiểm tra tường lửa và cân bằng tải phía sở.",
        "The connection was cut: check the department's firewall and load balancer.",
    ),
    Reason.TIMEOUT_TOTAL: (
        "Hỏi sở vì sao chậm; có thể giảm page_size hoặc tăng timeout_s của kết nối.",
        "Ask the department why it is slow; page_size may be smaller or timeout_s larger.",
    ),
    Reason.TLS_INVALID: (
        "Xem tên và hạn của chứng thư; chứng thư phải do một CA mà trục tin cấp.",
        "Look at the certificate's name and date; it must come from an authority the hub trusts.",
    ),
    Reason.AUTH_DENIED: (
        "Đặt lại tài khoản: hub connections change ID --set TEN=…, hub connections secret ID TEN.",
        "Set the account anew: hub connections change ID --set NAME=…, secret ID NAME.",
    ),
    Reason.AUTH_EXPIRED: (
        "Phiên không được nhận ngay sau khi đăng nhập: xem lại mục login của khai báo.",
        "The session is not taken right after the log-in: look at the declaration's login.",
    ),
    Reason.HTTP_4XX: (
        "Kiểm tra đường dẫn và tham số trong khai báo; sở trả mã 4xx.",
        "Check path and parameters in the declaration; the department answers 4xx.",
    ),
    Reason.HTTP_5XX: (
        "Lỗi ở phía sở: báo đầu mối của sở, thử lại sau.",
        "A failure at the department's side: tell its contact, try again later.",
    ),
    Reason.RATE_LIMITED: (
        "Sở yêu cầu gọi chậm lại: chờ vài phút, giãn lịch hỏi.",
        "The department asks for patience: wait some minutes, ask less often.",
    ),
    Reason.REDIRECT_REFUSED: (
        "Sửa địa chỉ thành nơi mà sở chuyển hướng tới (thường là https).",
        "Change the address to where the department redirects (often https).",
    ),
    Reason.CTYPE_UNEXPECTED: (
        "Không phải kiểu đã khai báo: kiểm tra đường dẫn; nếu đúng thì khai báo content_types.",
        "A web page or another kind came: check the path; declare content_types if it is right.",
    ),
    Reason.BODY_MALFORMED: (
        "So câu trả lời với khai báo: format, records, total. Xem bằng hub connections preview.",
        "Compare the answer with the declaration: format, records, total.",
    ),
    Reason.BODY_TRUNCATED: (
        "Câu trả lời bị cắt: báo sở; thử page_size nhỏ hơn.",
        "The answer was cut short: tell the department; try a smaller page_size.",
    ),
    Reason.BODY_TOO_LARGE: (
        "Giảm page_size của kết nối.",
        "Make the connection's page_size smaller.",
    ),
    Reason.SOAP_FAULT: (
        "Xem mã fault; kiểm tra thao tác và đối số trong khai báo.",
        "Look at the fault code; check operation and arguments in the declaration.",
    ),
    Reason.SCHEMA_DRIFT: (
        "Hợp đồng của sở đã đổi: xin hợp đồng mới, hub connections contract để so dấu vân tay.",
        "The department's contract changed: ask for the new one, compare its fingerprint.",
    ),
    Reason.SOURCE_ERROR: (
        "Sở báo lỗi theo mã của mình: xem mục errors của khai báo và hỏi sở.",
        "The department reports an error of its own: see the declaration's errors, ask it.",
    ),
    Reason.STATUS_UNKNOWN: (
        "Thêm trạng thái còn thiếu vào bảng trạng thái (--table status.MA=…).",
        "Put the missing state into the table of states (--table status.CODE=…).",
    ),
    Reason.REF_UNKNOWN: (
        "Thêm mã còn thiếu vào bảng mã (--table BANG.MA=…).",
        "Put the missing code into its table (--table TABLE.CODE=…).",
    ),
    Reason.FIELD_MISSING: (
        "Xem trường còn thiếu bằng hub connections preview; sửa source của dòng ánh xạ.",
        "Look at the missing field with hub connections preview; mend the row's source.",
    ),
    Reason.DATE_INVALID: (
        "Sửa định dạng ngày của dòng ánh xạ (date:%d/%m/%Y …).",
        "Mend the date form of the mapping row (date:%d/%m/%Y …).",
    ),
    Reason.FIELD_TYPE: (
        "Kiểm tra kiểu của trường hoặc thiết lập được nêu.",
        "Check the kind of the field or setting that is named.",
    ),
}
_FOLDER: dict[Reason, tuple[str, str]] = {
    Reason.NET_REFUSED: (
        "Thư mục không có: kiểm tra đường dẫn và ổ gắn.",
        "The folder is not there: check the path and the mount.",
    ),
    Reason.AUTH_DENIED: (
        "Cho người dùng của trục quyền đọc thư mục.",
        "Let the hub's user read the folder.",
    ),
}
_ELSE = (
    "Xem mã lý do trong tài liệu vận hành; nếu chưa rõ, gọi đầu mối của sở.",
    "See the reason code in the operations manual; if unclear, call the department.",
)
NO_CLIENT = (
    "Tạo tài khoản cho sở: hub clients add TEN --scope push --connection ID.",
    "Make an account for the department: hub clients add NAME --scope push --connection ID.",
)
NOT_COVERED = (
    "Đưa giá trị vào bảng mã, hoặc nêu tên nó trong refused; xem hub connections coverage ID.",
    "Map the value in its table, or name it in refused; see hub connections coverage ID.",
)
NO_ADDRESS = (
    "Đặt địa chỉ: hub connections change ID --endpoint http://…",
    "Set the address: hub connections change ID --endpoint http://…",
)


def stage_of(error: HubError) -> str:
    """In which stage a failed call belongs."""
    if error.reason in _CREDENTIALS:
        return "credentials"
    return "contract" if error.reason in _CONTRACT else "page"


def mend(reason: Reason, *, is_folder: bool = False) -> tuple[str, str]:
    """How it is mended, Vietnamese and English."""
    return (_FOLDER.get(reason) if is_folder else None) or _MENDS.get(reason, _ELSE)
