"""Adding organisations, systems and people, each change recorded in the audit log."""

import json
import re
import secrets
from pathlib import Path

import orjson
from joserfc.jwk import ECKey

from app.access import directory
from app.access.caller import ROLES
from app.access.oauth import grants
from app.access.passwords import hash_password
from app.access.person_tables import FOR_EVER
from app.access.staff import change_account
from app.audit.record import Event
from app.clock import DAY
from app.db import WriteConnection
from app.exchange.domains import add_domain, remove_domain
from app.hub import Hub
from app.records.inside import write_as
from app.settings import Settings

_SLUG = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")
_NUMBER = re.compile(r"[0-4][0-9][1-3][0-9]{7}|")
INSTITUTION_SYSTEM = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no"
_KINDS = {
    "hospital": ("prov", "Healthcare Provider"),
    "clinic": ("prov", "Healthcare Provider"),
    "pharmacy": ("prov", "Healthcare Provider"),
    "secretariat": ("govt", "Government"),
    "audit": ("govt", "Government"),
}


OPERATOR = "renkei"
"""Who confirmed the rights that the operator gave at the command line."""

ONE_TIME_DAYS = 14
"""How long a password that somebody else made can be used for a first sign-in."""

_SYSTEM = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s|]{1,500}")


class Invalid(ValueError):
    """A name, number or role is not of the form it must have; `field` names what of a form is wrong."""

    def __init__(self, text: str, field: str = "form") -> None:
        super().__init__(text)
        self.field = field


async def _recorded(hub: Hub, what: str, organisation: str | None) -> None:
    event = Event(
        recorded=hub.clock(),
        action="C",
        interaction="admin",
        client="renkei",
        organisation=organisation,
        description=what,
    )
    await hub.audit.append([event])


def organization(slug: str, title: str, kind: str, number: str) -> dict[str, object]:
    """Return the Organization of a site in the directory."""
    code, display = _KINDS[kind]
    system = "http://terminology.hl7.org/CodeSystem/organization-type"
    resource: dict[str, object] = {
        "resourceType": "Organization",
        "id": slug,
        "active": True,
        "type": [{"coding": [{"system": system, "code": code, "display": display}]}],
        "name": title,
    }
    if number:
        resource["identifier"] = [{"system": INSTITUTION_SYSTEM, "value": number}]
    return resource


async def enrol_organisation(hub: Hub, *, slug: str, title: str, kind: str, number: str) -> None:
    """Add a site or an office, and its Organization to the directory.

    Raises:
        Invalid: the slug or the number is not of its form.
        AlreadyThere: the slug is taken.
    """
    if not _SLUG.fullmatch(slug):
        raise Invalid(f"{slug!r} is no slug: small letters, digits and hyphens, 3 to 32 of them", "slug")
    if not _NUMBER.fullmatch(number):
        raise Invalid(f"{number!r} is not the ten digits of a medical institution", "number")
    async with hub.database.write() as connection:
        await directory.add_organisation(connection, slug=slug, title=title, kind=kind, number=number, resource_id=slug)
    added = await directory.find_organisation(hub.database.reader, slug)
    await write_as(hub, added, orjson.dumps(organization(slug, title, kind, number)))
    await _recorded(hub, f"organisation {slug} added", added.reference)


def client_key_path(settings: Settings, id: str) -> Path:
    """Return where the private key of a local client lies."""
    return settings.keys_folder / "clients" / f"{id}.json"


def make_client_key(settings: Settings, id: str) -> str:
    """Make a key for a client of this machine and return its public JWK set."""
    key = ECKey.generate_key("P-384", parameters={"kid": secrets.token_hex(8), "use": "sig", "alg": "ES384"})
    path = client_key_path(settings, id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(key.as_dict(private=True)))
    return json.dumps({"keys": [key.as_dict(private=False)]})


