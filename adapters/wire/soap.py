"""SOAP 1.1 and 1.2 over `Http`: zeep builds messages from a WSDL file, the answer stays raw bytes.

The only place that touches zeep. Its strict parse turns a wrong number, a wrong date and a missing
element silently into None (TRAPS), so bulk answers are read from their bytes by the adapter's
reader; `reply` is for small answers only.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from lxml import etree
from msgspec import Struct

from adapters.wire.http import Answer, Http
from canonical.errors import Garbled, Refused, TryAgain
from canonical.reading import xml
from canonical.reasons import Reason

Version = Literal["1.1", "1.2"]

_ENVELOPES = {
    "http://schemas.xmlsoap.org/soap/envelope/": "1.1",
    "http://www.w3.org/2003/05/soap-envelope": "1.2",
}
_XML_TYPES = frozenset({"text/xml", "application/soap+xml", "application/xml"})
_SAFE_CODE = re.compile(r"[A-Za-z0-9_.:\-]{1,80}")


class UsernameToken(Struct, frozen=True):
    """What a WS-Security header shows.

    Attributes:
        is_digest: Whether the password is shown as a digest of it with a nonce and the time.
    """

    user: str
    password: str
    is_digest: bool = False


class Soap:
    """The operations of one WSDL at one endpoint. Built by `Wire.soap`."""

    def __init__(
        self,
        http: Http,
        contract: Path | bytes,
        endpoint: str,
        *,
        version: Version = "1.1",
        service: str | None = None,
        port: str | None = None,
        shows: UsernameToken | None = None,
    ) -> None:
        """See `Wire.soap`.

        Raises:
            Refused: EGRESS_DENIED where the WSDL imports anything outside its own folder.
            ValueError: the WSDL has no such service, or no port of that SOAP version.
        """
        self._http = http
        self._endpoint = endpoint
        self._version = version
        self._shows = shows
        self._client = _contract(contract)
        self._service, self._port = _port(self._client, version, service, port)

    async def call(self, operation: str, /, **arguments: Any) -> bytes:
        """The raw answer of one call: XML, whole, and no fault. Its fields are not checked.

        Raises:
            Refused: SOAP_FAULT (either version, whatever the binding); MAPPING_ERROR where the
                arguments do not fit the WSDL.
            Garbled: CTYPE_UNEXPECTED, BODY_TRUNCATED, BODY_MALFORMED, BODY_TOO_LARGE,
                XML_FORBIDDEN.
            HubError: whatever `Http.call` raises.
        """
        return await self.send(operation, self.message(operation, **arguments))

    async def send(
        self,
        operation: str,
        message: bytes,
        on_sent: Callable[[], None] | None = None,
        *,
        more_headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """As `call`, for a message that `message` made, byte for byte.

        Args:
            operation: Whose message it is.
            message: The envelope.
            on_sent: Told when the request begins to leave: before that, nothing of it has. The
                socket is not kept for a later call then: one that lay idle may be closed at the
                other end, and nobody could say whether a request on it was read.
            more_headers: HTTP headers besides SOAP's own.
        """
        action = self._operation(operation).soapaction or ""
        if self._version == "1.1":
            content_type, headers = "text/xml; charset=utf-8", {"SOAPAction": f'"{action}"'}
        else:
            content_type, headers = f'application/soap+xml; charset=utf-8; action="{action}"', {}
        if on_sent is not None:
            headers["connection"] = "close"
        answer = await self._http.call(
            "POST",
            self._endpoint,
            content=message,
            content_type=content_type,
            headers={**(more_headers or {}), **headers, "accept": "text/xml, application/soap+xml"},
            allow=(400, 500),  # a fault comes with 500, in SOAP 1.2 also with 400
            on_sent=on_sent,
        )
        self._check(answer)
        return answer.body

    def reply(self, operation: str, raw: bytes) -> Any:
        """Zeep's strict parse of a small answer; a single output element comes unwrapped.

        A wrong number, a wrong date or a missing element becomes None here without a word: check
        every value you use, and never read bulk pages this way.

        Raises:
            Garbled: SCHEMA_DRIFT where the answer does not fit the WSDL, or as `xml.parse` says.
        """
        root = xml.parse(raw, system=self._http.system)
        try:
            return self._operation(operation).process_reply(root)
        except _failures() as error:
            # The chain is cut because zeep's texts quote the answer.
            raise Garbled(
                Reason.SCHEMA_DRIFT,
                f"{operation}: {type(error).__name__}",
                system=self._http.system,
            ) from None

    async def close(self) -> None:
        """Give back the sockets."""
        await self._http.close()

    def _operation(self, name: str) -> Any:
        try:
            return self._port.binding.get(name)
        except ValueError:
            raise Refused(
                Reason.MAPPING_ERROR, f"no operation {name} in the WSDL", system=self._http.system
            ) from None

    def message(self, operation: str, /, **arguments: Any) -> bytes:
        """The envelope of one call.

        Raises:
            Refused: MAPPING_ERROR where the arguments do not fit the WSDL.
        """
        self._operation(operation)
        bound = self._client.bind(self._service, self._port.name)
        try:
            envelope = self._client.create_message(bound, operation, **arguments)
        except _failures() as error:
            # As in `reply`: its texts quote the arguments.
            raise Refused(
                Reason.MAPPING_ERROR,
                f"{operation}: {type(error).__name__}",
                system=self._http.system,
            ) from None
        if self._shows is not None:
            envelope = _with_token(envelope, self._shows)
        return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")

    def _check(self, answer: Answer) -> None:
        system = self._http.system
        is_xml = answer.content_type in _XML_TYPES
        if answer.status in (400, 500):
            code = _fault(xml.parse(answer.body, system=system)) if is_xml and answer.body else None
            if code is None and answer.status == 500:
                raise TryAgain(Reason.HTTP_5XX, "HTTP 500 without a fault", system=system)
            if code is None:
                raise Refused(Reason.HTTP_4XX, "HTTP 400 without a fault", system=system)
            raise Refused(Reason.SOAP_FAULT, code, system=system)
        if not is_xml:
            told = answer.content_type[:60] if answer.content_type.isprintable() else ""
            raise Garbled(Reason.CTYPE_UNEXPECTED, told or "none", system=system)
        code = _fault(xml.parse(answer.body, system=system))
        if code is not None:
            raise Refused(Reason.SOAP_FAULT, code, system=system)


def _fault(root: Any) -> str | None:
    """The fault code of an answer, None where it is none. Its text may name people: left out."""
    if etree.QName(root).namespace not in _ENVELOPES or xml.local(root) != "Envelope":
        return None
    for part in root:
        if xml.local(part) == "Body" and len(part) and xml.local(part[0]) == "Fault":
            if etree.QName(part[0]).namespace not in _ENVELOPES:
                return None
            return _code(part[0])
    return None


def _code(fault: Any) -> str:
    values = [
        (e.text or "").strip() for e in fault.iter() if xml.local(e) in ("faultcode", "Value")
    ]
    codes = [value for value in values if _SAFE_CODE.fullmatch(value)]
    return " ".join(codes[:3]) or "fault without a readable code"


_IMPORTS = "a contract imports from outside its folder"


class _Files:
    """What zeep loads documents with: files beside the WSDL, nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, url: str) -> bytes:
        """The bytes of one document. Raises Refused(EGRESS_DENIED) for anything outside."""
        parts = urlsplit(url)
        path = Path(unquote(parts.path)).resolve()
        if (
            parts.scheme not in ("", "file")
            or parts.netloc
            or not path.is_relative_to(self._folder)
        ):
            raise Refused(Reason.EGRESS_DENIED, _IMPORTS)
        return path.read_bytes()


