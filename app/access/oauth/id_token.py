"""The identity token: who the person is, for the app alone.

https://openid.net/specs/openid-connect-core-1_0.html#IDToken,
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-identity-data
"""

import hashlib

from joserfc import jwt
from sqlalchemy import BigInteger, bindparam, select

from app.access.oauth.clients import Client
from app.access.oauth.grants import Grant, Person
from app.access.oauth.keys import ALGORITHM, signing_key
from app.access.scopes import parse
from app.db import DatabaseConnection
from app.hub import Hub
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import parameters
from fhir.store.categories import Category
from fhir.store.tables import CURRENT_TOKEN, index_token, resource
from fhir.store.types import NUMBERS

ACCOUNT_SYSTEM = "http://renkei.example/fhir/NamingSystem/account"
"""Identifiers of Practitioners in the directory that say whose account is whose."""

_PRACTITIONER = (
    select(resource.c.id)
    .select_from(index_token)
    .join(resource, CURRENT_TOKEN)
    .where(
        index_token.c.parameter == parameters("Practitioner")["identifier"].id,
        index_token.c.code_hash == bindparam("code_hash", type_=BigInteger),
        index_token.c.system_hash == hash64(ACCOUNT_SYSTEM),
        resource.c.type == NUMBERS["Practitioner"],
        resource.c.category == int(Category.DIRECTORY),
        resource.c.deleted == 0,
        # Nobody but the person's own site says who its people are.
        resource.c.custodian == bindparam("custodian"),
    )
    .order_by(resource.c.row)
    .limit(1)
)


def subject_of(address: str, account: int) -> str:
    """Return what stands for a person in tokens: the same for ever, and no name."""
    return hashlib.sha256(f"{address}|account|{account}".encode()).hexdigest()[:32]


async def fhir_user(hub: Hub, connection: DatabaseConnection, name: str, organisation: int) -> str:
    """Return the address of the Practitioner of an account in the directory; empty when there is none."""
    values = {"code_hash": hash64(name), "custodian": organisation}
    rows = await connection.fetch(_PRACTITIONER, values)
    return f"{hub.settings.address}/fhir/Practitioner/{rows[0][0]}" if rows else ""


async def id_token(
    hub: Hub, connection: DatabaseConnection, client: Client, grant: Grant, person: Person, *, nonce: str, now: int
) -> str:
    """Return the signed identity token of a grant, as long-lived as an access token."""
    others, seconds = parse(grant.scope).others, now // 1_000_000
    claims = {
        "iss": hub.settings.address,
        "sub": subject_of(hub.settings.address, grant.account),
        "aud": client.id,
        "iat": seconds,
        "auth_time": grant.begun // 1_000_000,
        "exp": seconds + hub.settings.token_seconds,
    }
    if nonce:
        claims["nonce"] = nonce
    if others & {"fhirUser", "profile"}:
        found = await fhir_user(hub, connection, person.name, person.organisation)
        claims |= {"fhirUser": found} if found else {}
    if "profile" in others:
        claims |= {"name": person.title, "preferred_username": person.name}
    key = signing_key(hub.settings)
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}, claims, key, algorithms=[ALGORITHM])
