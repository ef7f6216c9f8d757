"""The client's side of the token endpoint: an assertion signed with the client's key (RFC 7523)."""

import time
import uuid

from joserfc import jwt
from joserfc.jwk import ECKey

from app.access.tokens import ASSERTION_TYPE

__all__ = ["ASSERTION_TYPE", "client_assertion"]


def client_assertion(id: str, key: ECKey, audience: str) -> str:
    """Return a signed assertion of one minute for the token endpoint at `audience`."""
    claims = {"iss": id, "sub": id, "aud": audience, "exp": int(time.time()) + 60, "jti": str(uuid.uuid4())}
    return jwt.encode({"alg": "ES384", "kid": key.kid}, claims, key, algorithms=["ES384"])
