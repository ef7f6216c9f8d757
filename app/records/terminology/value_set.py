"""The value set that an operation is about: the one of the address, one in the body, or one known by its URL."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from app.records.request import FhirRequest
from app.records.terminology.asked import RESOURCE, TEXT, Asked
from app.records.terminology.known import terminology, unknown
from fhir.errors import InvalidValue
from fhir.resource import parse
from fhir.terminology.members import Members
from fhir.terminology.references import Name
from fhir.terminology.sources import Terminology, Versions
from fhir.terminology.value_set import compiled, value_set

KINDS: Mapping[str, str] = {"url": TEXT, "valueSet": RESOURCE, "valueSetVersion": TEXT}
"""The parameters that name it."""


class Meant(NamedTuple):
    """A value set and what is known beside it."""

    resource: Mapping[str, Any]
    members: Members
    terminology: Terminology

    @property
    def title(self) -> str:
        """How messages call it."""
        return str(self.resource.get("url") or self.resource.get("title") or "the value set")


async def meant(request: FhirRequest, asked: Asked, versions: Versions | None = None) -> Meant:
    """Return the value set that is meant.

    Raises:
        InvalidValue: none is named, or several are.
        NotFound: it does not exist for the caller.
    """
    url, inline = asked.text("url"), asked.resource("valueSet", "ValueSet")
    ways = [name for name, there in (("url", url), ("valueSet", inline), ("id", request.id)) if there]
    if len(ways) != 1:
        raise InvalidValue("One value set is named: by the address, by url, or in valueSet", "url")
    if request.id:
        inline = parse((await request.record.read("ValueSet", request.id)).body)
    if inline is not None:
        known = await terminology(request, (), [inline], versions)
        return Meant(inline, await asyncio.to_thread(compiled, known, inline), known)
    version = asked.text("valueSetVersion")
    canonical = f"{url}|{version}" if version and "|" not in url else url
    known = await terminology(request, [Name("ValueSet", canonical)], (), versions)
    there = known.known("ValueSet", canonical) is not None
    resource = known.read("ValueSet", canonical) if there else await asyncio.to_thread(known.implied, canonical)
    if resource is None:
        raise unknown("value set", canonical, "url")
    return Meant(resource, await asyncio.to_thread(value_set, known, canonical), known)
