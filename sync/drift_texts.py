"""A change of a department's records in one sentence, Vietnamese and English. No value of a person.

Codes of a table are named: they are what is to be decided about.
"""

from collections.abc import Mapping
from typing import Any

_MOST = 5


def sentence_of(kind: str, field: str, told: Mapping[str, Any]) -> tuple[str, str]:
    """What changed, which mapping rows it touches, and whose records show it."""
    to, before, after = told.get("to", ""), _list(told, "before"), _list(told, "after")
    texts = {
        "new": (f"trường mới {field}", f"new field {field}"),
        "lost": (f"mất trường {field}", f"lost field {field}"),
        "renamed": (f"trường {field} đổi tên thành {to}", f"field {field} is called {to} now"),
        "retyped": (
            f"trường {field} đổi kiểu từ {before} sang {after}",
            f"field {field} was {before} and is {after} now",
        ),
        "value": (
            f"trường {field} có giá trị mới {after}",
            f"field {field} has new values: {after}",
        ),
        "date_form": (
            f"trường {field} đổi dạng ngày từ {before} sang {after}",
            f"the dates of field {field} were {before} and are {after} now",
        ),
        "contract": (
            f"hợp đồng đang phục vụ ({field}) khác hợp đồng đã ghim",
            f"the contract that is served ({field}) is not the pinned one",
        ),
    }
    vi, en = texts[kind]
    places, procedures = _list(told, "places"), _list(told, "procedures")
    if places:
        vi, en = f"{vi}; dòng ánh xạ: {places}", f"{en}; mapping rows: {places}"
    if procedures and procedures != "-":
        vi, en = f"{vi}; thủ tục: {procedures}", f"{en}; procedures: {procedures}"
    return vi, en


def _list(told: Mapping[str, Any], name: str) -> str:
    found = [str(one) for one in told.get(name, ())]
    more = f" (+{len(found) - _MOST})" if len(found) > _MOST else ""
    return ", ".join(found[:_MOST]) + more
