"""Secrets of a connection: set and never shown, renewed in place, watched for their expiry."""

import json
from collections.abc import Mapping
from typing import Any

from canonical.errors import HubError
from canonical.ports import Manifest
from canonical.reasons import Reason
from store.connections import ConnectionRow, SecretFact
from store.vault import Vault


def merged(
    vault: Vault, row: ConnectionRow, secrets: Mapping[str, str], manifest: Manifest
) -> dict[str, Any]:
    """The columns of a connection's secrets once some are set: `sealed` and `secret_facts`.

    Args:
        vault: Seals them.
        row: The connection; its facts may name secrets that are not set yet, and new expiries.
        secrets: Name -> new value.
        manifest: Says which there are.

    Raises:
        HubError: FIELD_UNKNOWN for one the system does not know.
    """
    for name in secrets:
        if name not in manifest.secrets:
            known = sorted(manifest.secrets)
            raise HubError(Reason.FIELD_UNKNOWN, f"no secret {name!r}; there are {known}")
    facts = dict(row.secret_facts)
    if not secrets and (facts or row.sealed is None):
        return {"sealed": row.sealed, "secret_facts": facts}
    held = row.secrets(vault)
    values = {**held, **secrets}
    for name, value in values.items():
        expires_at = facts[name].expires_at if name in facts else None
        facts[name] = SecretFact(digest_of(vault, row.id, name, value), expires_at)
    is_same = values == held
    sealed = row.sealed if is_same else vault.seal(json.dumps(values).encode())
    return {"sealed": sealed, "secret_facts": facts}


def digest_of(vault: Vault, connection_id: str, name: str, value: str) -> str:
    """Keyed, and another one for the same value elsewhere."""
    return vault.secret_mac(f"{connection_id}\0{name}\0{value}")


def missing(row: ConnectionRow) -> list[str]:
    """Secrets that are named and not set."""
    return sorted(name for name, fact in row.secret_facts.items() if not fact.digest)
