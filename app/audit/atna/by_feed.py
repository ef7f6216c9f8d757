"""Handing events on as a FHIR feed: a batch of POSTs of AuditEvent.

https://profiles.ihe.net/ITI/TF/Supplements/IHE_ITI_Suppl_RESTful-ATNA.pdf, 3.20.4.2
"""

import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import orjson

WAIT_SECONDS = 30.0
AGAIN = frozenset({401, 403, 404, 408, 425, 429})
"""Refusals of a receiver that is not set up, or is busy: what it refuses so is sent again."""

JSON = "application/fhir+json"


class NotDelivered(OSError):
    """The receiver does not take events now."""


def bundle_of(resources: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the batch that posts AuditEvents; ids are the receiver's to give."""
    entries = [
        {
            "resource": {name: value for name, value in one.items() if name != "id"},
            "request": {"method": "POST", "url": "AuditEvent"},
        }
        for one in resources
    ]
    return orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})


async def deliver(
    address: str, resources: Sequence[Mapping[str, Any]], *, context: ssl.SSLContext, token: str = ""
) -> list[tuple[int, int]]:
    """Send AuditEvents and return those that the receiver will never take: their places, and the status of each.

    Args:
        address: Its base address, without a slash at the end.
        resources: The AuditEvents.
        context: How the hub connects.
        token: A bearer token; empty for none.

    Raises:
        NotDelivered: it takes none now, or cannot be reached.
    """
    headers = {"content-type": JSON, "accept": JSON}
    if token:
        headers["authorization"] = f"Bearer {token}"
    try:
        async with httpx.AsyncClient(
            verify=context, timeout=WAIT_SECONDS, trust_env=False, follow_redirects=False
        ) as client:
            response = await client.post(address, content=bundle_of(resources), headers=headers)
    except httpx.HTTPError as error:
        raise NotDelivered(f"{type(error).__name__}: {error}") from error
    if response.status_code != 200:
        raise NotDelivered(f"the receiver answers {response.status_code}")
    return _refused(response.content, len(resources))


def _refused(body: bytes, count: int) -> list[tuple[int, int]]:
    """Return the entries that were refused for good.

    Raises:
        NotDelivered: the answer does not tell of each entry, or says that one is to be sent again.
    """
    try:
        entries = orjson.loads(body)["entry"]
        statuses = [int(one["response"]["status"][:3]) for one in entries]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise NotDelivered("the answer is no batch-response") from error
    if len(statuses) != count:
        raise NotDelivered("the answer does not tell of each event")
    if any(status >= 500 or status in AGAIN for status in statuses):
        raise NotDelivered("the receiver does not take each event now")
    return [(number, status) for number, status in enumerate(statuses) if status >= 400]
