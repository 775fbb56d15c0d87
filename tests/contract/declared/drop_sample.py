"""A department that puts tables into a folder: the drop of drop.toml, in the suite's moods."""

import csv
import hashlib
import io
import shutil
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

from adapters.simulation import Simulation, sample_rows

_PER_FILE = 9
_TONES = "\u0300\u0301\u0303\u0309\u0323"


def build(_: Path | None = None, __: dict[str, str] | None = None) -> Simulation:
    """The simulation; its endpoint is the folder."""
    folder = Path(tempfile.mkdtemp(prefix="lienthong-drop-"))
    simulation = Simulation([], endpoint=str(folder), on_mood=lambda mood: write(mood))

    def write(mood: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        rows = [
            sample_rows.spoilt(mood, n, _flat(row)) for n, row in enumerate(sample_rows.invented())
        ]
        rows = simulation.arranged(rows)
        for at in range(0, len(rows), _PER_FILE):
            name = f"hoso-{at // _PER_FILE:03d}.csv"
            raw = _table(rows[at : at + _PER_FILE])
            (folder / f"{name}.sha256").write_text(f"{hashlib.sha256(raw).hexdigest()}  {name}\n")
            if mood == "html":
                raw = b"<!DOCTYPE html><html><body></body></html>"
                digest = hashlib.sha256(raw).hexdigest()
                (folder / f"{name}.sha256").write_text(digest)
            if mood == "truncated":
                raw = raw[: len(raw) * 6 // 10]
            (folder / name).write_bytes(raw)

    write("well")
    return simulation


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in row.items() if k != "chuHoSo"}, **row["chuHoSo"]}


def _table(rows: list[dict[str, Any]]) -> bytes:
    told = io.StringIO(newline="")
    table = csv.DictWriter(told, fieldnames=list(rows[0]), delimiter=";")
    table.writeheader()
    table.writerows({k: "" if v is None else v for k, v in row.items()} for row in rows)
    return _in_1258(told.getvalue())


def _in_1258(text: str) -> bytes:
    """Vietnamese as that encoding holds it: the marks of tone behind their letter."""
    return b"".join(_letter(letter) for letter in text)


def _letter(letter: str) -> bytes:
    parts = unicodedata.normalize("NFD", letter)
    tones = "".join(part for part in parts[1:] if part in _TONES)
    bare = "".join(part for part in parts if part not in _TONES)
    return (unicodedata.normalize("NFC", bare) + tones).encode("cp1258")
