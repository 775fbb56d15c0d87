"""Stands in for Sở Nội vụ's one-stop app: contract/openapi.json and contract/codes.json alone.

Data file: a JSON list of dossiers in the app's own words, each as schema "Dossier" of the contract:

    [{"dossierId": 880001, "referenceUid": "…", "dossierNo": "000.00.19.H50-160105-0001",
      "password": "31415927", "serviceCode": "GTVT.GPLX.DOI", "serviceName": "…", "domainName": "…",
      "govAgencyCode": "SGTVT", "serviceLevel": 2, "online": false, "viaPostal": 0,
      "applicantName": "…", "applicantIdType": "citizen", "applicantIdNo": "…", "contactTelNo": "…",
      "submitDate": null, "receiveDate": 1451956200000, "dueDate": 1452592800000,
      "extendDate": null, "extendActionDate": null, "releaseDate": null, "finishDate": null,
      "cancellingDate": null, "modifiedDate": 1451956200000, "dossierStatus": "processing",
      "dossierStatusText": "Đang xử lý", "dossierSubStatus": "processing_3",
      "dossierSubStatusText": "Thẩm định", "originDossierNo": "", "serverNo": "",
      "dossierActions": [{"statusCode": "new", "createDate": 1451956200000, "actionUser": "…",
                          "unit": "…"}]}]

Required are dossierId, referenceUid, serviceCode, govAgencyCode, online, modifiedDate and
dossierStatus. One dossier may stand several times with different modifiedDate: every state it went
through is then given, as an app does that is asked in between. Codes: contract/codes.json.

Options: client_id, client_secret, expires_in (seconds a token lives), token_lists (list calls after
which a token is no longer taken), for trying how a caller copes. Own mood: `drift` (a field under a
new name; options rename, rename_procedure).
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.one_stop import invented
from adapters.simulation import Simulation
from adapters.simulation.renaming import Renaming

CLIENT_ID = "truc-lien-thong"
CLIENT_SECRET = "mo-phong-khong-phai-that"  # noqa: S105 - invented, opens only this simulator
_MAX_ROWS = 1000
_HCM = timezone(timedelta(hours=7))
_YEAR_ONE = -62135769600000
_YEAR_9999 = 253402189200000


class _App:
    """The app's data, its tokens, and its answers."""

    def __init__(self, rows: list[dict[str, Any]], options: Mapping[str, str]) -> None:
        self._client = (
            options.get("client_id", CLIENT_ID),
            options.get("client_secret", CLIENT_SECRET),
        )
        self._life_s = int(options.get("expires_in", "3600"))
        self._lists = int(options.get("token_lists", "1000000"))
        self._left: dict[str, int] = {}
        self._issued = 0
        self._renaming = Renaming(options, "serviceCode", "dueDate:promisedDate")
        self.simulation = Simulation(
            [
                Route("/o/rest/v2/login", self._login, methods=["POST"]),
                Route("/o/rest/v2/dossiers", self._dossiers, methods=["GET"]),
                Route("/o/rest/v2/dossiers/statistics", self._statistics, methods=["GET"]),
            ],
            options={"client_id": self._client[0]},
            secrets={"client_secret": self._client[1]},
            more_moods=("drift",),
            on_data=self._take,
        )
        self._take(rows)

    def _take(self, rows: Any) -> None:
        self._rows: list[dict[str, Any]] = sorted(rows, key=_order)
        self._stamps = [_order(row)[0] for row in self._rows]

    async def _login(self, request: Request) -> Response:
        self.simulation.note(request, "login")
        form = await request.form()
        told = (form.get("client_id"), form.get("client_secret"))
        if self.simulation.mood == "refusing" or told != self._client:
            self._left.clear()
            return _error(401, "invalid client")
        self._issued += 1
        token = f"phien-{self._issued:06d}-{'0123456789abcdef' * 4}"
        self._left[token] = self._lists
        return JSONResponse({"access_token": token, "expires_in": self._life_s})

    async def _dossiers(self, request: Request) -> Response:
        self.simulation.note(request, "dossiers")
        refusal = self._refusal(request.headers.get("authorization", ""))
        if refusal is not None:
            return refusal
        try:
            asked = {name: int(told) for name, told in request.query_params.items() if name in _N}
        except ValueError:
            return _error(400, "not a number")
        low = self._position(asked.get("modifiedDateFrom"), 0)
        high = self._position(asked.get("modifiedDateTo"), len(self._rows))
        rows = self._rows[low:high]
        if {"serviceCode", "receiveDay"} & request.query_params.keys():
            wanted = (
                request.query_params.get("serviceCode"),
                request.query_params.get("receiveDay") or None,
            )
            rows = [row for row in rows if (row.get("serviceCode"), _received_on(row)) == wanted]
        if self.simulation.mood == "drift":
            rows = [self._renaming.of(row) for row in rows]
        window = self.simulation.arranged(rows)
        start = max(asked.get("start", 0), 0)
        end = min(asked.get("end", start + _MAX_ROWS), start + _MAX_ROWS)
        data = [_as_the_mood_has_it(row, self.simulation.mood) for row in window[start:end]]
        return JSONResponse({"total": len(window), "data": data})

    async def _statistics(self, request: Request) -> Response:
        self.simulation.note(request, "statistics")
        refusal = self._refusal(request.headers.get("authorization", ""))
        if refusal is not None:
            return refusal
        now: dict[str, dict[str, Any]] = {}
        for row in self._rows:  # in order: the last state of a dossier is its present one
            now[str(row.get("referenceUid"))] = row
        counted: dict[tuple[str, str | None], list[int]] = {}
        for row in now.values() if self.simulation.mood != "empty" else ():
            key = (str(row.get("serviceCode")), _received_on(row))
            total_and_sum = counted.setdefault(key, [0, 0])
            total_and_sum[0] += 1
            total_and_sum[1] = (total_and_sum[1] + _mark(row)) % 2**64
        data = [
            {"serviceCode": service, "receiveDay": day, "total": total, "digest": f"{digest:016x}"}
            for (service, day), (total, digest) in sorted(counted.items(), key=str)
        ]
        return JSONResponse({"data": data})

    def _position(self, stamp: int | None, otherwise: int) -> int:
        """Offset of the first row modified at `stamp` or later."""
        return otherwise if stamp is None else bisect_left(self._stamps, stamp)

    def _refusal(self, authorization: str) -> Response | None:
        token = authorization.removeprefix("Bearer ")
        if self.simulation.mood == "refusing" or token not in self._left:
            return _error(401, "invalid token")
        if self._left[token] <= 0:
            del self._left[token]
            return _error(401, "token expired")
        self._left[token] -= 1
        return None