async def enrol_client(
    hub: Hub,
    *,
    id: str,
    title: str,
    organisation: str,
    role: str,
    jwks: str | None,
    registered: directory.Registered = directory.Registered(),  # noqa: B008 - frozen
) -> None:
    """Add a system, or what `registered` says; without `jwks` a key is made on this machine.

    Raises:
        Invalid: the role or the key set is not of its form.
        Unknown: there is no such organisation.
        AlreadyThere: the id is taken.
    """
    if role not in ROLES:
        raise Invalid(f"{role!r} is no role: {', '.join(ROLES)}")
    found = await directory.find_organisation(hub.database.reader, organisation)
    keys = make_client_key(hub.settings, id) if jwks is None else jwks
    if not isinstance(json.loads(keys).get("keys"), list):
        raise Invalid("A JWK set has an array `keys`")
    async with hub.database.write() as connection:
        await directory.add_client(
            connection, id=id, title=title, organisation_key=found.key, role=role, jwks=keys, registered=registered
        )
    await _recorded(hub, f"client {id} added", found.reference)


async def enrol_account(
    hub: Hub,
    *,
    name: str,
    title: str,
    organisation: str,
    role: str,
    password: str,
    must_change: bool = True,
    head: bool = False,
    listed: bool = True,
) -> None:
    """Add a person at once, as the operator does when a region begins; `rights` is the usual way.

    Args:
        hub: The running hub.
        name: What the person signs in with.
        title: The person's name.
        organisation: The slug of the site.
        role: A role of a person.
        password: The first one.
        must_change: Whether the first sign-in changes it; it then lapses after `ONE_TIME_DAYS`.
        head: Whether the person heads the site.
        listed: Whether the person is put into the directory, in the same transaction.

    Raises:
        Invalid: the role is none.
        Unknown: there is no such organisation.
        AlreadyThere: the name is taken.
    """
    if role not in ROLES or role == "system":
        raise Invalid(f"{role!r} is no role of a person")
    found = await directory.find_organisation(hub.database.reader, organisation)
    hashed, now = await hash_password(password), hub.clock()

    async def add(connection: WriteConnection) -> int:
        return await directory.add_account(
            connection,
            name=name,
            title=title,
            organisation_key=found.key,
            role=role,
            password=hashed,
            must_change=must_change,
            head=head,
            confirmed=now,
            confirmed_by=OPERATOR,
            password_ends=now + ONE_TIME_DAYS * DAY if must_change else FOR_EVER,
        )

    if listed:
        await change_account(hub, found, add)
    else:
        async with hub.database.write() as connection:
            await add(connection)
    as_head = ", head of the site" if head else ""
    await _recorded(hub, f"account {name} added: {role}{as_head}", found.reference)


async def enrol_domain(hub: Hub, *, organisation: str, system: str, remove: bool = False) -> None:
    """Note, or with `remove` forget, that an organisation alone gives identifiers of a system.

    Raises:
        Invalid: the system is no URI.
        Unknown: there is no such organisation, or nothing to forget.
    """
    if not _SYSTEM.fullmatch(system):
        raise Invalid(f"{system!r} is no system of identifiers: urn:oid:… or an address", "system")
    found = await directory.find_organisation(hub.database.reader, organisation)
    async with hub.database.write() as connection:
        if not remove:
            await add_domain(connection, system, found.key)
        elif not await remove_domain(connection, system):
            raise directory.Unknown(f"{system} was entered for nobody")
    await _recorded(hub, f"domain {system} {'removed from' if remove else 'given to'} {organisation}", found.reference)


async def disable_client(hub: Hub, id: str) -> None:
    """Disable a client: its tokens, and what people allowed it, end at their next request.

    Raises:
        Unknown: there is no such client.
    """
    async with hub.database.write() as connection:
        if not await grants.disable_client(connection, id):
            raise directory.Unknown(f"No client is called {id}")
    await _recorded(hub, f"client {id} disabled", None)
