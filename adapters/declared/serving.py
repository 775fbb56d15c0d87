"""Where a declared department serves its own contract, and how it is fetched from there."""

from collections.abc import Iterator, Mapping

from adapters.declared import templates
from adapters.declared.declaration import Declaration
from adapters.declared.pinning import unpacked
from adapters.wire import Wire
from adapters.wire.served import address_of, fetch_contract, is_at_home
from canonical.linking import ServedContract
from canonical.ports import Settings


def contract_name(told: Declaration) -> str:
    """The file of the contract by which the department answers; "" where it has none."""
    if told.soap is not None:
        return told.soap.contract
    return told.openapi.contract if told.openapi is not None else ""


def served_contract(
    told: Declaration, files: Mapping[str, bytes], read: str, wire: Wire
) -> ServedContract | None:
    """The department's contract as it may be served; None where it answers by none.

    Args:
        told: The declaration.
        files: Its pinned files.
        read: The operation whose answers hold the records.
        wire: What is fetched with.
    """
    name = contract_name(told)
    if not name or not read:
        return None
    part = told.soap or told.openapi
    declared = part.served if part is not None else ""

    def address(endpoint: str, options: Mapping[str, str]) -> str:
        return address_of(endpoint, declared, options)

    async def fetch(settings: Settings) -> Mapping[str, bytes]:
        where = address(settings.endpoint, settings.options)
        is_home = is_at_home(where, settings.endpoint)
        http = wire.http(settings.id, None, _basic(told, settings) if is_home else None)
        try:
            headers = _headers(told, settings) if is_home else {}
            return await fetch_contract(http, where, name, headers)
        finally:
            await http.close()

    called = frozenset({read, *_operations(told)})
    return ServedContract(unpacked(files), name, called, frozenset({read}), address, fetch)


def _operations(told: Declaration) -> Iterator[str]:
    """What else is called of a WSDL."""
    for part in (told.login, told.pull.acknowledge if told.pull is not None else None):
        if part is not None and part.request.operation:
            yield part.request.operation


def _basic(told: Declaration, settings: Settings) -> tuple[str, str, str] | None:
    auth = told.auth
    if auth.kind != "basic":
        return None
    known = {f"option.{name}": value for name, value in settings.options.items()}
    user = templates.fill(auth.user, known)
    return ("basic", "" if user is templates.ABSENT else str(user), _secret(told, settings))


def _headers(told: Declaration, settings: Settings) -> dict[str, str]:
    """What shows who asks, where that is no session: a contract is not behind a log-in."""
    auth = told.auth
    if auth.kind == "bearer":
        return {"Authorization": f"Bearer {_secret(told, settings)}"}
    return {auth.name: _secret(told, settings)} if auth.kind == "header" else {}


def _secret(told: Declaration, settings: Settings) -> str:
    return settings.secrets.get(told.auth.secret, "")
