"""The entries of a transaction as steps: what each asks for, read and checked before anything is written.

https://hl7.org/fhir/R4/http.html#transaction
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from app.packages.loaded import Profiles
from app.records.conditional import condition
from app.records.patch import patch_of_entry, read_patch
from app.records.prepare import Prepared, check_whole, prepare
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.row_ids import new_id
from app.records.update import if_match
from fhir.envelope import Envelope, EnvelopeEntry
from fhir.envelope import Request as Asked
from fhir.errors import FhirError, InvalidValue, NotSupported
from fhir.patch.exact import Patch
from fhir.search.query import Query
from fhir.store.write import POST, PUT

_INSTANCE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
READS = frozenset(("GET", "HEAD"))
WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))


TREES_BYTES = 2_000_000
"""Of resources whose trees are held at once; those of the entries behind are made again when it is their turn."""


@dataclass(slots=True)
class Step:
    """One entry on its way.

    Attributes:
        number: Its place in the Bundle.
        method: Its HTTP method.
        type: The resource type; empty for a read.
        id: The id it writes, or that of the resource its condition means; empty while that is not known.
        row: The row number of a new resource.
        prepared: What is written.
        patch: What makes the next version of the current one.
        if_match: The version that must be the current one.
        query: The condition, if it has one.
        where: The same as it was sent, of what the address names.
        found: Whether the condition means a resource that is there already, so that a create writes nothing.
    """

    number: int
    method: str
    type: str = ""
    id: str = ""
    row: int = 0
    prepared: Prepared | None = None
    patch: Patch | None = None
    if_match: int | None = None
    query: Query | None = None
    where: str = ""
    found: bool = False

    @property
    def path(self) -> str:
        """Where the resource is."""
        return f"Bundle.entry[{self.number}].resource"

    @property
    def creates_by(self) -> int:
        """What history says of a resource that it creates."""
        return PUT if self.method == "PUT" else POST

    @property
    def reference(self) -> str | None:
        """The reference to what it writes; None when it writes nothing that can be referred to."""
        return f"{self.type}/{self.id}" if self.id and self.method in ("POST", "PUT") else None


def name_entry(error: FhirError, number: int) -> None:
    """Let a failure say which entry it is about."""
    stated = error.expression or ""
    if stated == "If-Match":
        error.expression = f"Bundle.entry[{number}].request.ifMatch"
    elif not stated.startswith("Bundle."):
        error.expression = f"Bundle.entry[{number}].resource{'.' if stated else ''}{stated}"


def _target(request: FhirRequest, step: Step, asked: Asked) -> None:
    """Set what a step writes: a type and an id, or a type and a condition."""
    path = f"Bundle.entry[{step.number}].request"
    address, mark, query = asked.url.strip("/").partition("?")
    if step.method == "POST":
        step.type, (step.row, step.id) = known_type(address), new_id(request.hub)
        if asked.if_none_exist is not None:
            step.query = condition(request, step.type, asked.if_none_exist, f"{path}.ifNoneExist")
    elif mark:
        step.type = known_type(address)
        step.query, step.where = condition(request, step.type, query, f"{path}.url"), query
    elif match := _INSTANCE.fullmatch(address):
        step.type, step.id = known_type(match[1]), match[2]
    else:
        raise NotSupported(f"The url is not Type/id or Type?query: {asked.url[:100]}", f"{path}.url")


def _tree(entry: EnvelopeEntry, path: str) -> tuple[bytes, dict[str, Any]]:
    if entry.resource is None:
        raise InvalidValue("A write has a resource", f"{path}.resource")
    # `read_bundle` has read it strictly; only the tree is made again.
    return entry.resource, orjson.loads(entry.resource)


def _step(request: FhirRequest, number: int, entry: EnvelopeEntry, profiles: Profiles) -> Step:
    path = f"Bundle.entry[{number}]"
    asked = entry.request
    if asked is None:
        raise InvalidValue("An entry of a transaction has a request", f"{path}.request")
    step = Step(number, asked.method, if_match=if_match(asked.if_match))
    if asked.method in READS:
        return step
    if asked.method not in WRITES:
        raise NotSupported(f"{asked.method} inside a transaction is not supported", f"{path}.request.method")
    _target(request, step, asked)
    if asked.method == "DELETE":
        return step
    body, tree = _tree(entry, path)
    if asked.method == "PATCH":
        step.patch = read_patch(*patch_of_entry(body))
        return step
    step.prepared = prepare(
        body,
        request.authority,
        resource=tree,
        type_name=step.type,
        id_=step.id if asked.method == "PUT" else "",
        path=step.path,
        profiles=profiles,
        received=entry.source,
    )
    if asked.method == "PUT":
        check_whole(step.prepared, step.path)
    return step


def steps(request: FhirRequest, envelope: Envelope, profiles: Profiles) -> list[Step]:
    """Return the entries of a transaction as steps; `profiles` is by what they are checked beside base R4.

    Raises:
        FhirError: one is refused; the expression names it.
    """
    found: list[Step] = []
    size = 0
    for number, entry in enumerate(envelope.entries):
        try:
            step = _step(request, number, entry, profiles)
        except FhirError as error:
            name_entry(error, number)
            raise
        size += len(entry.resource or b"")
        if step.prepared is not None and size > TREES_BYTES:
            step.prepared = step.prepared.without_tree()
        found.append(step)
    check_distinct(found)
    return found


def check_distinct(all_steps: list[Step]) -> None:
    """Refuse a transaction in which two entries write the same resource.

    Raises:
        InvalidValue: two do.
    """
    written = [(one.type, one.id) for one in all_steps if one.method in WRITES and one.id and not one.found]
    if len(set(written)) < len(written):
        raise InvalidValue("Two entries write the same resource", "Bundle.entry")
