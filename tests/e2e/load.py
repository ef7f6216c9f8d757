"""A mixed load of many clients: each follows its own seeded plan until the hub is gone or the time is up.

Every request is noted in the ledger before it is sent, every answer before it is used.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.ledger import Deed, Disclosure, Ledger

Headers = Mapping[str, str]


class Gone(Exception):
    """The hub did not answer: it was killed, or it cannot write now."""


@dataclass
class Client:
    """One system of a site, with the patients and observations that it alone changes."""

    name: str
    site: str
    http: httpx.AsyncClient
    tokens: Mapping[str, Headers]
    ledger: Ledger
    random: random.Random
    patients: list[str] = field(default_factory=list)
    observations: dict[str, str] = field(default_factory=dict)
    """`Observation/id` → `Patient/id`."""
    consents: dict[str, tuple[str, str]] = field(default_factory=dict)
    """`Patient/id` → `Consent/id` and its status."""
    count: int = 0

    def marker(self) -> str:
        """Return a text that nothing else in the hub holds."""
        self.count += 1
        return f"{self.name}-{self.count}"

    def deed(self, *births: tuple[str, str], changes: Sequence[tuple[str, str | None]] = ()) -> Deed:
        return self.ledger.begin(Deed(f"w-{self.marker()}", self.site, list(births), list(changes)))

    async def ask(
        self, method: str, url: str, *, json: Any = None, content: bytes | None = None, site: str = "", **headers: str
    ) -> httpx.Response:
        """Send a request to an address below `/fhir`, or to one that begins with a slash, and return its answer.

        Raises:
            Gone: there is none, or the hub says that it cannot answer now.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            answer = await self.http.request(
                method,
                url if url.startswith("/") else f"/fhir/{url}",
                headers={**self.tokens[site or self.site], **named},
                json=json,
                content=content,
            )
        except httpx.TransportError as error:
            raise Gone from error
        if answer.status_code == 503:
            raise Gone
        return answer

    def expected(self, answer: httpx.Response, *statuses: int) -> bool:
        """Return whether an answer has one of these statuses; another one is noted as a surprise."""
        if answer.status_code in statuses:
            return True
        request = answer.request
        self.ledger.surprises.append(f"{request.method} {request.url}: {answer.status_code} {answer.text[:300]}")
        return False

    async def look(self, url: str, *, site: str = "", named: bool = True) -> httpx.Response:
        """Read, and note what was disclosed."""
        request_id = f"r-{self.marker()}"
        answer = await self.ask("GET", url, site=site, x_request_id=request_id)
        if answer.status_code == 200:
            version = f"{url}/_history/{answer.headers['etag'][3:-1]}" if named else ""
            self.ledger.reads.append(Disclosure(request_id, version))
        return answer


Operation = Callable[[Client], Awaitable[None]]


async def follow(client: Client, plan: Sequence[tuple[int, Operation]], *, patience: int) -> None:
    """Carry out operations at random until the hub is gone for the `patience`th time."""
    weights, operations = zip(*plan, strict=True)
    while True:
        (operation,) = client.random.choices(operations, weights)
        try:
            await operation(client)
        except Gone:
            patience -= 1
            if not patience:
                return
            # What was in flight is in doubt; this client goes on with what is certain.
            doubtful = {name for name, kept in client.ledger.kept.items() if kept.doubts}
            client.observations = {name: of for name, of in client.observations.items() if name not in doubtful}
            client.consents = {of: known for of, known in client.consents.items() if known[0] not in doubtful}
            await asyncio.sleep(0.05)


async def load(
    address: str,
    clients: Sequence[tuple[str, str]],
    plan: Sequence[tuple[int, Operation]],
    tokens: Mapping[str, Headers],
    ledger: Ledger,
    *,
    patience: int = 1,
) -> None:
    """Run clients, given by name and site, until each has met the hub's end `patience` times; cancel it to stop."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits) as http, asyncio.TaskGroup() as group:
        for name, site in clients:
            # A seed of text is hashed alike in every process.
            client = Client(name, site, http, tokens, ledger, random.Random(name))
            group.create_task(follow(client, plan, patience=patience))
