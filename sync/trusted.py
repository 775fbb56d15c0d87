"""Authorities a connection trusts besides the usual ones: a province's own CA, as PEM text.

It is a plain setting, kept with the connection and its versions, so that it travels in exports and
needs no file on any node. It is public, yet long and told by nothing a person reads: everywhere it
is shown by whom it is of, until when, and its fingerprint.
"""

import functools
from collections.abc import Mapping
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from msgspec import Struct

from canonical import clock
from canonical.errors import HubError
from canonical.ports import TLS_CA
from canonical.reasons import Reason

_MOST = 20
_MOST_CHARACTERS = 200_000


class Authority(Struct, frozen=True):
    """One certificate that is trusted.

    Attributes:
        subject: Whose it is, as it spells it.
        until: Until when it is good, ISO at +07:00.
        fingerprint: sha256, in full.
    """

    subject: str
    until: str
    fingerprint: str

    def is_over(self, now: datetime) -> bool:
        """Whether it is good no longer."""
        return clock.from_iso(self.until) < now


def settled(options: Mapping[str, str]) -> dict[str, str]:
    """Settings with their authorities spelt in the one way: certificates alone, one after another.

    Raises:
        HubError: FIELD_TYPE for what is no certificate, or holds a key.
    """
    told = options.get(TLS_CA)
    if not told:
        return dict(options)
    found = _read(told)
    text = "".join(one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in found)
    return {**options, TLS_CA: text}


@functools.lru_cache(256)
def authorities(text: str) -> tuple[Authority, ...]:
    """What a setting holds; nothing where it cannot be read (it was checked when it was set)."""
    try:
        found = _read(text) if text else []
    except HubError:
        return ()
    return tuple(
        Authority(
            subject=one.subject.rfc4514_string()[:200] or "–",
            until=clock.to_iso(one.not_valid_after_utc),
            fingerprint=one.fingerprint(hashes.SHA256()).hex(),
        )
        for one in found
    )


def told_of(text: str) -> str:
    """A setting in one line: whose, until when, and which."""
    return "; ".join(
        f"{one.subject}, {one.until[:10]}, sha256:{one.fingerprint[:16]}…"
        for one in authorities(text)
    )


def shown_options(options: Mapping[str, str]) -> dict[str, str]:
    """Settings as they are printed: authorities in one line."""
    return {name: told_of(value) if name == TLS_CA else value for name, value in options.items()}


def _read(text: str) -> list[x509.Certificate]:
    if "PRIVATE KEY" in text:
        raise _unfit("there is a private key in it: hand in certificates alone, renew that key")
    if len(text) > _MOST_CHARACTERS:
        raise _unfit("too long")
    try:
        found = x509.load_pem_x509_certificates(text.encode("ascii", "replace"))
    except ValueError:
        raise _unfit("no certificate in PEM (-----BEGIN CERTIFICATE-----)") from None
    if len(found) > _MOST:
        raise _unfit(f"more than {_MOST} certificates")
    return list(dict.fromkeys(found))


def _unfit(why: str) -> HubError:
    return HubError(Reason.FIELD_TYPE, f"{TLS_CA}: {why}")
