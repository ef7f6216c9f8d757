"""The people of accounts in the directory: a Practitioner and a PractitionerRole for each, in its site's custody.

They follow the account: who adds, changes or ends one does it through `change_account`, in one transaction.
IHE mCSD: https://profiles.ihe.net/ITI/mCSD/; docs/directory.md says what integrators see.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from app.access.directory import Organisation, organisations
from app.access.tables import account
from app.db import DatabaseConnection, DatabaseUnavailable, WriteConnection
from app.hub import Hub
from app.records.inside import write_with
from fhir.store.stored import Stored

logger = logging.getLogger(__name__)

_PRACTITIONER_ROLE = "http://terminology.hl7.org/CodeSystem/practitioner-role"
OWN_ROLE = "urn:renkei:role"
"""The system of roles that HL7's code system does not have."""

CODES: Mapping[str, tuple[str, str, str]] = {
    "doctor": (_PRACTITIONER_ROLE, "doctor", "医師"),
    "nurse": (_PRACTITIONER_ROLE, "nurse", "看護師"),
    "pharmacist": (_PRACTITIONER_ROLE, "pharmacist", "薬剤師"),
    "clerk": (OWN_ROLE, "clerk", "事務"),
    "secretariat": (OWN_ROLE, "secretariat", "事務局"),
    "auditor": (OWN_ROLE, "auditor", "監査人"),
    "operator": (OWN_ROLE, "operator", "運用担当"),
}
"""The code of each role that is listed, and what people call it; patients are not listed."""

_ACCOUNT = select(account.c.key, account.c.title, account.c.role, account.c.disabled, account.c.organisation)
_BY_KEY = _ACCOUNT.where(account.c.key == bindparam("key"))
_OF_ORGANISATION = select(account.c.key).where(account.c.organisation == bindparam("key")).order_by(account.c.key)


def listing(
    organisation: Organisation, key: int, title: str, role: str, *, active: bool
) -> tuple[Mapping[str, Any], ...]:
    """Return the Practitioner and the PractitionerRole of an account, neither for a role that is not listed.

    The account's name is not among them: it is half of what signs a person in.
    """
    if role not in CODES:
        return ()
    system, code, display = CODES[role]
    id_ = f"{organisation.slug}-account-{key}"
    practitioner = {"resourceType": "Practitioner", "id": id_, "active": active, "name": [{"text": title}]}
    return practitioner, {
        "resourceType": "PractitionerRole",
        "id": id_,
        "active": active,
        "practitioner": {"reference": f"Practitioner/{id_}", "display": title},
        "organization": {"reference": organisation.reference, "display": organisation.title},
        "code": [{"coding": [{"system": system, "code": code, "display": display}]}],
    }


async def _listing_of(
    connection: DatabaseConnection, organisation: Organisation, key: int
) -> Sequence[Mapping[str, Any]]:
    rows = await connection.fetch(_BY_KEY, {"key": key})
    if not rows:
        return ()
    _, title, role, disabled, home = rows[0]
    # Who went to another site is listed there, and here no more.
    return listing(organisation, key, title, role, active=not disabled and home == organisation.key)


async def change_account(
    hub: Hub, organisation: Organisation, change: Callable[[WriteConnection], Awaitable[int]]
) -> Sequence[Stored]:
    """Carry out a change of an account and let the directory follow, in one transaction.

    Args:
        hub: The running hub.
        organisation: The site that the account belongs to; for one that moves, called for each of the two.
        change: Changes the account's row, and returns its key. It may be carried out again when rights have changed
            meanwhile; then nothing of the first time was written.

    Returns:
        The versions of Practitioner and PractitionerRole that were written; none when the directory said so already.

    Raises:
        DatabaseUnavailable: nothing was changed.
    """

    async def changed(connection: WriteConnection) -> Sequence[Mapping[str, Any]]:
        return await _listing_of(connection, organisation, await change(connection))

    return await write_with(hub, organisation, changed)


async def follow_account(hub: Hub, key: int, *homes: int) -> None:
    """Let the directory follow an account that was changed already; what cannot be written now is said in the log.

    Args:
        hub: The running hub.
        key: The account.
        homes: The sites it belongs to and belonged to.
    """

    async def unchanged(_: WriteConnection) -> int:
        return key

    try:
        for organisation in await organisations(hub.database.reader):
            if organisation.key in homes:
                await change_account(hub, organisation, unchanged)
    except DatabaseUnavailable as error:
        logger.warning("The directory does not follow an account, run `renkei organisation staff`: %s", error)


async def list_everybody(hub: Hub) -> int:
    """Let the directory say what the accounts say, of everybody; return how many resources were written."""
    written = 0
    for organisation in await organisations(hub.database.reader):
        for (key,) in await hub.database.reader.fetch(_OF_ORGANISATION, {"key": organisation.key}):

            async def unchanged(_: WriteConnection, key: int = key) -> int:
                return key

            written += len(await change_account(hub, organisation, unchanged))
    return written
