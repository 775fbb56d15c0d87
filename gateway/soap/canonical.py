"""The canonical SOAP door: PushDossiers in SOAP 1.1 and 1.2, HTTP Basic or bearer."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from lxml import etree
from starlette.concurrency import run_in_threadpool

from canonical.errors import HubError, RequestRefused, StoreUnavailable
from canonical.reading import soap
from canonical.reasons import Reason
from canonical.text import Malformed
from gateway.auth import context_of, sender_of
from gateway.body import read_body
from gateway.groups import groups_of
from gateway.problems import correlation_id, language_of
from gateway.soap import wsdl
from gateway.soap.envelope import MEDIA, envelope, fault
from sync.groups import SMALL_BYTES
from sync.pushes import Push
from sync.reading import CANONICAL, SOAP
from sync.taken import Outcome

router = APIRouter(tags=["SOAP"])


@router.get("/soap/v1", summary="WSDL của cửa SOAP chung", response_class=Response)
async def canonical_wsdl(request: Request) -> Response:
    """Hợp đồng SOAP 1.1 và 1.2."""
    address = str(request.url.replace(query=""))
    return Response(wsdl.build(address), media_type="text/xml; charset=utf-8")


@router.post("/soap/v1", summary="Gửi hồ sơ qua SOAP", response_class=Response)
async def canonical_push(
    request: Request, connection: Annotated[str | None, Query(max_length=100)] = None
) -> Response:
    """PushDossiers: một hoặc nhiều hồ sơ theo mẫu chung."""
    context = context_of(request)
    version = "1.2" if "soap+xml" in request.headers.get("content-type", "").lower() else "1.1"
    try:
        raw = await read_body(request, context.limits.body_bytes)
        header = request.headers.get("authorization", "")
        client_id, secret = sender_of(context, header, basic=True)
        now = context.now()
        push = Push(client_id, secret, connection, CANONICAL, lambda _row, _tx: SOAP, raw, now)
        outcome = await groups_of(request).outcome(push)
        version = soap.version_in(raw)
    except (HubError, Malformed) as error:
        return refusal(request, version, error)
    if len(raw) <= SMALL_BYTES:
        told = envelope(version, _answer(outcome))
    else:  # a long answer keeps nobody waiting who is at the door
        told = await run_in_threadpool(lambda: envelope(version, _answer(outcome)))
    return Response(told, media_type=MEDIA[version])


def refusal(request: Request, version: str, error: HubError | Malformed) -> Response:
    """A fault for a call that was refused whole, with the HTTP status its version asks for."""
    reason = error.reason if isinstance(error, HubError) else Reason.BODY_MALFORMED
    status = error.status if isinstance(error, RequestRefused) else 400
    if isinstance(error, StoreUnavailable):
        status = 503
    body = fault(
        version,
        reason,
        is_senders=status < 500,
        correlation_id=correlation_id(request),
        language=language_of(request),
    )
    if status == 401:
        headers = {"WWW-Authenticate": 'Basic realm="lienthong"'}
        return Response(body, status_code=401, media_type=MEDIA[version], headers=headers)
    # SOAP 1.1 over HTTP carries every fault in a 500; 1.2 has 400 for the sender's.
    is_400 = version == "1.2" and status < 500
    return Response(body, status_code=400 if is_400 else 500, media_type=MEDIA[version])


def _answer(outcome: Outcome) -> etree._Element:
    made = etree.Element(f"{{{soap.NAMESPACE}}}PushDossiersResponse", nsmap={"d": soap.NAMESPACE})
    etree.SubElement(made, "receipt").text = outcome.receipt
    counts = etree.SubElement(made, "counts")
    for name, value in outcome.counts.items():
        etree.SubElement(counts, name).text = str(value)
    for fate in outcome.fates:
        record = etree.SubElement(made, "record")
        for name, told in (
            ("position", str(fate.position)),
            ("code", fate.code),
            ("disposition", fate.disposition),
            ("reason", fate.reason.value if fate.reason is not None else None),
            ("field", fate.field),
            ("dossier", outcome.dossiers.get(fate.position)),
        ):
            if told is not None:
                etree.SubElement(record, name).text = told
    return made
