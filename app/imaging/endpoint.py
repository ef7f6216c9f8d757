"""The Endpoint of a site's images: the DICOMweb service of the hub, to which each of its ImagingStudies leads.

https://hl7.org/fhir/R4/imagingstudy-definitions.html#ImagingStudy.endpoint
"""

from typing import Any

import orjson

from app.access.directory import Organisation
from app.imaging.mado.elements import wado_endpoint
from app.records.own import find_own, token
from app.records.prepare import prepare
from app.records.writing import Writing
from fhir.store.categories import Category

DICOMWEB = "http://renkei.example/fhir/NamingSystem/dicomweb"
"""The system of the identifier by which a site's Endpoint is known; its value is the site's slug."""


async def endpoint_of(writing: Writing, site: Organisation) -> str | None:
    """Return the reference of a site's Endpoint, which is made when it is not there.

    It is None where the caller's role writes nothing of the directory: then the next sender makes it.
    """
    found = await find_own(writing, "Endpoint", ("identifier", token(DICOMWEB, site.slug)))
    if found:
        return f"Endpoint/{found[0].id}"
    authority = writing.request.authority
    if not authority.may_write(Category.DIRECTORY):
        return None
    prepared = prepare(orjson.dumps(_endpoint(site, writing.request.hub.settings.dicomweb_address)), authority)
    made = await writing.create(prepared)
    return f"Endpoint/{made.id}"


def _endpoint(site: Organisation, root: str) -> dict[str, Any]:
    return {
        "resourceType": "Endpoint",
        "identifier": [{"system": DICOMWEB, "value": site.slug}],
        **wado_endpoint(root),
        "name": f"DICOMweb, {site.title}",
        "managingOrganization": {"reference": site.reference},
    }
