"""The closed list of reason codes and their sentences."""

import pytest

from canonical.errors import HubError, RequestRefused, StoreUnavailable, TryAgain
from canonical.reasons import Reason, sentence

# The list as the design fixes it: record, finding, run, request. A code is added here by decision.
CLOSED_LIST = """
ENC_INVALID FIELD_MISSING FIELD_TYPE FIELD_TOO_LONG FIELD_UNKNOWN DATE_INVALID DATE_FUTURE
STATUS_UNKNOWN REF_UNKNOWN VERSION_CONFLICT CODE_REUSED AGENCY_FORBIDDEN MAPPING_ERROR
CHAR_FORBIDDEN CRASH_POISON

TRANSITION_ODD TIE_DOUBTFUL UNLISTED_PROCEDURE DUE_MISSING ORDER_ODD

NET_REFUSED NET_DNS NET_RESET TIMEOUT_TOTAL TLS_INVALID HTTP_4XX HTTP_5XX RATE_LIMITED AUTH_EXPIRED
AUTH_DENIED REDIRECT_REFUSED EGRESS_DENIED CTYPE_UNEXPECTED BODY_TRUNCATED BODY_TOO_LARGE
BODY_MALFORMED XML_FORBIDDEN SOAP_FAULT SOURCE_ERROR PAGE_LOOP PAGE_SHORT CURSOR_LOST SCHEMA_DRIFT
STORE_UNAVAILABLE

UNAUTHENTICATED FORBIDDEN NOT_FOUND CONFLICT IDEMPOTENCY_MISMATCH PRECONDITION_FAILED TOO_MANY
"""


def test_the_list_of_codes_is_closed():
    assert [reason.value for reason in Reason] == CLOSED_LIST.split()


def test_a_code_is_spelt_like_its_name():
    assert all(reason.name == reason.value for reason in Reason)


@pytest.mark.parametrize("reason", Reason)
def test_every_code_has_a_vietnamese_and_an_english_sentence(reason):
    vietnamese, english = sentence(reason), sentence(reason, "en")
    assert not vietnamese.isascii()
    assert english.isascii()
    for text in (vietnamese, english):
        assert text.endswith(".")
        assert text[0].isupper()
        assert text == text.strip()


@pytest.mark.parametrize("language", ["vi", "", "fr", "EN"])
def test_any_other_language_gets_the_vietnamese_sentence(language):
    assert sentence(Reason.NOT_FOUND, language) == sentence(Reason.NOT_FOUND, "vi")


def test_no_two_codes_share_a_sentence():
    for language in ("vi", "en"):
        assert len({sentence(reason, language) for reason in Reason}) == len(Reason)


def test_an_error_says_its_code_and_its_detail_or_else_the_codes_sentence():
    assert str(HubError(Reason.NET_DNS, "host gplx")) == "NET_DNS: host gplx"
    assert str(HubError(Reason.NET_DNS)) == f"NET_DNS: {sentence(Reason.NET_DNS, 'en')}"


def test_an_error_keeps_what_the_person_at_night_needs():
    error = RequestRefused(Reason.FIELD_TYPE, 422, field="applicant.name", receipt="r1")
    assert (error.reason, error.status) == (Reason.FIELD_TYPE, 422)
    assert (error.field, error.receipt, error.retry_after_s) == ("applicant.name", "r1", None)
    assert isinstance(StoreUnavailable(Reason.STORE_UNAVAILABLE), TryAgain)
