"""Sends the requests of a seed over some connections at once, and judges each answer."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field

from lxml import etree

from tests.canary import found_in
from tests.fuzz.region import Region
from tests.fuzz.requests import made
from tests.fuzz.sent import Sent
from tests.fuzz.wire import Answer, Wire

CONNECTIONS = 8

NO_HTTP = b"Invalid HTTP request received."
"""What the server's parser answers before the hub knows of a request."""

SEES_IDENTITIES = ("secretariat",)
"""Callers who administer every person of the region: what they see of the hidden one is their work."""


@dataclass
class Report:
    """What came of a run.

    Attributes:
        statuses: How many answers had each status.
        doors: How many requests of each method and first part of the path were answered below 400.
        failures: Of each request whose answer is not right: its number, what is wrong, and how to send it again.
        slowest: The longest time in seconds, and the number of its request.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    doors: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)

    def __str__(self) -> str:
        told = ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items()))
        seconds, number = self.slowest
        return f"{told}; the slowest, request {number}, took {seconds:.2f} s"


def wrong(sent: Sent, answer: Answer) -> str:
    """Return what is wrong with an answer, an empty text for nothing."""
    if not answer.status:
        return f"no answer: {answer.head.decode()}"
    if answer.status >= 500:
        return f"status {answer.status}: {answer.body[:300]!r}"
    if sent.caller not in SEES_IDENTITIES and found_in(answer.head + answer.body):
        return "the canary"
    if answer.body == NO_HTTP:
        return ""
    if sent.target.startswith("/fhir/") and answer.status >= 400 and sent.method != "HEAD":
        return _no_outcome(answer)
    return ""


def _no_outcome(answer: Answer) -> str:
    """Return what keeps a refusal from being an OperationOutcome."""
    try:
        if answer.body.startswith(b"<"):
            root = etree.fromstring(answer.body)
            return "" if root.tag == "{http://hl7.org/fhir}OperationOutcome" else f"an answer of {root.tag}"
        tree = json.loads(answer.body)
        if "errors" in tree:
            # GraphQL has a form of its own, which holds the outcome.
            tree = tree["errors"][0]["extensions"]["resource"]
        return "" if tree["resourceType"] == "OperationOutcome" and tree["issue"] else f"an answer of {tree}"
    except (ValueError, KeyError, TypeError, etree.XMLSyntaxError) as error:
        return f"a refusal ({answer.status}) that is no OperationOutcome: {error!r}, {answer.body[:100]!r}"


async def _one(region: Region, wire: Wire, seed: int, number: int, report: Report) -> None:
    sent = made(seed, number)
    octets = sent.octets(region.proofs.get(sent.caller))
    begun = time.perf_counter()
    answer = await wire.ask(octets, head=sent.method == "HEAD")
    report.slowest = max(report.slowest, (time.perf_counter() - begun, number))
    report.statuses[answer.status] += 1
    if answer.status < 400:
        report.doors[f"{sent.method} /{sent.target.split('/')[1].partition('?')[0]}"] += 1
    if fault := wrong(sent, answer):
        report.failures.append(
            f"seed {seed}, request {number}, {sent.caller}: {fault}\n  {sent.repeat(region.hub.address)}"
        )


async def _run(region: Region, seed: int, count: int, most_failures: int) -> Report:
    report, numbers = Report(), iter(range(count))

    async def worker() -> None:
        wire = Wire(region.hub.port)
        for number in numbers:
            await _one(region, wire, seed, number, report)
            if len(report.failures) >= most_failures:
                break
        await wire.close()

    await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
    return report


def run(region: Region, seed: int, count: int, most_failures: int = 20) -> Report:
    """Send requests 0 to `count` of a seed; end early after so many failures."""
    return asyncio.run(_run(region, seed, count, most_failures))
