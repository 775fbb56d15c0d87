"""Keys, and what they protect: raw bytes, connection secrets, PINs. All from one secret key.

Raw bytes are compressed, then encrypted, since they hold PINs and id numbers (DESIGN 3). A PIN is
kept as HMAC-SHA-256 under a pepper that is never in the database. Every key is derived by HKDF from
HUB_SECRET_KEY with its own label, so that none can stand for another.
"""

import hashlib
import hmac
import os

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from canonical.errors import HubError
from canonical.reasons import Reason

_NONCE_BYTES = 12
MAX_RAW_BYTES = 1024 * 1024 * 1024


class Vault:
    """Seals and opens; holds derived keys only."""

    def __init__(self, secret_key: str) -> None:
        secret = secret_key.encode()
        self._seal = AESGCM(_derive(secret, b"raw bytes"))
        self._pin = _derive(secret, b"pin pepper")
        self._receipt = _derive(secret, b"receipt seal")
        self.record_pepper = _derive(secret, b"record digest")
        self.token_key = _derive(secret, b"access tokens")
        self.form_key = _derive(secret, b"forms")
        # Tells two keys apart and tells nothing of either.
        self.fingerprint = _derive(secret, b"fingerprint")[:8].hex()

    def seal(self, raw: bytes) -> bytes:
        """Compressed, then encrypted with AES-256-GCM under a fresh nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, zstandard.compress(raw, 3), None)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed.

        Raises:
            HubError: STORE_UNAVAILABLE where the key is another one or the bytes were changed.
        """
        try:
            packed = self._seal.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except InvalidTag:
            raise HubError(
                Reason.STORE_UNAVAILABLE, "sealed bytes do not open with this HUB_SECRET_KEY"
            ) from None
        return zstandard.decompress(packed, max_output_size=MAX_RAW_BYTES)

    def pin_mac(self, leg_name: str, pin: str) -> str:
        """HMAC-SHA-256 of one leg's PIN, hex."""
        told = f"{leg_name}\0{pin}".encode()
        return hmac.new(self._pin, told, hashlib.sha256).hexdigest()

    def receipt_mac(self, told: str) -> str:
        """HMAC-SHA-256 of what a receipt says of its intake, hex."""
        return hmac.new(self._receipt, told.encode(), hashlib.sha256).hexdigest()


def _derive(secret: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"lienthong", info=label).derive(secret)
