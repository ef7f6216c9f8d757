"""The check of signatures when a document comes, before anything is written.

https://hl7.org/fhir/R4/signatures.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir.errors import Unprocessable
from fhir.issue import Issue
from fhir.signatures.carried import is_signed, own_verdicts
from fhir.signatures.chain import Trust
from fhir.signatures.verdict import State, Verdict

MOST_BYTES_AT_ONCE = 2_000_000
"""Of larger bodies signatures are looked at once they are stored, unless the hub is strict."""

_PLACES = {"Bundle": "signature", "Binary": "data", "DocumentReference": "content.attachment.data"}
_CODES = {State.INVALID: "value", State.UNTRUSTED: "security", State.UNCHECKED: "not-supported"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """By what signatures are checked when they come."""

    trust: Callable[[], Trust]
    """Returns whom the hub trusts; it is asked when there is a signature."""
    strict: bool
    """Whether a document is refused whose signature is not valid."""
    now: datetime


Found = tuple[tuple[Verdict, ...] | None, tuple[Issue, ...]]
"""The verdicts, None when they are looked for once the resource is stored; and the warnings about them."""


def check_arrival(
    resource: Mapping[str, Any], body: bytes, received: bytes | None, path: str, arrival: Arrival | None
) -> Found:
    """Return what the signatures of a resource are.

    Args:
        resource: The tree of `body`, whose structure was checked.
        body: Its JSON.
        received: The XML that it came as, if it did.
        path: Where it lies in a Bundle.
        arrival: By what they are checked; without it they are looked at later.

    Raises:
        Unprocessable: one of them is not valid, and the hub is strict.
    """
    if not is_signed(resource):
        return (), ()
    place = _PLACES.get(resource["resourceType"])
    # What a Provenance signs may be written beside it, or may be there already.
    if arrival is None or place is None or (len(body) > MOST_BYTES_AT_ONCE and not arrival.strict):
        return None, ()
    verdicts = tuple(own_verdicts(resource, body, received, arrival.trust(), arrival.now))
    at = f"{path or resource['resourceType']}.{place}"
    issues = tuple(_issue(one, at, arrival) for one in verdicts if one.state is not State.VALID)
    if arrival.strict and issues:
        raise Unprocessable("A signature is not valid", issues=list(issues))
    return verdicts, issues


def _issue(verdict: Verdict, at: str, arrival: Arrival) -> Issue:
    severity = "error" if arrival.strict else "warning"
    return Issue(severity, _CODES[verdict.state], at, f"Signature {verdict.state}: {verdict.detail}")  # type: ignore[arg-type]
