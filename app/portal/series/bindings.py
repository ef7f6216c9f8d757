"""What codes of laboratories are bound to: by their own Observations, their own ConceptMaps, and loaded packages.

A ConceptMap of a site binds that site's rows only, so a wrong one moves nothing of others. Of LOINC only packages
speak, which the operator has loaded. https://hl7.org/fhir/R4/conceptmap.html
"""

import asyncio
from collections.abc import Iterable, Sequence

from app.identity.scope import patient_keys
from app.portal.gate import Visit
from app.portal.items import Item
from app.portal.series.codes import LOINC, Bindings, Local, coded, codings, is_shared, learned
from app.records.query import read_query
from fhir.profiles.definitions import Definitions
from fhir.resource import parse
from fhir.search.run import search
from fhir.search.values import escape
from fhir.spec.jlac10 import SYSTEMS, Jlac10, read
from fhir.terminology.concept_map import ConceptMap
from fhir.terminology.sources import made

MOST_CODES = 200
"""Codes that stored maps are looked for, of one page."""

MOST_MAPS = 50
EQUAL = ("equal", "equivalent")


def translated(one: ConceptMap, system: str, code: str) -> set[Jlac10]:
    """Return the JLAC10 codes that a map says are the same as a code."""
    found = (match for match in one.translate(system, code) if match.equivalence in EQUAL)
    return {jlac10 for match in found if (jlac10 := read(match.system, match.code)) is not None}


def _agreed(found: Iterable[Jlac10]) -> Jlac10 | None:
    """Return what is found when all that is found is one series."""
    all_ = sorted(found)
    return all_[0] if all_ and len({one.series for one in all_}) == 1 else None


def _of_packages(definitions: Definitions, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Jlac10]:
    maps = [made(definitions, one, ConceptMap) for one in definitions.of_type("ConceptMap")]
    leading = [one for one in maps if one is not None and any(group.target in SYSTEMS for group in one.groups)]
    found = {}
    for system, code in wanted:
        agreed = _agreed(jlac10 for one in leading for jlac10 in translated(one, system, code))
        if agreed is not None:
            found[system, code] = agreed
    return found


async def _of_sites(visit: Visit, wanted: Sequence[Local]) -> dict[Local, Jlac10]:
    codes = list(dict.fromkeys(code for _, _, code in wanted))[:MOST_CODES]
    pairs = [("source-code", ",".join(map(escape, codes))), ("status", "active"), ("_total", "none")]
    query = read_query(visit.hub, "ConceptMap", pairs)
    record = visit.fhir.record
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_MAPS)
    record.disclosed += page.matches
    candidates: dict[Local, set[Jlac10]] = {}
    for stored in page.matches:
        one = visit.hub.terms.of(stored)[1]
        if one is None or parse(stored.body).get("status") != "active":
            continue
        for local in wanted:
            if local[0] == stored.custodian:
                candidates.setdefault(local, set()).update(translated(one, *local[1:]))
    agreed = {local: _agreed(found) for local, found in candidates.items()}
    return {local: jlac10 for local, jlac10 in agreed.items() if jlac10 is not None}


async def read_bindings(visit: Visit, items: Sequence[Item]) -> Bindings:
    """Return what the codes of results are bound to, as far as it exists for the caller."""
    own = learned(items)
    results = [one for one in items if one.type == "Observation" and coded(one) is None]
    waiting = list(
        dict.fromkeys(
            (one.custodian, system, code)
            for one in results
            for system, code in codings(one)
            if (one.custodian, system, code) not in own and system not in SYSTEMS
        )
    )
    if not waiting:
        return Bindings(own)
    mine = [one for one in waiting if one[1] != LOINC]
    of_sites = await _of_sites(visit, mine) if mine else {}
    shared = list(dict.fromkeys(one[1:] for one in waiting if is_shared(one[1]) and one not in of_sites))
    definitions = await visit.hub.packages.current()
    of_packages = await asyncio.to_thread(_of_packages, definitions, shared) if shared else {}
    return Bindings(own | of_sites, of_packages)