def _failures() -> tuple[type[Exception], ...]:
    """What zeep raises besides its own errors: an empty Body is a bare IndexError."""
    from zeep.exceptions import Error

    return (Error, LookupError, TypeError, ValueError, AssertionError, AttributeError)


class _Whole:
    """What zeep loads a contract with that is held in memory and complete in itself."""

    def __init__(self, contract: bytes) -> None:
        self._contract = _linked(contract)

    def load(self, url: str) -> bytes:
        """The contract. Raises Refused(EGRESS_DENIED) for anything else."""
        if url != _IN_MEMORY:
            raise Refused(Reason.EGRESS_DENIED, _IMPORTS)
        return self._contract


def _linked(contract: bytes) -> bytes:
    """The contract as zeep finds its way in it: an import leads to a schema that stands before it.

    One that stands behind is found by its namespace in the end, but SOAP's own encoding, which zeep
    would fetch from its address, must be known when it is first named.
    """
    root = xml.parse(contract)
    met: set[str | None] = set()
    for schema in root.iter(f"{_XSD}schema"):
        for node in schema.iter(f"{_XSD}import"):
            if node.get("namespace") in met:
                node.set("schemaLocation", _IN_MEMORY)
        met.add(schema.get("targetNamespace"))
    return etree.tostring(root)


def _with_token(envelope: Any, shows: UsernameToken) -> Any:
    from zeep.wsse.username import UsernameToken as ZeepToken

    token: Any = ZeepToken  # untyped
    return token(shows.user, shows.password, use_digest=shows.is_digest).apply(envelope, {})[0]


_IN_MEMORY = "file:///contract.wsdl"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
_CONTRACTS: dict[Path | str, Any] = {}


def _contract(told: Path | bytes) -> Any:
    """Zeep's client for one WSDL; parsed once per process, because it takes 20 to 50 ms."""
    import zeep  # 0.3 s, which a hub with REST departments only does not pay

    key: Path | str
    transport: _Whole | _Files
    if isinstance(told, bytes):
        key, url, transport = hashlib.sha256(told).hexdigest(), _IN_MEMORY, _Whole(told)
    else:
        key = told.resolve()
        url, transport = str(key), _Files(key.parent)
    if key not in _CONTRACTS:
        settings = zeep.Settings(
            strict=True,
            forbid_dtd=True,
            forbid_entities=True,
            forbid_external=True,
            xml_huge_tree=False,
        )
        client: Any = zeep.Client  # untyped
        try:
            _CONTRACTS[key] = client(url, transport=transport, settings=settings)
        except zeep.exceptions.ExternalReferenceForbidden as error:
            raise Refused(Reason.EGRESS_DENIED, _IMPORTS) from error
        except _failures() as error:
            detail = f"the contract cannot be used: {type(error).__name__}"
            raise Refused(Reason.MAPPING_ERROR, detail) from error
    return _CONTRACTS[key]


def _port(client: Any, version: str, service: str | None, port: str | None) -> tuple[str, Any]:
    namespaces = {v: k for k, v in _ENVELOPES.items()}
    for service_name, found_service in client.wsdl.services.items():
        if service is not None and service != service_name:
            continue
        for port_name, found in found_service.ports.items():
            speaks = getattr(found.binding, "nsmap", {}).get("soap-env")
            if speaks == namespaces[version] and port in (None, port_name):
                return service_name, found
    raise ValueError(f"the WSDL has no SOAP {version} port {port or ''} in {service or 'it'}")
