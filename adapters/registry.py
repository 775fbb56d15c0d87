"""The systems the hub knows: folders found by being there, and removed by being removed.

A folder's code is imported when its system is loaded, its client when a connection is made: a
command that needs one department pays for one.
"""

import hashlib
import importlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.manifest import ManifestFault, load_manifest
from adapters.wire import Wire
from adapters.wire.served import address_of, fetch_contract
from canonical.errors import Garbled
from canonical.linking import Sample, ServedContract
from canonical.ports import TLS_CA, BadRow, Door, Manifest, Row, Settings, System
from canonical.reasons import Reason

_HERE = Path(__file__).parent
_ODD = ("bad_rows", "cut_off", "empty")
Rows = Callable[[str, bytes], Sequence[Row | BadRow]]


def list_systems() -> list[str]:
    """The ids of all systems, sorted.

    Raises:
        ManifestFault: a manifest that cannot be taken, or an id that stands in two folders.
    """
    return sorted(_folders())


def list_manifests() -> list[Manifest]:
    """The manifests of all systems by id; imports none of their code. Raises as `list_systems`."""
    return [load_manifest(folder) for _, folder in sorted(_folders().items())]


def folder_of(system_id: str) -> Path:
    """Where a system lives.

    Raises:
        KeyError: no folder has that id.
    """
    return _folders()[system_id]


def load(system_id: str, wire: Wire | None = None) -> System:
    """Everything the hub knows of one system.

    Args:
        system_id: As its manifest says.
        wire: What its clients call with; None is a wire of its own that reaches loopback only.

    Raises:
        KeyError: no folder has that id.
        ManifestFault: its manifest cannot be taken.
    """
    return load_folder(folder_of(system_id), wire)


def load_folder(folder: Path, wire: Wire | None = None) -> System:
    """As `load`, for a folder below adapters/; also one that is not listed (`_template`)."""
    manifest = load_manifest(folder)
    mapping = folder / "mapping.toml"
    own = _import(folder, "transforms")
    door = _import(folder, "door")
    reader = _import(folder, "reader")
    return System(
        manifest=manifest,
        mapping_document=tomllib.loads(mapping.read_text("utf-8")) if mapping.is_file() else None,
        transforms=dict(own.TRANSFORMS) if own else {},
        rows=reader.rows if reader else _rows_of_nothing(manifest.id),
        connect=_built_by(folder, "client", wire),
        door=_door(door),
        receive=_built_by(folder, "receiver", wire),
        publish=_built_by(folder, "publisher", wire),
        file=_built_by(folder, "filer", wire),
        fingerprint=_fingerprint(folder),
        sample=lambda: _sample(folder),
        served=_served(folder, manifest, wire),
    )


def _served(folder: Path, manifest: Manifest, wire: Wire | None) -> ServedContract | None:
    """Its contract where the department serves it; None where the manifest names no such place."""
    if not manifest.served_at:
        return None
    path = folder / (manifest.served_contract or manifest.contract)

    def address(endpoint: str, options: Mapping[str, str]) -> str:
        is_default = options.get("mode", "") in ("", *manifest.modes[:1])
        return address_of(endpoint, manifest.served_at if is_default else "", options)

    async def fetch(settings: Settings) -> Mapping[str, bytes]:
        # Nothing is shown of who asks: what the systems here serve stands open.
        http = (wire or Wire()).http(settings.id)
        try:
            where = address(settings.endpoint, settings.options)
            return await fetch_contract(http, where, path.name)
        finally:
            await http.close()

    return ServedContract({path.name: path.read_bytes()}, path.name, (), (), address, fetch)


def _fingerprint(folder: Path) -> str:
    """Over the contract as it lies in the folder; "" where there is none."""
    files = sorted(path for path in (folder / "contract").rglob("*") if path.is_file())
    if not files:
        return ""
    whole = hashlib.sha256()
    for path in files:
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return f"sha256:{whole.hexdigest()}"


def _sample(folder: Path) -> Sample | None:
    """The first of its samples that has records and nothing bad in it."""
    for path in sorted((folder / "samples").glob("*.response.*")):
        case, shape, *_ = path.name.split(".")
        if case in _ODD:
            continue
        kind = {".json": "application/json", ".csv": "text/csv"}.get(path.suffix, "text/xml")
        return Sample(path.read_bytes(), kind, shape)
    return None


def _folders() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(_HERE.glob("*/manifest.toml")):
        if path.parent.name.startswith("_"):
            continue
        system_id = load_manifest(path.parent).id
        if system_id in found:
            raise ManifestFault(f"{path}: id {system_id!r} also stands in {found[system_id].name}")
        found[system_id] = path.parent
    return found


def _import(folder: Path, name: str) -> Any:
    """One module of a folder, None where the folder has no such file."""
    if not (folder / f"{name}.py").is_file():
        return None
    return importlib.import_module(f"{__package__}.{folder.name}.{name}")


def _built_by(folder: Path, name: str, wire: Wire | None) -> Callable[[Settings], Any] | None:
    """What a folder's module makes of settings by its `connect`; None where it has no such file."""
    if not (folder / f"{name}.py").is_file():
        return None

    def connect(settings: Settings) -> Any:
        own = (wire or Wire()).trusting(settings.options.get(TLS_CA, ""))
        return _import(folder, name).connect(settings, own)

    return connect


def _door(module: Any) -> Door | None:
    if module is None:
        return None
    door: Door = module.DOOR
    return door


def _rows_of_nothing(system_id: str) -> Rows:
    def rows(shape: str, _raw: bytes) -> Sequence[Row | BadRow]:
        raise Garbled(Reason.BODY_MALFORMED, f"no shape {shape!r}", system=system_id)

    return rows
