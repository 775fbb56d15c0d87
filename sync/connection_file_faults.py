"""What is wrong with a file of connections, as a person mends it: which line, and why.

The line is looked for in the text itself: a parser tells one only where the text is no TOML at all.
"""

import re

from msgspec import Struct

from canonical.errors import HubError
from canonical.reasons import sentence

_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_TABLE = re.compile(
    r"\s*\[\s*connections\s*\.\s*(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_-]+)(.*)\]"
)
_KEY = re.compile(r"\s*(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_-]+)\s*=")
_NAMED = re.compile(r"connections\.([A-Za-z0-9_.-]+?)(?=[.:\s]|$)")
# What a detail says -> Vietnamese and English; the groups are what it names.
_CAUSES: tuple[tuple[str, str, str], ...] = (
    (r"Expected '=' after a key", "sau tên phải có dấu =", "= is wanted after a name"),
    (r"Expected ']+' at the end", "thiếu dấu ] ở cuối tên bảng", "] is missing after a table"),
    (r"Expected newline or end", "thừa chữ sau giá trị", "something stands behind the value"),
    (r"Unterminated string", 'chuỗi chưa có dấu " đóng', "a text is not closed"),
    (r"character '\\n'", "chuỗi chưa đóng trước khi hết dòng", "a text is not closed in its line"),
    (r"(?:Illegal|Found invalid) character", "có ký tự không được phép", "a forbidden character"),
    (r"Unescaped|Escaped character|Invalid hex", "dấu \\ trong chuỗi không đúng", "a wrong \\"),
    (r"Unclosed array", "danh sách chưa có dấu ] đóng", "a list is not closed"),
    (r"Unclosed inline table", "bảng chưa có dấu } đóng", "an inline table is not closed"),
    (
        r"Cannot (?:declare|overwrite|redefine|mutate)|Duplicate",
        "tên này đã có ở trên",
        "this name stands there already",
    ),
    (r"Invalid date", "không phải ngày giờ", "no date or time"),
    (r"Invalid value", 'không phải giá trị TOML (chuỗi phải đặt trong "…")', "no TOML value"),
    (r"Invalid (?:statement|initial)", "không phải dòng TOML", "no line of TOML"),
    (r"unknown field `([^`]+)`", "không có trường “{0}”", "there is no field {0!r}"),
    (r"missing required field `([^`]+)`", "thiếu trường “{0}”", "the field {0!r} is missing"),
    (r"Expected `([^`]+)`, got `([^`]+)`", "cần {0}, nhưng là {1}", "{0} is wanted, not {1}"),
    (r"no base64", "nội dung sau base64: không đúng", "what follows base64: is none"),
    (r"no state '([^']*)'", "không có trạng thái “{0}”", "there is no state {0!r}"),
    (
        r"version = (\d+) and",
        "cần dòng version = {0} và các bảng [connections.MÃ]",
        "version = {0} and tables [connections.ID] are wanted",
    ),
    (r"connections: not a table", "connections phải là bảng", "connections must be a table"),
    (
        r"not a number|text, number or true/false",
        "cần chuỗi, số hoặc true/false",
        "text, number or true/false is wanted",
    ),
    (r"no setting '([^']*)'", "hệ thống không có thiết lập “{0}”", "there is no setting {0!r}"),
    (r"no secret '([^']*)'", "hệ thống không có bí mật “{0}”", "there is no secret {0!r}"),
    (r"no system '([^']*)'", "trục không có hệ thống “{0}”", "there is no system {0!r}"),
    (r"is retired", "kết nối đã ngừng hẳn, không sửa được nữa", "it is retired"),
    (r": (\w+) never changes", "{0} không bao giờ đổi được; hãy thêm kết nối khác", "{0} is fixed"),
    (r"has spoken as", "đã nhận dữ liệu, không đổi vai được nữa", "its role changes no more"),
    (r"role: none of (.+)", "vai phải là một trong: {0}", "the role is one of {0}"),
    (r"letters, digits, -", "mã chỉ gồm chữ, số, dấu - _ .", "letters, digits, -, _ and . only"),
    (r"holds a password", "địa chỉ có mật khẩu: hãy đặt nó làm bí mật", "a password in an address"),
    (r"is no schedule", "không phải lịch (năm trường kiểu cron)", "no schedule"),
    (
        r"since its plan was shown",
        "đã bị sửa sau khi hiện kế hoạch; hãy xem lại kế hoạch mới",
        "it was changed since its plan was shown",
    ),
    (
        r"takes no declaration",
        "hệ thống có sẵn không nhận khai báo hay tệp hợp đồng",
        "a system with code takes no declaration",
    ),
    (r"wants a declaration", "thiếu khai báo", "a declaration is missing"),
)
_KINDS = {
    "str": ("chuỗi", "text"),
    "int": ("số nguyên", "a whole number"),
    "float": ("số", "a number"),
    "bool": ("true/false", "true or false"),
    "object": ("bảng", "a table"),
    "array": ("danh sách", "a list"),
}


class Fault(Struct, frozen=True):
    """What is wrong with a file.

    Attributes:
        line: From 1; 0 where it is about the whole file.
        connection: Which it is about; "" where none is known.
        vi: The cause, Vietnamese.
        en: The cause, English.
        detail: What the program says of it, in its own words; holds no secret.
    """

    line: int
    connection: str
    reason: str
    vi: str
    en: str
    detail: str


def explained(text: str, error: HubError) -> Fault:
    """What `connection_exports` refused, with the line of the text it is about."""
    detail = error.detail
    place = _PLACE.search(detail)
    connection, field = error.system, ""
    if place is None:
        named = _NAMED.search(detail)
        connection = connection or (named.group(1) if named is not None else "")
        field = _field_of(detail)
    line = int(place.group(1)) if place is not None else _line_of(text, connection, field)
    vi, en = _cause(detail, error)
    return Fault(line, connection, error.reason.value, vi, en, detail)


def _field_of(detail: str) -> str:
    told = re.search(r"(?:field `|setting '|secret ')([^`']+)", detail)
    if told is not None:
        return told.group(1)
    path = re.search(r"at `\$\.(\w+)", detail) or re.search(r"connections\.[^:\s]*\.(\w+):", detail)
    return path.group(1) if path is not None else ""


def _cause(detail: str, error: HubError) -> tuple[str, str]:
    for wanted, vi, en in _CAUSES:
        found = re.search(wanted, detail)
        if found is not None:
            kinds = [_KINDS.get(one, (one, one)) for one in found.groups()]
            return vi.format(*(k[0] for k in kinds)), en.format(*(k[1] for k in kinds))
    return sentence(error.reason), sentence(error.reason, "en")


def _line_of(text: str, connection: str, field: str) -> int:
    """Where a field of a connection stands, else where the connection begins; 0 for nowhere."""
    begins, is_inside = 0, False
    for number, line in enumerate(text.splitlines(), start=1):
        table = _TABLE.match(line)
        if table is not None:
            is_inside = _bare(table.group(1)) == connection
            if is_inside and not begins:
                begins = number
            inner = [_bare(one) for one in re.split(r"\s*\.\s*", table.group(2)) if one]
            if is_inside and field in inner:
                return number
            continue
        if line.lstrip().startswith("["):
            is_inside = False
        key = _KEY.match(line) if is_inside and field else None
        if key is not None and _bare(key.group(1)) == field:
            return number
        if is_inside and field and line.strip().rstrip(",") == f'"{field}"':
            return number
    return begins


def _bare(name: str) -> str:
    return name[1:-1] if name[:1] in ('"', "'") else name
