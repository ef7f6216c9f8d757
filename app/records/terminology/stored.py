"""Code systems, value sets and concept maps that are stored in the hub, as far as the caller may see them.

https://hl7.org/fhir/R4/references.html#canonical
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.identity.scope import patient_keys
from app.records.query import read_query
from fhir.profiles.definitions import MALFORMED, Definition, Definitions
from fhir.resource import parse
from fhir.search.run import search
from fhir.search.values import escape
from fhir.store.stored import Stored
from fhir.terminology.code_system import CodeSystem
from fhir.terminology.concept_map import ConceptMap

if TYPE_CHECKING:
    from app.records.request import Request

MOST_VERSIONS = 20
"""How many resources of one canonical URL are looked at, those that changed last."""

MOST_BYTES = 64_000_000
"""Bytes of the resources whose compiled form stays in memory."""

_FORMS = {"CodeSystem": CodeSystem, "ConceptMap": ConceptMap}


class Compiled:
    """What was read and made of stored versions, which never change: those used last stay.

    Whether one exists for a caller is asked of the database each time; this is asked afterwards.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], tuple[Definition, Any]] = OrderedDict()
        self._bytes = 0

    def of(self, one: Stored) -> tuple[Definition, Any]:
        """Return a version as a definition, and the code system or concept map that it makes: None for neither."""
        key = one.row, one.version
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        kept = self._kept[key] = _read(one)
        self._bytes += len(one.body)
        while self._bytes > MOST_BYTES and len(self._kept) > 1:
            _, (definition, _) = self._kept.popitem(last=False)
            self._bytes -= len(definition.read())
        return kept


def _read(one: Stored) -> tuple[Definition, Any]:
    resource = parse(one.body)
    definition = Definition(
        one.type, str(resource.get("url", "")), str(resource.get("version", "")), one.body.__bytes__
    )
    form = _FORMS.get(one.type)
    try:
        return definition, None if form is None else form(resource)
    except MALFORMED:
        return definition, None


async def named(request: "Request", type_name: str, canonical: str) -> Stored | None:
    """Return the resource of a canonical URL that exists for the caller; None when there is none.

    Without a version the newest one; of equal ones that which changed last.
    """
    url, _, version = canonical.partition("|")
    pairs = [("url", escape(url)), ("_sort", "-_lastUpdated"), ("_total", "none")]
    if version:
        pairs.append(("version", f"|{escape(version)}"))
    query = read_query(request.hub, type_name, pairs)
    record = request.record
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_VERSIONS)
    found = [(one, request.hub.terms.of(one)[0]) for one in page.matches]
    newest = Definitions([definition for _, definition in found]).known(type_name, url)
    return next((one for one, definition in found if newest is not None and definition.version == newest.version), None)


def overlay(compiled: Compiled, found: Sequence[Stored]) -> Definitions:
    """Return definitions of stored resources, and what was made of them before."""
    known = [compiled.of(one) for one in found]
    made = Definitions([definition for definition, _ in known])
    for definition, one in known:
        if one is not None:
            made.kept[definition.type, definition.url, definition.version] = one
    return made