_N = ("start", "end", "modifiedDateFrom", "modifiedDateTo")


def _received_on(row: dict[str, Any]) -> str | None:
    """Its day of acceptance at +07:00; None where it was not accepted yet."""
    stamp = row.get("receiveDate")
    if not isinstance(stamp, int) or stamp in (0, _YEAR_ONE):
        return None
    return datetime.fromtimestamp(stamp / 1000, _HCM).date().isoformat()


def _mark(row: dict[str, Any]) -> int:
    """What a dossier adds to a digest, as the contract says."""
    words = [row.get(name) for name in ("dossierStatus", "dossierSubStatus")]
    state = "/".join(str(word) for word in words if word)
    told = f"{row.get('referenceUid')}\n{row.get('modifiedDate')}\n{state}"
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big")


def _order(row: dict[str, Any]) -> tuple[int, int]:
    """The list's order; a dossier whose modifiedDate is no number stands first."""
    stamp = row.get("modifiedDate")
    return (stamp if isinstance(stamp, int) else 0, int(row.get("dossierId", 0)))


def _as_the_mood_has_it(row: dict[str, Any], mood: str) -> dict[str, Any]:
    number = int(row.get("dossierId", 0))
    if mood == "mixed_dates" and number % 3 == 1:
        return _in_text(row, "receiveDate", "%Y-%m-%dT%H:%M:%S")
    if mood == "mixed_dates" and number % 3 == 2:
        return _in_text(row, "modifiedDate", "%d/%m/%Y %H:%M:%S") if number % 2 else row
    if mood == "sentinel_dates" and number % 4 == 1:
        return row | {"dueDate": 0}
    if mood == "sentinel_dates" and number % 4 == 2:
        return row | {"submitDate": _YEAR_ONE}
    if mood == "sentinel_dates" and number % 8 == 3:
        return row | {"dueDate": _YEAR_9999}  # the contract names no such "no date"
    return row


def _in_text(row: dict[str, Any], name: str, form: str) -> dict[str, Any]:
    stamp = row.get(name)
    if not isinstance(stamp, int):
        return row
    return row | {name: datetime.fromtimestamp(stamp / 1000, _HCM).strftime(form)}


def _error(status: int, description: str) -> Response:
    return JSONResponse({"description": description}, status_code=status)


def build(data: Path | None = None, options: dict[str, str] | None = None) -> Simulation:
    """The simulator.

    Args:
        data: See the module; the built-in dossiers where None.
        options: See the module.
    """
    rows = invented.rows() if data is None else json.loads(data.read_text("utf-8"))
    return _App(rows, options or {}).simulation
