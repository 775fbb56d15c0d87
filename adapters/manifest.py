"""manifest.toml of an adapter folder, read strictly: an unknown or missing key stops the start."""

import functools
import tomllib
from pathlib import Path

import msgspec
from msgspec import structs

from canonical.ports import TLS_CA, TLS_CA_TOLD, Manifest
from canonical.prepared import prepare

OWN_DESIGN = "our own design"
_CALLED = ("rest", "soap")
_WORDS: dict[str, frozenset[str]] = {
    "protocol": frozenset({"soap", "rest", "file", "push"}),
    "proven_against": frozenset({"simulator", "test system", "live"}),
    "role": frozenset({"desk", "handling", "money"}),
    "door": frozenset({"", "soap", "json"}),
    "receives": frozenset({"", "changes", "figures"}),
    "lists": frozenset({"", "pages", "census"}),
}


prepare(Manifest)


class ManifestFault(ValueError):
    """A manifest that cannot be taken; the sentence names the file and the key."""


def load_manifest(folder: Path) -> Manifest:
    """The manifest of one adapter folder.

    Raises:
        ManifestFault: not TOML, a key that is unknown, missing or of the wrong type, a word outside
            its list, or a contract file that is not there.
    """
    path = folder / "manifest.toml"
    try:
        manifest = _told(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ManifestFault(f"{path}: {error}") from error
    for key, words in _WORDS.items():
        if getattr(manifest, key) not in words:
            raise ManifestFault(f"{path}: {key} is none of {', '.join(sorted(words))}")
    if manifest.contract != OWN_DESIGN and not (folder / manifest.contract).exists():
        raise ManifestFault(f"{path}: contract names a file that is not there")
    served = folder / (manifest.served_contract or manifest.contract)
    if manifest.served_at and not served.is_file():
        raise ManifestFault(f"{path}: served_at needs the file of the contract that is served")
    return structs.replace(manifest, options=manifest.options | _of_every(manifest))


@functools.lru_cache(64)
def _told(text: str) -> Manifest:
    """What a manifest says; every look at the list of systems reads all of them."""
    return msgspec.convert(tomllib.loads(text), Manifest)


def _of_every(manifest: Manifest) -> dict[str, str]:
    """Settings that no manifest need name: those of every system that is called over https."""
    is_called = manifest.pulls or manifest.files or manifest.receives
    return {TLS_CA: TLS_CA_TOLD} if is_called and manifest.protocol in _CALLED else {}
