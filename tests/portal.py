"""A person at a browser: accounts, signing in, pages and forms."""

import re
from dataclasses import dataclass
from typing import Any

import httpx

from app.access import directory
from app.access.passwords import hash_password
from app.access.tables import session
from app.access.tokens import digest
from tests.world import ADDRESS, World

PASSWORD = "Sapporo-2026-snow"
SAME_SITE = {"sec-fetch-site": "same-origin"}


async def an_account(
    world: World,
    site: str,
    role: str,
    *,
    name: str = "",
    password: str = PASSWORD,
    must_change: bool = False,
    head: bool = False,
) -> str:
    """Add a person and return the account's name."""
    name = name or f"{role}-{site}"
    hashed = await hash_password(password)
    async with world.hub.database.write() as connection:
        organisation = await directory.find_organisation(connection, site)
        await directory.add_account(
            connection,
            name=name,
            title=f"{role} of {site}",
            organisation_key=organisation.key,
            role=role,
            password=hashed,
            must_change=must_change,
            head=head,
            confirmed=world.hub.clock(),
        )
    return name


async def a_session(world: World, site: str, role: str) -> str:
    """Return the session cookie's value of a new person, who has an hour."""
    secret, now = f"secret-of-{role}-{site}", world.hub.clock()
    async with world.hub.database.write() as connection:
        organisation = await directory.find_organisation(connection, site)
        key = await directory.add_account(
            connection,
            name=f"person-{role}-{site}",
            title=role,
            organisation_key=organisation.key,
            role=role,
            password="-",
            must_change=False,
        )
        await connection.insert(session, [(digest(secret), key, "TREAT", now, now, now + 3_600_000_000)])
    return secret


def shown_once_more(answer: httpx.Response) -> str:
    """Return the seal of a page that shows a form once more before it counts; empty when it is none."""
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', answer.text)
    return found[1] if found else ""


@dataclass
class Browser:
    """A browser with its own cookies."""

    http: httpx.AsyncClient

    async def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Send the sign-in form."""
        form = {"name": name, "password": password, **fields}
        return await self.http.post("/sign-in", data=form, headers=SAME_SITE)

    async def get(self, address: str, **options: Any) -> httpx.Response:
        """Ask for a page; redirections are not followed."""
        return await self.http.get(address, **options)

    async def token(self) -> str:
        """Return the token that the forms of this session carry."""
        page = await self.get("/password")
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
        assert found is not None, page.text
        return found[1]

    async def post(self, address: str, form: dict[str, Any], *, confirm: bool = True, **headers: str) -> httpx.Response:
        """Send a form with the session's token; one that is shown once more before it counts, once more."""
        sent = {"csrf": await self.token(), **form}
        answer = await self.http.post(address, data=sent, headers=SAME_SITE | headers)
        seal = shown_once_more(answer) if confirm else ""
        return (
            await self.http.post(address, data=sent | {"shown": seal}, headers=SAME_SITE | headers) if seal else answer
        )


def a_browser(world: World) -> Browser:
    """Return a browser in which nobody is signed in."""
    transport = httpx.ASGITransport(world.app)
    return Browser(httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers={"accept-language": "ja"}))


async def signed_in(world: World, site: str, role: str = "doctor") -> Browser:
    """Return a browser in which a new person of a site has signed in."""
    browser = a_browser(world)
    answer = await browser.sign_in(await an_account(world, site, role))
    assert answer.status_code == 303, answer.text
    return browser


async def recorded(world: World) -> list[Any]:
    """Return every audit event so far, the oldest first, as an auditor would read them."""
    from app.audit.review import Question, Reviewer

    await world.hub.leader.integrate_all()
    reviewer = Reviewer(world.hub.audit.keys)
    answer = await reviewer.ask(world.hub.database.reader, Question(), now=world.hub.clock(), limit=1_000)
    return [entry.event for entry in reversed(answer.entries)]
