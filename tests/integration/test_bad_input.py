"""Bad input, each fault by every way in: same reason and field, neighbours applied, never a 500.

The ways: one object, in a list, an NDJSON line, the canonical SOAP door, and a poll of a department
in its own words. The stores must not differ; the refused whole is refused on both.
"""

import json
from typing import Any
from xml.sax.saxutils import escape

import pytest

from canonical.reasons import Reason, sentence
from store.quarantine import list_quarantine
from tests.conftest import ON_SQLITE
from tests.polled import Poll, quarantined, row
from tests.trial import Answer, Trial, dossier, is_problem

LONG = "ế" * 10_001
GOOD = {"counts": {"applied": 2, "superseded": 0, "duplicate": 0, "quarantined": 1, "pending": 0}}


def spoilt(fault: str) -> str:
    """A record with one fault, as JSON text: some faults no value can express."""
    record = dossier(7)
    match fault:
        case "missing":
            record = dossier(7, agency=...)
        case "status":
            record["status"] = "không rõ"
        case "date":
            record["due_at"] = "2026-02-31T08:00:00+07:00"
        case "long":
            record["applicant"] = {"kind": "person", "name": LONG}
        case "nul":
            record["receipt_number"] = "a\0b"
        case "surrogate":
            record["receipt_number"] = "\ud800"
        case "nan":
            record["service_level"] = float("nan")
        case "2^63":
            record["version"] = 2**63
        case "agency":
            record["agency"] = "H50.14"
        case "twice":
            return json.dumps(record)[:-1] + ', "status": "finished"}'
    return json.dumps(record)


# fault -> reason and field of the record; BODY_MALFORMED: the whole body, or the NDJSON line.
FAULTS: dict[str, tuple[str, str | None]] = {
    "missing": ("FIELD_MISSING", "agency"),
    "status": ("STATUS_UNKNOWN", "status"),
    "date": ("DATE_INVALID", "due_at"),
    "long": ("FIELD_TOO_LONG", "applicant.name"),
    "nul": ("CHAR_FORBIDDEN", "receipt_number"),
    "surrogate": ("BODY_MALFORMED", None),
    "nan": ("BODY_MALFORMED", None),
    "2^63": ("FIELD_TYPE", "version"),
    "twice": ("BODY_MALFORMED", None),
    "agency": ("AGENCY_FORBIDDEN", "agency"),
}
every_fault = pytest.mark.parametrize("fault", FAULTS)


@pytest.fixture
def desk(hub: Trial) -> Trial:
    """A hub whose desk may speak for one agency alone."""
    hub.introduce("desk", agencies=["H50.12"])
    return hub


async def nothing_of_it(hub: Trial, kept: int) -> None:
    """The bad record became no dossier, and its neighbours did."""
    assert await hub.find("desk:A-00007") == []
    assert len(await hub.feed()) == kept


@pytest.mark.unproved
@every_fault
async def test_as_one_object(desk: Trial, fault: str) -> None:
    reason, field = FAULTS[fault]
    status = {"BODY_MALFORMED": 400, "AGENCY_FORBIDDEN": 403}.get(reason, 422)
    for language in ("vi", "en"):
        headers = {"Accept-Language": language}
        said = await desk.push(raw=spoilt(fault).encode(), headers=headers)
        is_problem(said, status, reason, field, language)
    await nothing_of_it(desk, 0)
    expected = [] if reason == "BODY_MALFORMED" else [("A-00007", reason, field)]
    assert quarantined(desk) == expected


@every_fault
async def test_in_a_list(desk: Trial, fault: str) -> None:
    reason, field = FAULTS[fault]
    good = [json.dumps(dossier(n)) for n in (1, 2)]
    said = await desk.push(raw=f"[{good[0]}, {spoilt(fault)}, {good[1]}]".encode())
    if reason == "BODY_MALFORMED":
        is_problem(said, 400, reason, None, "vi")
        await nothing_of_it(desk, 0)
        return
    assert (said.status, said.body["counts"]) == (200, GOOD["counts"])
    assert said.fates[1] == ("quarantined", reason, field)
    await nothing_of_it(desk, 2)
    assert quarantined(desk) == [("A-00007", reason, field)]


@ON_SQLITE
@every_fault
async def test_as_an_ndjson_line(desk: Trial, fault: str) -> None:
    reason, field = FAULTS[fault]
    lines = [json.dumps(dossier(1)), spoilt(fault), json.dumps(dossier(2))]
    said = await desk.push(raw="\n".join(lines).encode(), kind="application/x-ndjson")
    assert (said.status, said.body["counts"]) == (200, GOOD["counts"])
    assert said.fates[1] == ("quarantined", reason, field)
    await nothing_of_it(desk, 2)
    code = None if reason == "BODY_MALFORMED" else "A-00007"
    assert quarantined(desk) == [(code, reason, field)]


# ---------------------------------------------------------------- SOAP

# What XML cannot hold is no XML: NUL and half a character refuse the envelope. NaN is only a word.
SOAP_FAULTS: dict[str, tuple[str, str | None]] = {
    **FAULTS,
    "nul": ("BODY_MALFORMED", None),
    "nan": ("FIELD_TYPE", "service_level"),
    "control": ("CHAR_FORBIDDEN", "receipt_number"),
}


def element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(element(name, item) for item in value)
    if isinstance(value, dict):
        inner = "".join(element(k, v) for k, v in value.items())
        return f"<{name}>{inner}</{name}>"
    if value is None:
        return f'<{name} xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    return f"<{name}>{escape(str(value))}</{name}>"


