"""Passkeys: WebAuthn with user verification, so that a passkey alone is two factors: the device, and its PIN or finger.

https://www.w3.org/TR/webauthn-3/. A browser offers passkeys on HTTPS and on localhost, and to no bare IP address.
"""

import hashlib
import json
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import BigInteger, LargeBinary, bindparam, delete, insert, select
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.access.factors import PASSKEY, Factor, by_credential
from app.access.person_tables import second_factor, used_challenge
from app.access.sealing import CHALLENGE_SECONDS, challenge, holds
from app.audit.keys import Keys
from app.db import DatabaseConnection, WriteConnection
from app.settings import Settings

LONGEST = 20_000
"""Characters of the longest answer of a browser that is looked at."""

_REQUIRED = UserVerificationRequirement.REQUIRED
_FORGET = delete(used_challenge).where(used_challenge.c.ends < bindparam("now", type_=BigInteger))
_FIND = select(used_challenge.c.ends).where(used_challenge.c.digest == bindparam("digest", type_=LargeBinary))
_ANSWERED = insert(used_challenge).values(digest=bindparam("n_digest"), ends=bindparam("n_ends"))
_USE = (
    second_factor.update()
    .where(second_factor.c.key == bindparam("k_key", type_=BigInteger))
    .values(counter=bindparam("n_counter", type_=BigInteger), used=bindparam("n_used", type_=BigInteger))
)


class PasskeyRefused(Exception):
    """The browser's answer does not hold; the text is for the audit record alone."""


def party(settings: Settings) -> tuple[str, str]:
    """Return the id of the relying party and its origin; the id is empty where no passkey can be."""
    parts = urlsplit(settings.address)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host, f"{parts.scheme}://{parts.netloc}"
    return "", ""


def handle(party_id: str, account: int) -> bytes:
    """Return what a device knows the person by: the same for all passkeys, and no name."""
    return hashlib.sha256(f"renkei/passkey\n{party_id}\n{account}".encode()).digest()


def asked_to_register(
    settings: Settings, keys: Keys, *, account: int, name: str, title: str, held: Sequence[Factor], now: int
) -> str:
    """Return the options, as JSON, by which a browser makes a new passkey."""
    party_id, _ = party(settings)
    options = webauthn.generate_registration_options(
        rp_id=party_id,
        rp_name=f"Renkei {settings.region}",
        user_id=handle(party_id, account),
        user_name=name,
        user_display_name=title,
        challenge=challenge(keys, f"register\n{account}", now),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential) for one in held if one.kind == PASSKEY],
    )
    return str(webauthn.options_to_json(options))


def asked_to_prove(
    settings: Settings, keys: Keys, binding: str, now: int, *, held: Sequence[Factor] | None = None
) -> str:
    """Return the options, as JSON, by which a browser proves a passkey.

    Args:
        settings: The hub's settings.
        keys: The ring.
        binding: What the proof is for.
        now: The present in microseconds since 1970 UTC.
        held: The passkeys that are taken; None at a sign-in without a name, where the device knows who it is.
    """
    party_id, _ = party(settings)
    allowed = None
    if held is not None:
        allowed = [PublicKeyCredentialDescriptor(id=one.credential) for one in held if one.kind == PASSKEY]
    options = webauthn.generate_authentication_options(
        rp_id=party_id,
        challenge=challenge(keys, binding, now),
        allow_credentials=allowed,
        user_verification=_REQUIRED,
    )
    return str(webauthn.options_to_json(options))


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise PasskeyRefused("The answer lacks a member")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError) as error:
        raise PasskeyRefused("The answer is no base64url") from error


def _parsed(answer: str, keys: Keys, binding: str, now: int) -> tuple[dict[str, Any], bytes]:
    """Return the browser's answer and the challenge it answers.

    Raises:
        PasskeyRefused: it is no answer to a challenge for `binding`.
    """
    try:
        found = json.loads(answer) if len(answer) <= LONGEST else None
        stated = json.loads(_decoded(found["response"]["clientDataJSON"])) if isinstance(found, dict) else None
        asked = _decoded(stated["challenge"]) if isinstance(stated, dict) else b""
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise PasskeyRefused("The answer is no credential") from error
    if not isinstance(found, dict) or not holds(keys, asked, binding, now):
        raise PasskeyRefused("The challenge is not one of this page, or has expired")
    return found, asked


async def _answered(connection: WriteConnection, asked: bytes, now: int) -> None:
    """Let a challenge be answered once.

    Raises:
        PasskeyRefused: it was.
    """
    key = hashlib.sha256(asked).digest()
    await connection.execute(_FORGET, {"now": now})
    await connection.lock(int.from_bytes(key[:8], signed=True))
    if await connection.fetch(_FIND, {"digest": key}):
        raise PasskeyRefused("The challenge was answered before")
    await connection.execute(_ANSWERED, {"n_digest": key, "n_ends": now + CHALLENGE_SECONDS * 1_000_000})


async def registered(
    settings: Settings, keys: Keys, connection: WriteConnection, answer: str, *, account: int, now: int
) -> tuple[bytes, bytes, int]:
    """Return the credential id, the public key and the counter of a new passkey.

    Raises:
        PasskeyRefused: the browser's answer does not hold, or the passkey is somebody's already.
    """
    found, asked = _parsed(answer, keys, f"register\n{account}", now)
    party_id, origin = party(settings)
    try:
        made = webauthn.verify_registration_response(
            credential=found,
            expected_challenge=asked,
            expected_rp_id=party_id,
            expected_origin=origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(f"The new passkey does not hold: {type(error).__name__}") from error
    await _answered(connection, asked, now)
    if await by_credential(connection, made.credential_id):
        raise PasskeyRefused("The passkey is there already")
    return made.credential_id, made.credential_public_key, made.sign_count


async def stated(connection: DatabaseConnection, answer: str) -> Factor | None:
    """Return the passkey that an answer names, before anything of it is believed."""
    try:
        found = json.loads(answer) if len(answer) <= LONGEST else None
        return await by_credential(connection, _decoded(found["id"])) if isinstance(found, dict) else None
    except (KeyError, ValueError, RecursionError, PasskeyRefused):
        return None


async def use(
    settings: Settings, keys: Keys, connection: WriteConnection, factor: Factor, answer: str, *, binding: str, now: int
) -> None:
    """Check a browser's proof of a passkey, and let it never hold again.

    Raises:
        PasskeyRefused: it does not hold.
    """
    found, asked = _parsed(answer, keys, binding, now)
    party_id, origin = party(settings)
    try:
        proof = webauthn.verify_authentication_response(
            credential=found,
            expected_challenge=asked,
            expected_rp_id=party_id,
            expected_origin=origin,
            credential_public_key=factor.secret,
            credential_current_sign_count=factor.counter,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(f"The passkey's proof does not hold: {type(error).__name__}") from error
    await _answered(connection, asked, now)
    await connection.execute(_USE, {"k_key": factor.key, "n_counter": proof.new_sign_count, "n_used": now})
