"""A summary, made of what was gathered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from app.clock import instant
from app.languages import Language
from app.records.request import FhirRequest
from app.records.summary.gather import Gathered, gather
from fhir.documents.facts import Held
from fhir.documents.summary import Made, Summary, summary
from fhir.documents.translating import LoadedTerms
from fhir.profiles.definitions import Definitions
from fhir.store.connection import Visibility
from fhir.store.stored import Stored
from fhir.terminology.sources import of_packages

HUB = "hub"
"""The id of the Organization that signs for what the hub makes."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A summary, its own number, and the resources that it draws from."""

    summary: Summary
    id: str
    stored: Sequence[Stored]


async def make(
    request: FhirRequest, patient: Stored, language: Language, visibility: Visibility | None = None
) -> Drawn:
    """Return a person's summary of what the caller may see.

    Args:
        request: On whose behalf.
        patient: One of the person's Patients.
        language: Of titles and words.
        visibility: What is to be seen, when that is less than the caller sees.
    """
    gathered = await gather(request, patient, visibility)
    settings = request.hub.settings
    packages = await request.hub.packages.current()
    author = Held({"resourceType": "Organization", "id": HUB, "name": settings.region})
    id_ = _number(request, gathered, language)
    address = f"{settings.fhir_address}/"

    def work() -> Summary:
        terms = _terms(packages, language)
        how = Made(id=id_, now=instant(request.now), author=author, language=language, terms=terms, address=address)
        return summary(gathered.patient, gathered.chosen, gathered.support, how)

    # Tens of milliseconds for a long record: other requests go on.
    made = await asyncio.to_thread(work)
    return Drawn(made, id_, [one for link, one in gathered.stored.items() if link in made.used])


def _terms(packages: Definitions, language: Language) -> LoadedTerms:
    return LoadedTerms(of_packages(packages), packages, language)


def _number(request: FhirRequest, gathered: Gathered, language: Language) -> str:
    """Return the id of a summary: another one for another content, and the same for the same at the same instant."""
    versions = [f"{link}/_history/{one.version} {one.labels}" for link, one in gathered.stored.items()]
    named = [request.hub.settings.fhir_address, gathered.patient.link, instant(request.now), language, *versions]
    return str(uuid5(NAMESPACE_URL, "\n".join(named)))
