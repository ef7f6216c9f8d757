"""The keys that identity tokens are signed with: files beside the audit keys, the newest signs, all are published.

A key is rotated by making another (`renkei client rotate-key`); those before the last one are removed then, because no
identity token lives as long. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys
"""

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from app.settings import Settings

ALGORITHM = "ES256"
KEPT = 2
"""Keys that are published: the one that signs, and the one before it."""


def _folder(settings: Settings) -> Path:
    return settings.keys_folder / "identity"


def _files(settings: Settings) -> list[Path]:
    return sorted(_folder(settings).glob("*.json"))


def make_key(settings: Settings) -> str:
    """Make a new key, which signs from now on, remove those before the last one, and return its id."""
    folder = _folder(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kid = secrets.token_hex(8)
    key = ECKey.generate_key("P-256", parameters={"kid": kid, "use": "sig", "alg": ALGORITHM})
    path = folder / f"{time.time_ns():020d}-{kid}.json"
    unfinished = path.with_suffix(".part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(key.as_dict(private=True), file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    for old in _files(settings)[:-KEPT]:
        old.unlink(missing_ok=True)
    return kid


def _read(settings: Settings) -> list[ECKey]:
    if not _files(settings):
        make_key(settings)
    return [ECKey.import_key(json.loads(path.read_text())) for path in _files(settings)]


def signing_key(settings: Settings) -> ECKey:
    """Return the key that signs; it is made at the first use."""
    return _read(settings)[-1]


def public_keys(settings: Settings) -> dict[str, Any]:
    """Return the JWK set that identity tokens are verified by."""
    return {"keys": [key.as_dict(private=False) for key in _read(settings)]}
