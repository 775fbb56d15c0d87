"""Whatever contract was handed in, described: WSDL or OpenAPI."""

from collections.abc import Mapping

from adapters.declared import openapi
from adapters.declared.contracts import Contract
from adapters.declared.pinning import unpacked
from adapters.declared.wsdl import Wsdl

_BOM = b"\xef\xbb\xbf"


def describe(files: Mapping[str, bytes], main: str = "") -> Contract:
    """What a contract says: services, operations, arguments, fields with types and closed values.

    Args:
        files: Name -> bytes; zips are looked into. Nothing is loaded from anywhere else.
        main: Which of them is the contract; "" finds it.

    Raises:
        ContractFault: one plain sentence with file, line and cause.
    """
    held = unpacked(files)
    told = [held[main]] if main in held else list(held.values())
    is_xml = any(raw.removeprefix(_BOM).lstrip()[:1] == b"<" for raw in told)
    is_named = any(name.lower().endswith((".wsdl", ".xsd", ".xml")) for name in held)
    is_json = not is_xml and (main in held or not is_named)
    return openapi.describe(held, main) if is_json else Wsdl(held, main).describe()
