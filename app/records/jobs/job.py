"""A job: who asked for what, how far it is, and until when it is kept.

Instants are whole microseconds since 1970 UTC.
"""

import secrets
from dataclasses import dataclass

from app.access.caller import Caller
from app.records.request import FhirRequest

WAITING, DONE, FAILED = 0, 1, 2

NEVER = 2**63 - 1
"""When a job ends that lasts while it is at work."""

_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is kept; `request`, `address` and `position` are what its kind makes of them.

    Attributes:
        client: Whose it is; empty for one of the command line, which nobody but the command works on.
        ends: When it is forgotten; `NEVER` until it is done, if it lasts while it is at work.
        scope: The scopes of the token that began it; empty for all that the client has.
    """

    id: str
    client: str
    purpose: str
    request: str
    address: str
    begun: int
    ends: int
    state: int = WAITING
    step: int = 0
    steps: int = 0
    position: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a job is."""

    step: int
    steps: int
    position: str
    state: int = WAITING


def new_id() -> str:
    """Return the id of a new job, which nobody can guess."""
    return secrets.token_hex(16)


def hours_later(instant: int, hours: int) -> int:
    """Return the instant some hours after another."""
    return instant + hours * _HOUR


def scope_of(caller: Caller) -> str:
    """Return the scopes of a caller's token; empty for all that it has."""
    return "" if caller.scopes is None else caller.scopes.text


def asked_by(request: FhirRequest, id_: str, asked: str, address: str, state: int = WAITING) -> Job:
    """Return a job of the client that asks, which is kept as long as an export.

    Args:
        request: Who asks; the job is that client's alone.
        id_: By `new_id`.
        asked: What is to be done, as its kind keeps it.
        address: What was asked, as its caller wrote it.
        state: `DONE` for one on which there is nothing to work.
    """
    caller, ends = request.caller, hours_later(request.now, request.hub.settings.export_hours)
    scope = scope_of(caller)
    return Job(id_, caller.client, caller.purpose, asked, address, request.now, ends, state, scope=scope)
