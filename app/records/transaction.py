"""transaction: all entries or none. https://hl7.org/fhir/R4/http.html#transaction."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from app.clock import instant
from app.records.commit import committed
from app.records.prepare import Prepared, prepare
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.row_ids import new_id
from app.records.update import check_version, if_match
from app.records.writing import Writing
from fhir.belonging import POINTERS
from fhir.envelope import Envelope, EnvelopeEntry
from fhir.errors import FhirError, InvalidValue, NotSupported, Unprocessable
from fhir.resolve import resolve_internal
from fhir.store.stored import Stored

THREAD_ENTRIES = 50
"""From so many entries on, bodies are checked in a thread, so that other requests go on."""

_INSTANCE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2}
"""The order in which entries are carried out."""


@dataclass(slots=True)
class _Step:
    """One entry on its way."""

    number: int
    method: str
    type: str
    id: str
    row: int
    prepared: Prepared | None
    if_match: int | None

    @property
    def path(self) -> str:
        return f"Bundle.entry[{self.number}].resource"


def _step(request: FhirRequest, number: int, entry: EnvelopeEntry) -> _Step:
    path = f"Bundle.entry[{number}]"
    asked = entry.request
    if asked is None:
        raise InvalidValue("An entry of a transaction has a request", f"{path}.request")
    if asked.method not in _ORDER:
        raise NotSupported(f"{asked.method} inside a transaction is not supported", f"{path}.request.method")
    if asked.if_none_exist is not None:
        raise NotSupported("A conditional create is not supported", f"{path}.request.ifNoneExist")
    if asked.method == "POST":
        type_name, (row, id_) = asked.url.strip("/"), new_id(request.hub)
    else:
        match = _INSTANCE.fullmatch(asked.url)
        if match is None:
            raise NotSupported(f"The url is not Type/id: {asked.url[:100]}", f"{path}.request.url")
        (type_name, id_), row = match.groups(), 0
    known_type(type_name)
    prepared = None
    if asked.method != "DELETE":
        if entry.resource is None:
            raise InvalidValue("A write has a resource", f"{path}.resource")
        own_id = id_ if asked.method == "PUT" else ""
        prepared = prepare(
            entry.resource,
            request.authority,
            # `read_bundle` has read it strictly; only the tree is made again.
            resource=orjson.loads(entry.resource),
            type_name=type_name,
            id_=own_id,
            path=f"{path}.resource",
            strict=request.hub.settings.profiles_strict,
        )
    return _Step(number, asked.method, type_name, id_, row, prepared, if_match(asked.if_match))


def _name_entry(error: FhirError, number: int) -> None:
    """Let a failure say which entry it is about."""
    stated = error.expression or ""
    if stated == "If-Match":
        error.expression = f"Bundle.entry[{number}].request.ifMatch"
    elif not stated.startswith("Bundle."):
        error.expression = f"Bundle.entry[{number}].resource{'.' if stated else ''}{stated}"


def _steps(request: FhirRequest, envelope: Envelope) -> list[_Step]:
    """Return the entries as steps, each checked; an error names its entry."""
    steps = []
    for number, entry in enumerate(envelope.entries):
        try:
            steps.append(_step(request, number, entry))
        except FhirError as error:
            _name_entry(error, number)
            raise
    written = [(step.type, step.id) for step in steps]
    if len(set(written)) < len(written):
        raise InvalidValue("Two entries write the same resource", "Bundle.entry")
    return steps


def _turn(step: _Step) -> tuple[bool, bool, bool, int]:
    """Return the place of an entry: Patients before those that refer to them, what points to others at the end."""
    return step.method != "DELETE", step.type in POINTERS, step.type != "Patient", _ORDER[step.method]


async def _carry_out_one(writing: Writing, step: _Step, links: Mapping[str, str]) -> Stored | None:
    await check_version(writing, step.type, step.id, step.if_match)
    if step.prepared is None:
        return await writing.delete(step.type, step.id)
    if step.method == "POST":
        return await writing.create(step.prepared, row=step.row, id_=step.id, references=links, path=step.path)
    return await writing.update(step.prepared, step.id, references=links, path=step.path)


async def _carry_out(writing: Writing, steps: list[_Step], links: Sequence[Mapping[str, str]]) -> list[Stored | None]:
    done: list[Stored | None] = [None] * len(steps)
    for step in steps:
        if step.type == "Patient" and step.method == "POST":
            writing.announce_patient(step.id, step.row)
    for step in sorted(steps, key=_turn):
        try:
            done[step.number] = await _carry_out_one(writing, step, links[step.number])
        except FhirError as error:
            _name_entry(error, step.number)
            raise
    return done


def _answer(request: FhirRequest, stored: Stored | None) -> dict[str, object]:
    if stored is None:
        return {"response": {"status": "204"}}
    address = f"{request.hub.settings.address}/fhir/{stored.type}/{stored.id}"
    status = "204" if stored.deleted else "201" if stored.version == 1 else "200"
    return {
        "response": {
            "status": status,
            "location": f"{address}/_history/{stored.version}",
            "etag": f'W/"{stored.version}"',
            "lastModified": instant(stored.last_updated),
        }
    }


async def transaction(request: FhirRequest, envelope: Envelope) -> Response:
    """Carry out all entries of a transaction, or none of them.

    Raises:
        FhirError: an entry is refused; the expression names it, nothing was written.
    """
    request.interaction = "transaction"
    if len(envelope.entries) < THREAD_ENTRIES:
        steps = _steps(request, envelope)
    else:
        steps = await asyncio.to_thread(_steps, request, envelope)
    assigned = [None if step.method == "DELETE" else f"{step.type}/{step.id}" for step in steps]
    resolved = resolve_internal(envelope.entries, assigned)
    if resolved.issues:
        raise Unprocessable("A reference means no entry", issues=resolved.issues)

    async def work(writing: Writing) -> list[Stored | None]:
        return await _carry_out(writing, steps, resolved.links)

    done = await committed(request, work) if steps else []
    answer: dict[str, object] = {"resourceType": "Bundle", "type": "transaction-response"}
    if done:
        answer["entry"] = [_answer(request, one) for one in done]
    return fhir_response(orjson.dumps(answer))