def soap_record(fault: str) -> str:
    """One dossier element with the fault in it."""
    match fault:
        case "twice":
            return element("dossier", dossier(7)).replace(
                "</dossier>", "<status>finished</status></dossier>"
            )
        case "nul":
            return element("dossier", dossier(7, receipt_number="?")).replace("?", "a&#0;b")
        case "surrogate":
            return element("dossier", dossier(7, receipt_number="?")).replace("?", "&#xD800;")
        case "control":
            return element("dossier", dossier(7, receipt_number="a\u0085b"))
        case "nan":
            return element("dossier", dossier(7, service_level="NaN"))
    return element("dossier", json.loads(spoilt(fault)))


async def soap(hub: Trial, inner: str, version: str, language: str) -> Answer:
    namespace, media = {
        "1.1": ("http://schemas.xmlsoap.org/soap/envelope/", "text/xml"),
        "1.2": ("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml"),
    }[version]
    body = (
        f'<s:Envelope xmlns:s="{namespace}"><s:Body>'
        f'<d:PushDossiers xmlns:d="urn:lienthong:dossier:v1">{inner}</d:PushDossiers>'
        "</s:Body></s:Envelope>"
    )
    return await hub.call(
        "POST",
        "/soap/v1",
        who="desk",
        content=body.encode(),
        headers={"Content-Type": f"{media}; charset=utf-8", "Accept-Language": language},
    )


@ON_SQLITE
@pytest.mark.unproved
@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("fault", SOAP_FAULTS)
async def test_through_soap(desk: Trial, fault: str, version: str) -> None:
    reason, field = SOAP_FAULTS[fault]
    good = [element("dossier", dossier(n)) for n in (1, 2)]
    said = await soap(desk, good[0] + soap_record(fault) + good[1], version, "en")
    text = said.raw.decode()
    if reason == "BODY_MALFORMED":
        # SOAP 1.1 over HTTP carries every fault in a 500 (SOAP 1.1, 6.2); it is no failure of ours.
        assert said.status == (500 if version == "1.1" else 400)
        assert f"<reason>{reason}</reason>" in text
        assert escape(sentence(Reason(reason), "en")) in text
        vietnamese = await soap(desk, soap_record(fault), version, "vi")
        assert escape(sentence(Reason(reason), "vi")) in vietnamese.raw.decode()
        await nothing_of_it(desk, 0)
        return
    assert said.status == 200
    assert "<applied>2</applied>" in text
    assert "<quarantined>1</quarantined>" in text
    assert f"<reason>{reason}</reason><field>{field}</field>" in text
    await nothing_of_it(desk, 2)
    assert quarantined(desk) == [("A-00007", reason, field)]


# ---------------------------------------------------------------- a poll


def bad_row(fault: str) -> str:
    told = row(7)
    match fault:
        case "missing":
            del told["govAgencyCode"]
        case "status":
            told["dossierStatus"] = "300"
        case "date":
            told["dueDate"] = "2026-02-31"
        case "long":
            told["applicantName"] = LONG
        case "nul":
            told["applicantName"] = "a\0b"
        case "surrogate":
            told["applicantName"] = "\ud800"
        case "nan":
            told["serviceLevel"] = float("nan")
        case "2^63":
            told["serviceLevel"] = 2**63
        case "agency":
            told["govAgencyCode"] = "CỦA-AI"
        case "twice":
            return json.dumps(told)[:-1] + ', "dossierStatus": "done"}'
    return json.dumps(told)


# In a page only the row is at fault, whatever it is; the field is the one the department knows,
# or, found by the record's own check, the canonical one.
POLLED: dict[str, tuple[str, str | None]] = {
    "missing": ("FIELD_MISSING", "govAgencyCode"),
    "status": ("STATUS_UNKNOWN", "dossierStatus"),
    "date": ("DATE_INVALID", "dueDate"),
    "long": ("FIELD_TOO_LONG", "applicant.name"),
    "nul": ("CHAR_FORBIDDEN", "applicant.name"),
    "surrogate": ("ENC_INVALID", "applicantName"),
    "nan": ("FIELD_TYPE", "serviceLevel"),
    "2^63": ("FIELD_TYPE", "service_level"),
    "twice": ("FIELD_TYPE", "dossierStatus"),
    "agency": ("REF_UNKNOWN", "govAgencyCode"),
}


@ON_SQLITE
@every_fault
async def test_in_a_polled_page(hub: Trial, fault: str) -> None:
    reason, field = POLLED[fault]
    poll = Poll(hub, "snv", hub.context.systems["one_stop"], "dossiers")
    good = [json.dumps(row(n)) for n in (1, 2)]
    page = f'{{"total": 3, "data": [{good[0]}, {bad_row(fault)}, {good[1]}]}}'
    summary = await poll.run(page.encode())
    assert summary.error is None
    assert (summary.records, summary.applied, summary.quarantined) == (3, 2, 1)
    assert quarantined(hub) == [("uid-7", reason, field)]
    assert await hub.find("snv:uid-7") == []
    assert len(await hub.find("snv:uid-2")) == 1
    # Asked again, the page brings nothing new and the same fault is counted, not doubled.
    again = await poll.run(page.encode())
    assert (again.duplicate, again.quarantined) == (3, 0)
    with hub.context.store.read() as tx:
        (held,) = list_quarantine(tx)
    assert held.count == 2


async def test_all_faults_at_once_leave_every_good_neighbour(desk: Trial) -> None:
    """One NDJSON body of good and bad lines in turn: what one is says nothing of the next."""
    lines = []
    for place, fault in enumerate(FAULTS):
        lines += [spoilt(fault), json.dumps(dossier(100 + place))]
    said = await desk.push(raw="\n".join(lines).encode(), kind="application/x-ndjson")
    assert said.status == 200
    assert said.fates[0::2] == [("quarantined", *FAULTS[fault]) for fault in FAULTS]
    assert said.fates[1::2] == [("applied", None, None)] * len(FAULTS)
