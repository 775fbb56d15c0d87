"""The canonical SOAP push as clients of many makes write it: envelope and children to records."""

import pytest

from canonical.errors import Garbled
from canonical.reading import soap
from canonical.reasons import Reason

NIL = '<{} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'
both = pytest.mark.parametrize("namespace", [soap.SOAP_11, soap.SOAP_12])


def call(inside: str, namespace: str = soap.SOAP_11, operation: str = "PushDossiers") -> bytes:
    return (
        f'<e:Envelope xmlns:e="{namespace}" xmlns:d="{soap.NAMESPACE}"><e:Header/><e:Body>'
        f"<d:{operation}>{inside}</d:{operation}></e:Body></e:Envelope>"
    ).encode()


def one(inside: str) -> dict[str, object]:
    [found] = soap.dossiers(call(f"<dossier>{inside}</dossier>"))
    return found


@both
def test_each_dossier_is_a_record_in_order(namespace: str) -> None:
    raw = call("<dossier><code>A</code></dossier><dossier><code>B</code></dossier>", namespace)
    assert soap.dossiers(raw) == [{"code": "A"}, {"code": "B"}]


def test_qualified_children_are_the_same_children() -> None:
    plain = "<dossier><code>A</code><procedure><code>1</code></procedure></dossier>"
    qualified = plain.replace("<", "<d:").replace("<d:/", "</d:")
    assert soap.dossiers(call(qualified)) == soap.dossiers(call(plain))


@pytest.mark.parametrize(
    ("xml", "found"),
    [
        ("", {}),
        (NIL.format("due_at"), {"due_at": None}),
        (NIL.format("fees"), {"fees": None}),
        ("<fees><amount>5</amount></fees>", {"fees": [{"amount": 5}]}),
        ("<fees/><fees><amount>5</amount></fees>", {"fees": [{}, {"amount": 5}]}),
        ("<procedure/>", {"procedure": {}}),
        ("<rating>\n  </rating>", {"rating": {}}),
        ("<procedure>1.001612</procedure>", {"procedure": "1.001612"}),
        ("<step/>", {"step": ""}),
        ("<step> a b </step>", {"step": " a b "}),
        ("<step>a<!-- no -->b</step>", {"step": "ab"}),
        ("<version> 3\n</version>", {"version": 3}),
        ("<version>-3</version>", {"version": -3}),
        # What is no number stays text, and is refused as FIELD_TYPE like any other wrong type.
        ("<version>--3</version>", {"version": "--3"}),
        ("<version>3.0</version>", {"version": "3.0"}),
        ("<version>٣</version>", {"version": "٣"}),
        ("<version/>", {"version": ""}),
        (f"<version>{'9' * 40}</version>", {"version": "9" * 40}),
        ("<code>007</code>", {"code": "007"}),
    ],
)
def test_what_a_child_says(xml: str, found: dict[str, object]) -> None:
    assert one(xml) == found


@pytest.mark.parametrize(
    "inside",
    [
        "<dossier><code>A</code><code>B</code></dossier>",
        f"<dossier>{NIL.format('fees')}<fees><amount>1</amount></fees></dossier>",
        f"<dossier><fees><amount>1</amount></fees>{NIL.format('fees')}</dossier>",
        f"<dossier>{NIL.format('fees') * 2}</dossier>",
        # A misspelt element would be a record lost without a word.
        "<dosier><code>A</code></dosier>",
    ],
)
def test_what_says_two_things_or_nothing_known_is_refused_whole(inside: str) -> None:
    with pytest.raises(Garbled) as failure:
        soap.dossiers(call(inside))
    assert failure.value.reason is Reason.BODY_MALFORMED


@pytest.mark.parametrize(
    "raw",
    [
        call("", operation="PullDossiers"),
        call("", namespace="urn:another:envelope"),
        b"<PushDossiers/>",
        f'<Envelope xmlns="{soap.SOAP_11}"><Body/></Envelope>'.encode(),
        f'<Envelope xmlns="{soap.SOAP_11}"><Body><a/><b/></Body></Envelope>'.encode(),
    ],
)
def test_another_message_is_refused_whole(raw: bytes) -> None:
    with pytest.raises(Garbled) as failure:
        soap.dossiers(raw)
    assert failure.value.reason is Reason.BODY_MALFORMED
