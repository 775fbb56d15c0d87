"""/console/static: style sheets and scripts, kept by the browser under a name that changes.

An address holds the digest of what it leads to, so that it may be kept for ever; without it, or
with another, the browser asks each time and is told by ETag that it has it.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)
PATH = "/console/static"
_FOLDER = Path(__file__).parent / "static"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
}
_DIGITS = 16


class _File(NamedTuple):
    path: Path
    digest: str
    kind: str


@cache
def _files() -> dict[str, _File]:
    """Everything there is to serve, by its name; nothing else can be asked for."""
    found = {}
    for path in sorted(_FOLDER.rglob("*")):
        if path.suffix in _KINDS:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]
            name = path.relative_to(_FOLDER).as_posix()
            found[name] = _File(path, digest, _KINDS[path.suffix])
    return found


def address(name: str) -> str:
    """Where a page finds a file. Raises KeyError where there is none."""
    return f"{PATH}/{name}?v={_files()[name].digest}"


@router.get(PATH + "/{name:path}")
def file(name: str, request: Request, v: str = "") -> Response:
    """One file."""
    found = _files().get(name)
    if found is None:
        raise HTTPException(404)
    keeps = "public, max-age=31536000, immutable" if v == found.digest else "no-cache"
    headers = {
        "ETag": f'"{found.digest}"',
        "Cache-Control": keeps,
        "X-Content-Type-Options": "nosniff",
    }
    if f'"{found.digest}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(found.path, media_type=found.kind, headers=headers)
