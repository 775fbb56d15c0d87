"""The licence counter: a dossier it takes in, and its papers, for whoever may fetch them."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from canonical import clock
from hub.demo.days import WorkingDays, at
from hub.demo.serving import AppThread
from hub.demo.setup import LICENCE

_NEEDED_DAYS = 5  # working days until the licence is promised
# adapters/transport/contract/to-khai.md; nobody was born on that day with that name.
_FORM = {
    "ngay_sinh": "1985-03-04",
    "gioi_tinh": "M",
    "quoc_tich": "VNM",
    "ngay_cap_giay_to": "2021-06-01",
    "noi_thuong_tru": "Phường 1, Đông Hà",
    "hang_gplx": "B2",
    "giay_kham_suc_khoe": True,
    "muc_dich": "Cấp mới",
    "nguoi_nhan": "Lê Thị Quầy",
}
_PAPERS = {
    "to-khai-gplx.json": json.dumps(_FORM, ensure_ascii=False).encode(),
    "anh-chan-dung.jpg": b"JPEG of nobody",
    "giay-kham-suc-khoe.pdf": b"PDF of nobody",
}


class Papers(AppThread):
    """The counter's papers, each at an address of its own."""

    def __init__(self) -> None:
        super().__init__("papers", Starlette(routes=[Route("/giay-to/{name}", _give)]))

    def attachments(self) -> list[dict[str, str]]:
        """The papers as a dossier names them."""
        return [
            {
                "name": name,
                "url": f"{self.base}/giay-to/{name}",
                "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
            }
            for name, data in _PAPERS.items()
        ]


async def _give(request: Request) -> Response:
    data = _PAPERS.get(request.path_params["name"])
    return Response(status_code=404) if data is None else Response(data)


def licence(papers: Papers, now: datetime) -> dict[str, Any]:
    """A licence dossier as the counter says it, taken in a minute ago."""
    accepted = clock.from_iso(clock.to_iso(now - timedelta(minutes=1)))
    today = clock.day_of(accepted)
    days = WorkingDays(today, today + timedelta(days=60))
    due = at(days[days.upto(today) + _NEEDED_DAYS], 17)
    return {
        "code": f"GPLX-{today:%y%m%d}-0001",
        "version": 1,
        "updated_at": clock.to_iso(accepted),
        "status": "accepted",
        "national_code": f"H50.19-{today:%y%m%d}-9001",
        "procedure": {"code": LICENCE, "name": "Cấp giấy phép lái xe"},
        "agency": "H50.19",
        "channel": "direct",
        "accepted_at": clock.to_iso(accepted),
        "due_at": f"{due.isoformat()}+07:00",
        "applicant": {
            "kind": "person",
            "name": "Nguyễn Văn Thử",
            "id_number": "000000900001",
            "phone": "0900000001",
            "address": "Phường 1, Đông Hà",
        },
        "attachments": papers.attachments(),
    }
