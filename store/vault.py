"""Keys, and what they protect: raw bytes, connection secrets, PINs. All from one secret key.

Raw bytes are compressed, then encrypted, since they hold PINs and id numbers (DESIGN 3). A PIN is
kept as HMAC-SHA-256 under a pepper that is never in the database in the clear. Every key is derived
by HKDF from HUB_SECRET_KEY with its own label, so that none can stand for another.

The secret key can be renewed: what is sealed is sealed under the newest and opens with any that is
told. Keys with which digests are made that are compared for ever may not change with it: they come
from the oldest until they are kept, sealed under the newest, in the store.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from canonical.errors import HubError
from canonical.reasons import Reason

_NONCE_BYTES = 12
# Digests made with these are compared for ever.
_LASTING = {
    "pin": b"pin pepper",
    "receipt": b"receipt seal",
    "record": b"record digest",
    "secret": b"secret digest",
}
MAX_RAW_BYTES = 1024 * 1024 * 1024


class Vault:
    """Seals and opens; holds derived keys only.

    Args:
        secret_key: Under which everything new is sealed.
        earlier: Those before it, newest first.
    """

    def __init__(self, secret_key: str, earlier: Sequence[str] = ()) -> None:
        secret = secret_key.encode()
        told = [secret, *(one.encode() for one in earlier)]
        self._seals = [AESGCM(_derive(one, b"raw bytes")) for one in told]
        self._seal = self._seals[0]
        self._lasting = {name: _derive(told[-1], label) for name, label in _LASTING.items()}
        self.record_pepper = self._lasting["record"]
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
        return zstandard.decompress(self._decrypted(sealed), max_output_size=MAX_RAW_BYTES)

    def _decrypted(self, sealed: bytes) -> bytes:
        for seal in self._seals:
            try:
                return seal.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
            except (InvalidTag, ValueError):  # too short to be sealed by anything
                continue
        raise HubError(
            Reason.STORE_UNAVAILABLE, "sealed bytes do not open with this HUB_SECRET_KEY"
        )

    def resealed(self, sealed: bytes) -> bytes | None:
        """The same under the newest key; None where it is already.

        Raises:
            HubError: no key that is told opens it.
        """
        try:
            self._seal.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            nonce = os.urandom(_NONCE_BYTES)
            return nonce + self._seal.encrypt(nonce, self._decrypted(sealed), None)
        return None

    def lasting(self) -> dict[str, bytes]:
        """What must outlive the secret key it comes from: name -> sealed under the newest."""
        return {name: self.seal(key) for name, key in self._lasting.items()}

    def recall(self, kept: Mapping[str, bytes]) -> None:
        """Go by the lasting keys that the store keeps; by its own where it keeps none.

        Raises:
            HubError: no key that is told opens them.
        """
        self._lasting |= {name: self.open(sealed) for name, sealed in kept.items()}
        self.record_pepper = self._lasting["record"]

    def secret_mac(self, told: str) -> str:
        """Tells that a secret is another one and nothing else of it; hex."""
        mac = hmac.new(self._lasting["secret"], told.encode(), hashlib.sha256)
        return mac.hexdigest()[:16]

    def pin_mac(self, leg_name: str, pin: str) -> str:
        """HMAC-SHA-256 of one leg's PIN, hex."""
        told = f"{leg_name}\0{pin}".encode()
        return hmac.digest(self._lasting["pin"], told, "sha256").hex()

    def receipt_mac(self, told: str) -> str:
        """HMAC-SHA-256 of what a receipt says of its intake, hex."""
        return hmac.new(self._lasting["receipt"], told.encode(), hashlib.sha256).hexdigest()


def _derive(secret: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"lienthong", info=label).derive(secret)
