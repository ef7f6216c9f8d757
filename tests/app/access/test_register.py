"""Registering a client: what cannot be meant is refused before it is written."""

from typing import Any

import pytest

from app.access.register import Invalid, checked

REDIRECT = ("https://app.example/callback",)
APP: dict[str, Any] = {"id": "app", "kind": "app", "authentication": "none", "redirects": REDIRECT}
SYSTEM: dict[str, Any] = {"id": "ehr", "kind": "system", "authentication": "private_key_jwt"}


@pytest.mark.parametrize(
    "said",
    [
        APP,
        APP | {"redirects": ("http://127.0.0.1:8000/x", "com.example.app:/callback")},
        APP | {"scopes": "user/*.cruds patient/Observation.rs?category=laboratory"},
        SYSTEM,
        SYSTEM | {"scopes": "ITI-67 system/Patient.rs", "certificate": "a" * 43},
        SYSTEM | {"kind": "resource-server", "authentication": "client_secret_basic"},
    ],
    ids=range(6),
)
def test_what_can_be_meant_is_kept(said: dict[str, Any]) -> None:
    assert checked(**said).kind == said["kind"]


@pytest.mark.parametrize(
    "said",
    [
        APP | {"redirects": ()},
        APP | {"redirects": ("http://app.example/",)},
        APP | {"redirects": ("https://app.example/#x",)},
        APP | {"redirects": ("https://*.example/",)},
        APP | {"redirects": ("javascript:alert(1)",)},
        APP | {"redirects": ("https:///x",)},
        APP | {"redirects": ("/callback",)},
        APP | {"scopes": "system/*.rs"},
        APP | {"scopes": "everything"},
        APP | {"id": "a:b"},
        APP | {"id": "語"},
        SYSTEM | {"redirects": REDIRECT},
        SYSTEM | {"authentication": "none"},
        SYSTEM | {"scopes": "user/*.rs"},
        SYSTEM | {"scopes": "system/*.rs openid"},
        SYSTEM | {"certificate": "abc"},
        SYSTEM | {"jwks": "{}"},
        SYSTEM | {"jwks": "no"},
        SYSTEM | {"jwks": '{"keys": [{"kty": "EC", "d": "secret"}]}'},
        SYSTEM | {"jwks_url": "file:///x"},
        SYSTEM | {"kind": "human"},
    ],
    ids=range(21),
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        checked(**said)
