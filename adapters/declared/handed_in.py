"""Contracts handed in, as screens and commands show them: `canonical.linking.Contracts`. Pure."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from adapters.declared.comparing import changes_of
from adapters.declared.contracts import Contract, ContractFault, Field
from adapters.declared.describing import describe
from adapters.declared.drafting import draft
from adapters.declared.pinning import unpacked
from canonical.errors import HubError
from canonical.linking import Compared, ContractField, ContractOperation, ContractTold, Drafted
from canonical.reasons import Reason

_MOST_FIELDS = 2_000


class HandedIn:
    """Describes and drafts; every fault leaves as a HubError with one plain sentence."""

    def unpacked(self, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The files as they are pinned; see the port."""
        try:
            return unpacked(files)
        except ContractFault as fault:
            raise HubError(Reason.BODY_MALFORMED, str(fault)) from fault

    def describe(self, files: Mapping[str, bytes], main: str = "") -> ContractTold:
        """What a contract says; see the port."""
        held, contract = _read(files, main)
        return ContractTold(
            kind=contract.kind,
            main=contract.main,
            fingerprint=contract.fingerprint,
            title=contract.title,
            files=sorted(held),
            ports=[f"{p.service} {p.name} {p.version} {p.address}" for p in contract.ports],
            operations=[
                ContractOperation(
                    one.name,
                    list(_listed(one.input.fields)),
                    list(_listed(one.output.fields)) if one.output is not None else [],
                    one.note,
                )
                for one in contract.operations
            ],
            notes=contract.notes,
        )

    def draft(
        self, files: Mapping[str, bytes], operation: str, *, is_push: bool = False, main: str = ""
    ) -> Drafted:
        """A declaration for one operation; see the port."""
        held, contract = _read(files, main)
        try:
            made = draft(contract, operation, is_push=is_push)
        except KeyError:
            names = ", ".join(one.name for one in contract.operations)
            detail = f"no operation {operation!r}; there are: {names}"
            raise HubError(Reason.NOT_FOUND, detail[:1_000]) from None
        return Drafted(made.declaration, made.unmatched, made.undecided, held)

    def compare(
        self, files: Mapping[str, bytes], main: str, served: Mapping[str, bytes]
    ) -> Compared:
        """How a served contract differs from the pinned one; see the port."""
        held, pinned = _read(files, main)
        names = {posixpath.basename(name) for name in served}
        lent = {n: raw for n, raw in held.items() if posixpath.basename(n) not in names}
        lent.pop(main, None)
        _, found = _read({**lent, **served}, main)
        is_same = found.fingerprint == pinned.fingerprint
        changes = [] if is_same else changes_of(pinned, found)
        return Compared(is_same, found.fingerprint, changes)


def _read(files: Mapping[str, bytes], main: str) -> tuple[dict[str, bytes], Contract]:
    try:
        held = unpacked(files)
        return held, describe(held, main)
    except ContractFault as fault:
        raise HubError(Reason.BODY_MALFORMED, str(fault)) from fault


def _listed(fields: Sequence[Field]) -> Iterator[ContractField]:
    """Every field with its path, outer ones first."""
    waiting = [(field.name, field) for field in fields]
    count = 0
    while waiting and count < _MOST_FIELDS:
        path, field = waiting.pop(0)
        count += 1
        yield ContractField(path, field.type, field.is_required, field.is_many, field.values)
        waiting[:0] = [(f"{path}.{inner.name}", inner) for inner in field.fields]
