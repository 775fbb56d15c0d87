"""Filing with the Department of Transport: TaoMoiHoSo, the papers after it, and looking it up.

Contract: contract/service-2014-used.wsdl (domain/contracts.md 5.1 a); what is filed for what is
data, filing.toml. What left the hub and was not clearly answered is OutcomeUnknown, whatever went
wrong: the Department may have it.
"""

import tomllib
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from adapters.transport import asking, matching, reader
from adapters.transport.wording import WORDING
from adapters.wire import Http, Soap, Wire
from adapters.wire.http import status_of
from canonical.errors import (
    Busy,
    Garbled,
    HubError,
    NotAllowed,
    OutcomeUnknown,
    Refused,
    TryAgain,
)
from canonical.mapping.compile import Shape, Unmapped, compile_mapping
from canonical.ports import Filed, Files, Paper, Row, Settings
from canonical.reasons import Reason

_HERE = Path(__file__).parent
_CONTRACT = _HERE / "contract" / "service-2014-used.wsdl"
_SOAP_PATH = "/TichHopMotCua/Service.asmx"
_TABLES = ("filing_kind", "filing_unit")
_FORM = "to-khai-gplx.json"
_PORTRAIT = "anh-chan-dung.jpg"
# Faults by which a server says that it did not begin: SOAP 1.1 4.4.1, SOAP 1.2 part 1, 5.4.6.
_NOT_BEGUN = frozenset({"Client", "Sender", "VersionMismatch", "MustUnderstand"})


def connect(settings: Settings, wire: Wire) -> Files:
    """What files with the Department; nothing can be filed in JSON mode.

    Raises:
        Refused: FIELD_TYPE for an option that cannot be read.
    """
    if (settings.options.get("mode") or "soap") != "soap":
        raise asking.bad_option(settings, "mode")
    return Filer(settings, wire)


