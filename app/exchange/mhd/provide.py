"""Provide Document Bundle (ITI-65): documents with their metadata, all of them or none.

https://profiles.ihe.net/ITI/MHD/ITI-65.html
"""

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote

import orjson

from app.exchange.mhd import contents, rules
from app.exchange.mhd.filed import prepare_bundles
from app.exchange.mhd.profiles import Level, unique_id
from app.exchange.mhd.providing import Providing
from app.exchange.mhd.refusing import refuse
from app.exchange.mhd.submission import Submission, read_submission
from app.packages.loaded import Profiles
from app.records.checked import checked
from app.records.commit import committed
from app.records.prepare import check_profiles
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.scoped import check_creation
from app.records.steps import steps
from fhir.envelope import Envelope
from fhir.search.values import escape


def _addressed(envelope: Envelope, found: Submission) -> Envelope:
    """Return a Bundle in which Folders that are put without an address are put where their identifier is."""
    entries = list(envelope.entries)
    for part in found.folders:
        asked, identifier = part.entry.request, unique_id(part.tree)
        if asked is not None and asked.method == "PUT" and asked.url.strip("/") == "List" and identifier is not None:
            value = f"{escape(str(identifier.get('system', '')))}|{escape(str(identifier['value']))}"
            address = f"List?identifier={quote(value)}"
            entries[part.number] = part.entry._replace(request=asked._replace(url=address))
    return replace(envelope, entries=tuple(entries))


def _as_tree(envelope: Envelope) -> dict[str, Any]:
    """Return a Bundle whole, to be checked by the profile that it names."""
    entries = []
    for entry in envelope.entries:
        made: dict[str, Any] = {"fullUrl": entry.full_url} if entry.full_url else {}
        if entry.resource is not None:
            made["resource"] = orjson.loads(entry.resource)
        if entry.request is not None:
            made["request"] = {"method": entry.request.method, "url": entry.request.url}
        entries.append(made)
    return {**envelope.head, "entry": entries}


def read_provided(request: FhirRequest, envelope: Envelope, level: Level, profiles: Profiles) -> Providing:
    """Return a submission that was read and checked, as far as that is without asking the database.

    Raises:
        FhirError: it is refused.
    """
    settings, found = request.hub.settings, read_submission(envelope, level)
    envelope = _addressed(envelope, found)
    all_steps = steps(request, envelope, profiles)
    warned = [one for one in check_profiles(_as_tree(envelope), "", profiles) if one.code != "not-found"]
    refuse([*rules.check(found), *contents.check(found, settings.fhir_address, settings.mhd_bases)])
    bundles = prepare_bundles(request, [all_steps[part.number] for part in found.fhir_documents])
    providing = Providing(request, envelope, found, all_steps, bundles)
    providing.warnings = {found.sets[0].number: warned}
    return providing


async def carried_out(request: FhirRequest, providing: Providing) -> None:
    """Carry a submission out.

    Raises:
        FhirError: something is refused; nothing was written.
    """
    reads = providing.reads.read if request.settle is None else None
    await committed(request, providing.work, providing.tell, before_commit=reads, parts=providing.parts)


async def provide(request: FhirRequest, envelope: Envelope, level: Level) -> Response:
    """Take documents with their metadata, all of them or none.

    Raises:
        FhirError: something is refused; the expression names it, nothing was written.
    """
    request.interaction = "provide"
    check_creation(request, ("List", "DocumentReference"))
    profiles = await request.hub.profiles(*(entry.resource or b"" for entry in envelope.entries))
    size = sum(len(entry.resource or b"") for entry in envelope.entries)
    providing = await checked(request.hub, partial(read_provided, request, envelope, level, profiles), size)
    await carried_out(request, providing)
    return Response(200) if request.settle is not None else fhir_response(providing.answer())
