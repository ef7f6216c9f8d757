"""Links to images: a system lets a browser without a session of its own see studies of one patient for a while.

A link is good once and for a minute. What comes of it is an access token that only the browser's cookie holds: for
reading images, of one patient, perhaps of some studies only, under what the system's site may see.
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, delete, select

from app.access.tables import image_link, image_session, token
from app.access.tokens import Issue, digest, issue
from app.db import WriteConnection

LINK_SECONDS = 60
SESSION_SECONDS = 1_800
SCOPE = "patient/ImagingStudy.rs patient/Patient.rs"

_FIND = select(*list(image_link.c)[1:8]).where(
    image_link.c.digest == bindparam("digest"), image_link.c.ends > bindparam("now", type_=BigInteger)
)
_USE = delete(image_link).where(image_link.c.digest == bindparam("digest"))
_FORGET = delete(image_link).where(image_link.c.ends < bindparam("now", type_=BigInteger))
_FORGET_SESSIONS = delete(image_session).where(image_session.c.digest.not_in(select(token.c.digest)))


@dataclass(frozen=True, slots=True)
class ImageLink:
    """What a link opens."""

    client: int
    """Key of the system that made it."""
    purpose: str
    patient_key: int
    patient: str
    """The Patient's id."""
    study: str
    """StudyInstanceUIDs of the only studies that may be seen, blanks between them; empty for all of the patient's."""
    user: str
    """Who opens it, as the system says."""
    opens: str
    """The page, below the hub's address."""


async def begin(connection: WriteConnection, what: ImageLink, now: int) -> str:
    """Return the secret of a new link."""
    text = secrets.token_urlsafe(24)
    await connection.execute(_FORGET, {"now": now})
    row = (digest(text), what.client, what.purpose, what.patient_key, what.patient, what.study, what.user, what.opens)
    await connection.insert(image_link, [(*row, now + LINK_SECONDS * 1_000_000)])
    return text


async def use(connection: WriteConnection, text: str, now: int) -> tuple[ImageLink, str] | None:
    """Use a link up; return what it opens and the access token for the cookie, or None when it is good no more."""
    rows = await connection.fetch(_FIND, {"digest": digest(text), "now": now})
    if not rows or await connection.execute(_USE, {"digest": digest(text)}) != 1:
        return None
    found = ImageLink(*rows[0])
    what = Issue(found.client, found.purpose, SCOPE, patient_key=found.patient_key, patient=found.patient)
    made = await issue(connection, what, now=now, seconds=SESSION_SECONDS)
    await connection.execute(_FORGET_SESSIONS, {})
    await connection.insert(image_session, [(digest(made), found.study, found.user)])
    return found, made
