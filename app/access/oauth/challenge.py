"""PKCE: the challenge that a verifier proves; S256 alone, since `plain` proves nothing to who read the request.

https://www.rfc-editor.org/rfc/rfc7636
"""

import hashlib
import re
from base64 import urlsafe_b64encode

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier; an empty text when it is none."""
    if not _VERIFIER.fullmatch(verifier):
        return ""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