class Filer:
    """The calls of a filing.

    Attributes:
        form: Name of the attachment that is the application form (contract/to-khai.md).
        portrait: Name of the attachment that is the photograph.
    """

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self._settings = settings
        self._wire = wire
        self._has_list = asking.one_of(settings, "files_lookup", ("list", "none")) == "list"
        self.form = settings.options.get("files_form") or _FORM
        self.portrait = settings.options.get("files_portrait") or _PORTRAIT
        # Filings leave on sockets of their own, see Soap.send.
        self._filing = self._soap()
        self._asking = self._soap()
        self._http: Http = wire.http(settings.id, asking.timeout_s(settings))

    def render(self, number: str, body: dict[str, Any]) -> bytes:
        """The envelope of TaoMoiHoSo.

        Raises:
            Refused: as filing.toml says, with the field at fault in its detail.
        """
        told = self._shape.apply({**body, "number": number})
        if isinstance(told, Unmapped):
            raise Refused(told.reason, f"TaoMoiHoSo: {told.field}", system=self._settings.id)
        told.pop("facet")
        return self._filing.message(matching.OPERATION, dongBoQuyTrinh=told)

    async def submit(self, rendered: bytes) -> Filed:
        """File it: MaDK, or an empty answer, which is the contract's only way to say no.

        Raises:
            Refused, NotAllowed: it said no: SOURCE_ERROR for the empty answer; a fault of the
                caller's; a 4xx.
            TryAgain: nothing has left the hub, or 429, which takes nothing.
            OutcomeUnknown: cut off, timed out, 5xx, a fault of the server's, an answer outside its
                contract.
        """
        left: list[bool] = []
        try:
            raw = await self._filing.send(matching.OPERATION, rendered, lambda: left.append(True))
            code = reader.filed_code(raw)
        except HubError as error:
            raise _what_it_means(error, has_left=bool(left)) from error
        if code is None:
            raise Refused(Reason.SOURCE_ERROR, "an empty answer", system=self._settings.id)
        return Filed(code, raw)

    async def find_receipt(self, rendered: bytes, others: Collection[str]) -> Filed | None:
        """The one dossier of getHoSoMotCua that this filing can be (adapters.transport.matching).

        Raises:
            OutcomeUnknown: the option says that this service has no list, it does not know the
                operation, or more than one dossier may be this one.
            TryAgain, NotAllowed, Garbled: it could not be asked.
        """
        if not self._has_list:
            raise self._unknown("option files_lookup: this service offers no list")
        sought = matching.sought(rendered)
        try:
            raw = await self._asking.call(reader.DOSSIERS, tuNgay=sought.NgayNhanHSo1)
        except NotAllowed:
            raise
        except Refused as error:
            raise self._unknown(f"no list: {error.detail}") from error
        fitting = matching.fitting(sought, _listed(raw), others)
        if fitting.is_doubtful:
            raise self._unknown(f"{fitting.count} listed dossiers may be this one")
        if fitting.found is None:
            return None
        return Filed(fitting.found["MaDK1"].strip(), msgspec.json.encode(fitting.found))

    async def fetch(self, address: str) -> bytes:
        """The bytes at an address. Raises as `Http.call` does."""
        return (await self._http.call("GET", address)).body

    async def send_paper(self, code: str, paper: Paper) -> None:
        """Hand in the photograph or another paper; the same again replaces itself (our reading).

        Raises:
            Refused: SOAP_FAULT.
            TryAgain, Garbled: as the wire says.
        """
        told = {"MaDK": code, "Data": paper.data, "FileExtension": paper.extension}
        if paper.is_portrait:
            await self._asking.call("TaiAnhChanDung", uploadImagePortrait=told)
        else:
            told["TenAnh"] = paper.name
            await self._asking.call("TaiAnhDinhKem", uploadDocumentsAttach=told)

    async def close(self) -> None:
        """Give back the sockets."""
        await self._filing.close()
        await self._asking.close()
        await self._http.close()

    @cached_property
    def _shape(self) -> Shape:
        document = tomllib.loads((_HERE / "filing.toml").read_text("utf-8"))
        own = {name: self._settings.tables.get(name, {}) for name in _TABLES}
        return compile_mapping(document, WORDING, own).shapes[matching.OPERATION]

    def _soap(self) -> Soap:
        version = asking.one_of(self._settings, "soap_version", ("1.1", "1.2"))
        spoken: Literal["1.1", "1.2"] = "1.2" if version == "1.2" else "1.1"
        return self._wire.soap(
            _CONTRACT,
            asking.address(self._settings.endpoint, _SOAP_PATH),
            system=self._settings.id,
            timeout_s=asking.timeout_s(self._settings),
            version=spoken,
            service="Service",
            port="ServiceSoap12" if spoken == "1.2" else "ServiceSoap",
        )

    def _unknown(self, detail: str) -> OutcomeUnknown:
        return OutcomeUnknown(Reason.SOURCE_ERROR, detail, system=self._settings.id)


def _listed(raw: bytes) -> Sequence[dict[str, Any]]:
    return [
        row.values
        for row in reader.rows(reader.DOSSIERS, raw)
        if isinstance(row, Row) and row.shape == reader.DOSSIERS
    ]


def _what_it_means(error: HubError, *, has_left: bool) -> HubError:
    """What a failed TaoMoiHoSo means for the filing."""
    if not has_left:
        # Not on the allowlist, no such name, nobody there: the dossier is none the worse for it.
        return error if isinstance(error, TryAgain) else _as(TryAgain, error)
    match error:
        case NotAllowed():
            return error
        case Refused(reason=Reason.SOAP_FAULT) if not _is_callers(error.detail):
            return _as(OutcomeUnknown, error)
        case Refused():
            return error
        case Busy() if status_of(error) == 429:
            return error
        case TryAgain() | Garbled():
            return _as(OutcomeUnknown, error)
        case _:
            return error


def _is_callers(fault: str) -> bool:
    """Whether a fault's codes say that the message was at fault, and nothing was begun."""
    return bool({code.rpartition(":")[2] for code in fault.split()} & _NOT_BEGUN)


def _as(kind: type[HubError], error: HubError) -> HubError:
    return kind(error.reason, error.detail, system=error.system)
