"""Logging: one JSON line per event on stderr; never a person's data.

An exception's own text can hold a row's values (a database says "failing row contains …"), so only
its type and where it was raised are logged.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}


def _extras(_logger: Any, _name: str, told: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The fields a call gave in `extra`."""
    record = told.get("_record")
    if record is not None:
        told.update({k: v for k, v in vars(record).items() if k not in _STANDARD})
    return told


def _where(_logger: Any, _name: str, told: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its type and place, without its text."""
    info = told.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[0] is not None:
        told["error"] = info[0].__name__
        told["at"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(info[2])[-8:]
        ]
    return told


def install(level: str) -> None:
    """Send every logger's lines to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                # The sentence for people; `event` is the name that a call gives for machines.
                structlog.processors.EventRenamer("message"),
                _extras,
                _where,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # httpx logs whole addresses, and the access log would hold codes from queries (TRAPS).
    for name in ("httpx", "httpcore", "zeep", "uvicorn.access", "alembic", "apscheduler"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
