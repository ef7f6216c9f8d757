"""Fetching from other servers: only where the hub may, never led anywhere else, bounded in time and size.

An address may come from another server's own description, and names can be made to lead inwards. So where a name leads
is looked at, and what was looked at is what is connected to; nothing is redirected.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import asyncio
import base64
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import orjson

from app.comma import parts
from app.looked_up import addresses_of, in_the_world, leads_to

WAIT_SECONDS = 5.0
"""For the whole of a request."""

MOST_BYTES = 200_000


class NotFetched(Exception):
    """The other server could not be asked, or its answer cannot be used; the text says why, for the log."""


def may_reach(address: str, networks: str) -> bool:
    """Return whether the hub may connect to an address.

    Args:
        address: An IP address.
        networks: Networks beside the world's, parted by commas.
    """
    found = leads_to(address)
    named = [ip_network(one, strict=False) for one in parts(networks)]
    return in_the_world(found) or any(found in one for one in named)


async def _resolved(host: str, port: int, networks: str) -> str:
    """Return an address of a host, each of which may be reached."""
    addresses = await addresses_of(host, port)
    if not addresses:
        raise NotFetched(f"{host} leads nowhere")
    if not all(may_reach(one, networks) for one in addresses):
        raise NotFetched(f"{host} leads to a network that is not allowed")
    return addresses[0]


def basic(name: str, secret: str) -> str:
    """Return the Authorization header of a client and its secret; RFC 6749, section 2.3.1."""
    pair = f"{quote(name, safe='')}:{quote(secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


async def fetch_json(
    address: str,
    *,
    networks: str,
    form: Mapping[str, str] | None = None,
    authorization: str = "",
    statuses: tuple[int, ...] = (200,),
) -> Mapping[str, Any]:
    """Return the JSON object at an address.

    Args:
        address: An https address; http is taken on this machine only.
        networks: Networks beside the world's that may be reached, parted by commas.
        form: What is posted; None asks by GET.
        authorization: The header of that name.
        statuses: The answers that are read.

    Raises:
        NotFetched: it is not to be had.
    """
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await _fetched(address, networks, form, authorization, statuses)
    except TimeoutError as error:
        raise NotFetched(f"{urlsplit(address).netloc} does not answer in time") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NotFetched(f"{urlsplit(address).netloc} cannot be asked: {type(error).__name__}") from error


async def _fetched(
    address: str, networks: str, form: Mapping[str, str] | None, authorization: str, statuses: tuple[int, ...]
) -> Mapping[str, Any]:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost")):
        raise NotFetched(f"{parts.netloc} is not asked by https")
    at = await _resolved(host, parts.port or (443 if parts.scheme == "https" else 80), networks)
    # Connected to the address that was looked at; the name is for the certificate and for the server.
    headers = {"host": parts.netloc.rpartition("@")[2], "accept": "application/json"}
    if authorization:
        headers["authorization"] = authorization
    body = bytearray()
    async with (
        httpx.AsyncClient(timeout=WAIT_SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream(
            "GET" if form is None else "POST",
            httpx.URL(address).copy_with(host=at),
            headers=headers,
            data=form,
            extensions={"sni_hostname": host},
        ) as response,
    ):
        if response.status_code not in statuses:
            raise NotFetched(f"{parts.netloc} answers {response.status_code}")
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise NotFetched(f"{parts.netloc} answers more than {MOST_BYTES} bytes")
    answer = orjson.loads(bytes(body))
    if not isinstance(answer, dict):
        raise NotFetched(f"{parts.netloc} answers no JSON object")
    return answer
