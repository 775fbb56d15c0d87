import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.wire import Wire
from canonical.errors import Garbled, Unreachable
from canonical.reasons import Reason
from sync.try_texts import mend
from tests.unit.wire.conftest import raw_server

WSDL = Path(__file__).parents[3] / "adapters" / "transport" / "contract" / "service-2014-used.wsdl"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for one name: its file, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trial")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return cert_file, context


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # asyncio's, of a failed handshake
@pytest.mark.parametrize(
    ("name", "is_trusted", "is_taken"),
    [
        ("localhost", True, True),
        ("localhost", False, False),  # nobody vouches for it
        ("elsewhere.example", True, False),  # a good certificate of somebody else
    ],
)
async def test_tls_proves_the_name_though_the_address_is_called(
    tmp_path: Path, name: str, is_trusted: bool, is_taken: bool
) -> None:
    cert_file, context = certificate(tmp_path, name)
    wire = Wire(ca_file=cert_file if is_trusted else None)
    async with raw_server(ANSWER, tls=context) as server:
        port = server.address.rpartition(":")[2]
        call = wire.http("trial", timeout_s=5).call("GET", f"https://localhost:{port}/")
        if is_taken:
            assert (await call).body == b"ok"
        else:
            with pytest.raises(Unreachable) as failure:
                await call
            assert failure.value.reason is Reason.TLS_INVALID
            assert server.asked == []
    await wire.close()


async def test_a_port_that_speaks_no_tls_is_tls_invalid() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    wire = Wire()
    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable) as failure:
            await wire.http("trial", timeout_s=5).call("GET", f"https://127.0.0.1:{port}/")
    await wire.close()
    assert failure.value.reason is Reason.TLS_INVALID


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # asyncio's, of a failed handshake
async def test_one_connection_trusts_its_own_authority_and_others_do_not(tmp_path: Path) -> None:
    cert_file, context = certificate(tmp_path, "localhost")
    wire = Wire()
    own = wire.trusting(cert_file.read_text("ascii"))
    async with raw_server(ANSWER, tls=context) as server:
        port = server.address.rpartition(":")[2]
        url = f"https://localhost:{port}/"
        assert (await own.http("trial", timeout_s=5).call("GET", url)).body == b"ok"
        soap = own.soap(
            WSDL, url, system="trial", timeout_s=5, service="Service", port="ServiceSoap"
        )
        with pytest.raises(Garbled):  # it was reached: what it says is no SOAP
            await soap.call("GetTrangThaiHoSo", maDK="1")
        probe = wire.probe()
        ca = cert_file.read_text("ascii")
        assert await probe.shake_hands(url, await probe.resolve(url), ca) > "2000"
        for call in (
            wire.http("other", timeout_s=5).call("GET", url),
            probe.shake_hands(url, await probe.resolve(url)),
        ):
            with pytest.raises(Unreachable, match="self-signed certificate") as failure:
                await call
            assert failure.value.reason is Reason.TLS_INVALID
            assert "CA.pem" in mend(failure.value.reason, failure.value.detail)[0]
    with pytest.raises(Unreachable, match="tls_ca cannot be read"):
        await wire.trusting("no PEM").http("trial").call("GET", "https://localhost:9/")
    await wire.close()  # closes what the others have built, too
