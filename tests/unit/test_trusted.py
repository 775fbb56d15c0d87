"""A department's own authorities: taken as certificates alone, told by whose and until when."""

from datetime import UTC, datetime

import pytest

from canonical.errors import HubError
from canonical.ports import TLS_CA
from sync import trusted
from tests.unit.wire.test_wire_tls import certificate


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> str:
    return certificate(tmp_path_factory.mktemp("ca"), "localhost")[0].read_text("ascii")


def test_certificates_are_spelt_in_one_way_and_shown_in_one_line(pem: str) -> None:
    told = trusted.settled({TLS_CA: f"của tỉnh\r\n{pem}{pem}", "a": "b"})
    assert told == {TLS_CA: pem, "a": "b"}
    (one,) = trusted.authorities(pem)
    assert one.subject == "CN=trial"
    assert one.is_over(datetime(2100, 1, 1, tzinfo=UTC))
    line = trusted.shown_options(told)[TLS_CA]
    assert line.startswith("CN=trial, 20")
    assert one.fingerprint[:16] in line
    assert "BEGIN" not in line
    assert trusted.settled({"a": "b"}) == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("không phải", "no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"),
        ("-----BEGIN PRIVATE KEY-----\nkhong-ai-duoc-thay\n", "private key"),
        ("x" * 300_000, "too long"),
    ],
)
def test_what_is_no_certificate_is_refused_and_not_repeated(text: str, why: str) -> None:
    with pytest.raises(HubError, match=why) as failure:
        trusted.settled({TLS_CA: text})
    assert "khong-ai" not in str(failure.value)
    assert trusted.authorities(text) == ()
