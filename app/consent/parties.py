"""Whom a Consent names: sites of the directory, people by their accounts, Practitioners and their roles.

A Practitioner stands for a person who signs in where the Practitioner has the name of the account as an identifier and
is kept by the account's own organisation: nobody else says who somebody is.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import BigInteger, SmallInteger, Text, bindparam, select

from app.access.tables import account, organisation
from app.consent.scope import Find, Party
from app.consent.tables import ANY
from app.db import DatabaseConnection
from fhir.resource import parse
from fhir.search.hashing import hash64
from fhir.search.reference import target
from fhir.store.in_order import by_hash, in_order
from fhir.store.tables import CURRENT_VERSION, resource, resource_id, resource_version
from fhir.store.types import NUMBERS

ACCOUNT_SYSTEM = "http://renkei.example/fhir/NamingSystem/account"
"""Identifiers of people in references and of Practitioners: the names of their accounts."""

_ORGANISATIONS = select(organisation.c.resource_id, organisation.c.number, organisation.c.slug, organisation.c.key)
_ACCOUNT = select(account.c.key, account.c.organisation).where(account.c.name == bindparam("name", type_=Text))
_NAMED = (
    select(resource_version.c.body, resource.c.custodian)
    .select_from(in_order(by_hash(resource), resource_version, CURRENT_VERSION))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.id == bindparam("id", type_=Text),
        resource.c.deleted == 0,
    )
)


def _references(provision: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield whom a provision and those inside it name."""
    for name in ("actor", "data"):
        for one in provision.get(name, ()):
            yield one.get("reference", {})
    for inner in provision.get("provision", ()):
        yield from _references(inner)


class _Directory:
    """Whom the references of a few Consents mean."""

    def __init__(self, connection: DatabaseConnection, base_url: str) -> None:
        self._connection = connection
        self._base_url = base_url
        self._sites: dict[str, int] = {}
        self._people: dict[str, Party] = {}

    def link(self, text: str) -> str:
        return target(text, self._base_url)

    async def read_sites(self) -> None:
        for resource_id_, number, slug, key in await self._connection.fetch(_ORGANISATIONS, {}):
            self._sites |= {f"Organization/{resource_id_}": key, slug: key}
            if number:
                self._sites[number] = key

    async def _named(self, link: str) -> tuple[dict[str, Any], int] | None:
        type_name, _, id_ = link.partition("/")
        values = {"hash": hash64(link), "type": NUMBERS[type_name], "id": id_}
        rows = await self._connection.fetch(_NAMED, values)
        return (parse(bytes(rows[0][0])), int(rows[0][1])) if rows else None

    async def _account(self, name: str, custodian: int | None = None) -> Party | None:
        rows = await self._connection.fetch(_ACCOUNT, {"name": name})
        found = [Party(ANY, key) for key, site in rows if custodian in (None, site)]
        return found[0] if found else None

    async def _practitioner(self, link: str) -> Party | None:
        found = await self._named(link)
        if found is None:
            return None
        body, custodian = found
        for identifier in body.get("identifier", ()):
            if identifier.get("system") == ACCOUNT_SYSTEM:
                return await self._account(identifier.get("value", ""), custodian)
        return None

    async def _role(self, link: str) -> Party | None:
        found = await self._named(link)
        if found is None:
            return None
        person = self.link(found[0].get("practitioner", {}).get("reference", ""))
        site = self._sites.get(self.link(found[0].get("organization", {}).get("reference", "")))
        party = await self._practitioner(person) if person.startswith("Practitioner/") else None
        return None if party is None or site is None else Party(site, party.person)

    async def learn(self, reference: Mapping[str, Any]) -> None:
        """Find whom a reference means, if it means a person."""
        identifier, link = reference.get("identifier", {}), self.link(reference.get("reference", ""))
        party, key = None, link
        if identifier.get("system") == ACCOUNT_SYSTEM:
            key = identifier.get("value", "")
            party = await self._account(key)
            key = f"{ACCOUNT_SYSTEM}|{key}"
        elif link.startswith("Practitioner/"):
            party = await self._practitioner(link)
        elif link.startswith("PractitionerRole/"):
            party = await self._role(link)
        if party is not None:
            self._people[key] = party

    def find(self, reference: Mapping[str, Any]) -> Party | None:
        identifier = reference.get("identifier", {})
        if identifier.get("system") == ACCOUNT_SYSTEM:
            return self._people.get(f"{ACCOUNT_SYSTEM}|{identifier.get('value', '')}")
        link = self.link(reference.get("reference", ""))
        site = self._sites.get(
            link if link.startswith("Organization/") else identifier.get("value", "") if not link else ""
        )
        return Party(site) if site is not None else self._people.get(link)


async def parties(connection: DatabaseConnection, consents: Iterable[Mapping[str, Any]], base_url: str) -> Find:
    """Return a function that finds whom the references of `consents` mean.

    Args:
        connection: Inside the write transaction.
        consents: The Consents.
        base_url: The server's own address, which references may begin with.
    """
    directory = _Directory(connection, base_url)
    await directory.read_sites()
    for consent in consents:
        for reference in _references(consent.get("provision", {})):
            await directory.learn(reference)
    return directory.find
