"""An export: patient by patient, each on record before its files are written."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from app.access.directory import Organisation, organisations
from app.backup.events import CLIENT, account
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.export.folder import Folder
from app.exchange.ssmix2.export.patient import Gathered, gather
from app.hub import Hub
from app.records.events import events
from app.records.inside import attempted, inside_request
from app.records.query import read_query
from app.records.request import FhirRequest
from fhir.errors import NotFound

AT_ONCE = 500
"""Patients that are looked up at once."""


@dataclass(slots=True)
class Progress:
    """How far an export is."""

    patients: int = 0
    files: int = 0
    left_out: int = 0
    before: int = 0
    """Patients that an earlier run has done."""


async def export(
    hub: Hub, site: Organisation, source: Source, folder: Folder, tell: Callable[[Progress], bool], *, patient: str = ""
) -> Progress:
    """Write a site's stores, or a patient's, and return what was written.

    Args:
        hub: The running hub.
        site: Whose records.
        source: The same site, as messages need it.
        folder: Where to.
        tell: Is told after each patient; what it returns is whether to go on.
        patient: The id of one Patient; empty for all of the site.

    Raises:
        NotFound: the site has no such Patient.
        AuditUnavailable: an access cannot be recorded; nothing of that patient was written.
    """
    progress = Progress()
    done = folder.done()
    async for id_ in _patients(hub, site, patient):
        if f"Patient/{id_}" in done:
            progress.before += 1
            continue
        gathered = await _gathered(hub, site, source, id_)
        folder.keep(f"Patient/{id_}", gathered.files, gathered.left_out)
        progress.patients += 1
        progress.files += len(gathered.files)
        progress.left_out += len(gathered.left_out)
        if not tell(progress):
            break
    return progress


async def site_of(hub: Hub, patient: str) -> Organisation:
    """Return the site that keeps a Patient.

    Raises:
        NotFound: there is no such Patient.
        Deleted: it was deleted.
    """
    sites = {one.key: one for one in await organisations(hub.database.reader)}
    for site in sites.values():
        with suppress(NotFound):
            found = await (await _request(hub, site)).record.read("Patient", patient)
            return sites[found.custodian]
    raise NotFound(f"Patient/{patient} does not exist")


async def _request(hub: Hub, site: Organisation) -> FhirRequest:
    request = await inside_request(hub, site, "GET", "/fhir/")
    request.interaction, request.action = "export", "R"
    return request


async def _patients(hub: Hub, site: Organisation, patient: str) -> AsyncIterator[str]:
    """Yield the ids of the site's Patients, in the order they came."""
    if patient:
        yield patient
        return
    every, after = read_query(hub, "Patient", []), 0
    while True:
        request = await _request(hub, site)
        keys = await request.record.places(every, after_row=after, limit=AT_ONCE, alone=True)
        for one in await request.record.bodies(keys):
            if one.custodian == site.key and not one.deleted:
                yield one.id
        if len(keys) < AT_ONCE:
            return
        after = keys[-1].row


async def _gathered(hub: Hub, site: Organisation, source: Source, id_: str) -> Gathered:
    """Return a patient's files once it is on record who takes them out."""

    async def attempt() -> Gathered:
        request = await _request(hub, site)
        gathered = await gather(request, source, id_)
        words = "Exported as SS-MIX2"
        found = await events(request, gathered.versions, 200)
        taken = [
            one._replace(client=CLIENT, user_name=account(), description=words, custodian=site.reference)
            for one in found
        ]
        await hub.audit.append(taken)
        return gathered

    return await attempted(attempt)
