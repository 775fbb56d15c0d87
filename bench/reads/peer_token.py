"""Access tokens of the peer, as its own door would give them out."""

import time

from joserfc import jwt
from joserfc.jwk import OctKey

SECRET = OctKey.import_key("peer-" + "s" * 40)
GOOD_S = 36_000


def token(client_id: str) -> str:
    """An Authorization header."""
    claims = {"sub": client_id, "exp": int(time.time()) + GOOD_S}
    return f"Bearer {jwt.encode({'alg': 'HS256'}, claims, SECRET)}"
