"""The domains that a demographics query is restricted to: which of a Patient's identifiers are answered (ITI-78).

`identifier=urn:oid:1.2.3|,urn:oid:4.5.6|` finds Patients with an identifier of these systems and shows no others.
https://profiles.ihe.net/ITI/PDQm/ITI-78.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import orjson

from app.exchange.domains import recognised
from app.records.request import Request
from fhir.errors import NotFound
from fhir.exact import read, write
from fhir.issue import Issue, outcome
from fhir.search.run import Page
from fhir.spec.identifier_systems import forms
from fhir.store.stored import Stored
from fhir.subset import marked

MOST_DOMAINS = 50
"""Domains of which the hub says that they are unknown; those behind are only looked for."""


def domains_of(types: Sequence[str], pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the systems that a search of Patients is restricted to; empty when it is not."""
    if tuple(types) != ("Patient",):
        return ()
    found: list[str] = []
    for name, text in pairs:
        values = text.split(",")
        if name == "identifier" and all(len(one) > 1 and one.endswith("|") and one.count("|") == 1 for one in values):
            found += [one[:-1] for one in values]
    return tuple(dict.fromkeys(found))


def restricted(page: Page, domains: Sequence[str]) -> Page:
    """Return a page whose Patients show only identifiers of some domains."""
    if not domains:
        return page
    kept = frozenset(form for one in domains for form in forms(one))
    return replace(page, matches=[_only(one, kept) for one in page.matches])


def _only(patient: Stored, systems: frozenset[str]) -> Stored:
    tree = read(patient.body)
    stated = tree.get("identifier", [])
    left = [one for one in stated if one.get("system") in systems]
    if len(left) == len(stated):
        return patient
    tree["identifier"] = left
    if not left:
        del tree["identifier"]
    return patient._replace(body=write(marked(tree)))


async def about_unknown(request: Request, page: Page, domains: Sequence[str]) -> bytes | None:
    """Return the entry that warns of domains that are not known, or None.

    Raises:
        NotFound: there are some, and the hub is set to say so by 404.
    """
    met = {
        form
        for one in page.matches
        for stated in read(one.body).get("identifier", ())
        for form in forms(str(stated.get("system", "")))
    }
    unknown = [one for one in domains[:MOST_DOMAINS] if one not in met and not await recognised(request, one)]
    if not unknown:
        return None
    if request.hub.settings.unknown_domain == "not-found":
        request.record.disclosed.clear()
        raise NotFound("targetSystem not found", "identifier")
    issues = [Issue("warning", "not-found", "identifier", f"targetSystem not found: {one[:200]}") for one in unknown]
    return orjson.dumps({"resource": outcome(issues), "search": {"mode": "outcome"}})
