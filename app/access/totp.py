"""One-time passwords by time: a secret that an app and the hub share, a code of six digits every 30 seconds.

RFC 6238. A code is good for its own time step and the one before and after, and once.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass

import pyotp
import segno
from sqlalchemy import BigInteger, bindparam

from app.access.factors import Factor
from app.access.person_tables import second_factor
from app.access.sealing import Unopened, seal, unseal
from app.audit.keys import Keys
from app.db import WriteConnection

STEP_SECONDS = 30
DIGITS = 6
ISSUER = "Renkei"
_STEPS = (0, -1, 1)
"""Clocks differ, and people type slowly: the step before and after count too."""

_USE = (
    second_factor.update()
    .where(
        second_factor.c.key == bindparam("k_key", type_=BigInteger),
        second_factor.c.counter < bindparam("k_step", type_=BigInteger),
    )
    .values(counter=bindparam("n_step", type_=BigInteger), used=bindparam("n_used", type_=BigInteger))
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a person needs to put the hub into an app."""

    secret: str
    """Base32, to be typed where no camera is."""
    address: str
    """`otpauth://…`, which the picture shows."""
    sealed: str
    """The secret as the form carries it: nothing is kept before a code has proved that the app has it."""


def setup(keys: Keys, *, account: int, name: str, region: str) -> Setup:
    """Return a new secret for a person."""
    secret = pyotp.random_base32()
    sealed = b64encode(seal(keys, secret.encode(), f"totp-setup\n{account}")).decode()
    return _setup(secret, sealed, name, region)


def again(keys: Keys, sealed: str, *, account: int, name: str, region: str) -> Setup:
    """Return the secret that a form carries.

    Raises:
        Unopened: it is not one of this person.
    """
    try:
        octets = b64decode(sealed, validate=True)
    except (Base64Error, ValueError) as error:
        raise Unopened("It is no base64") from error
    return _setup(unseal(keys, octets, f"totp-setup\n{account}").decode(), sealed, name, region)


def _setup(secret: str, sealed: str, name: str, region: str) -> Setup:
    address = pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=name, issuer_name=f"{ISSUER} {region}")
    return Setup(secret, address, sealed)


def picture(address: str) -> str:
    """Return the QR code of an address as an SVG element."""
    return str(segno.make(address, error="m", micro=False).svg_inline(scale=5, border=4, omitsize=True))


def step_of(secret: str, code: str, now: int) -> int:
    """Return the time step whose code this is, 0 when it is none of now; `now` is in microseconds since 1970 UTC."""
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return 0
    made, current = pyotp.TOTP(secret, interval=STEP_SECONDS), now // (STEP_SECONDS * 1_000_000)
    found = [current + step for step in _STEPS if hmac.compare_digest(made.generate_otp(current + step), code)]
    return found[0] if found else 0


def kept(keys: Keys, secret: str, account: int) -> bytes:
    """Return a secret as the database keeps it."""
    return seal(keys, secret.encode(), f"totp\n{account}")


async def use(keys: Keys, connection: WriteConnection, factor: Factor, code: str, now: int) -> bool:
    """Return whether a code is right, and never let it, or an older one, be right again.

    Raises:
        Unopened: the ring of master keys lacks the one that sealed the secret.
    """
    secret = unseal(keys, factor.secret, f"totp\n{factor.account}").decode()
    step = step_of(secret, code, now)
    if not step:
        return False
    return await connection.execute(_USE, {"k_key": factor.key, "k_step": step, "n_step": step, "n_used": now}) == 1
