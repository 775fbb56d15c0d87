"""Systems without code: a connection of kind soap, rest or file from a declaration alone.

No system folder: it has no manifest.toml, so the registry does not list it. docs/declaration.md is
the reference; `build` gives a `System` like any folder's.
"""

from adapters.declared.building import build
from adapters.declared.contracts import Contract, ContractFault, Field, Message, Operation
from adapters.declared.declaration import Declaration, DeclarationFault, decode, read
from adapters.declared.describing import describe
from adapters.declared.drafting import Draft, draft
from adapters.declared.handed_in import HandedIn
from adapters.declared.pinning import pin, unpacked

__all__ = [
    "Contract",
    "ContractFault",
    "Declaration",
    "DeclarationFault",
    "Draft",
    "Field",
    "HandedIn",
    "Message",
    "Operation",
    "build",
    "decode",
    "describe",
    "draft",
    "pin",
    "read",
    "unpacked",
]
