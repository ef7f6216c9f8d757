"""ITI-21: Patients found by what is known of them, as a message, a part at a time.

What may be seen is what a search for Patients shows.
https://profiles.ihe.net/ITI/TF/Volume2/ITI-21.html, 3.21.4.2.2
"""

from collections.abc import Sequence
from dataclasses import replace

from app.exchange.domains import recognised, token_of
from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.write import Line, segment
from app.exchange.mllp.acknowledge import MISSING, TYPE, Answer, Problem, refused
from app.exchange.mllp.answering import answered, named_domains, query_of, unknown_domain
from app.exchange.mllp.demographics import asked
from app.exchange.mllp.person import has_numbers, person_line
from app.exchange.mllp.visit import Visit
from app.exchange.pdqm.restricted import restricted
from app.identity.replaced import is_replaced
from app.identity.scope import patient_keys
from app.records.enumeration import asking
from app.records.page_links import links, opened
from app.records.query import read_query
from fhir.errors import Expired, InvalidValue
from fhir.resource import parse
from fhir.search.run import Page, search

KIND = ("RSP", "K22", "RSP_K21")

_TYPES = ("Patient",)
_CURSOR = "_cursor="
_ACTIVE = ("active:not", "false")
"""Patients that were merged are not found: those that stay are."""


async def find_candidates(visit: Visit) -> Answer:
    """Answer the Patients that QPD-3 describes.

    Raises:
        Hl7Error, Refused: the query lacks a part, or asks for what is not known here.
        FhirError: it cannot be answered.
    """
    found = query_of(visit)
    domains, wrong = await _domains(visit, found)
    if wrong:
        return answered(found, KIND, "AE", problems=wrong)
    pairs = asked(visit, found)
    page, after = await _page(visit, [*pairs, *_restriction(domains)])
    shown = [parse(one.body) for one in restricted(page, domains).matches]
    lines: list[Line] = []
    for patient in shown:
        # Who was merged into another is found as that one.
        if has_numbers(patient) and not is_replaced(patient):
            lines.append(person_line(patient, len(lines) + 1))
    if not lines and not after:
        return answered(found, KIND, "NF", counts=(0, 0, 0))
    left = (
        max((page.total or 0) - len(page.matches), 0) if not _is_continued(visit) and page.total is not None else None
    )
    counts = (page.total, len(lines), left) if page.total is not None and left is not None else ()
    more = [segment("DSC", {1: after, 2: "I"})] if after else []
    return answered(found, KIND, "OK", counts=counts, lines=[*lines, *more])


def _restriction(domains: Sequence[str]) -> list[tuple[str, str]]:
    """Return what lets a search find only who has a number of some domains."""
    return [("identifier", ",".join(token_of(one) for one in domains))] if domains else []


async def _domains(visit: Visit, found: Segment) -> tuple[list[str], list[Problem]]:
    """Return the domains whose numbers are wanted, and which of them nobody knows."""
    domains, wrong = named_domains(visit, found, 8)
    for number, one in enumerate(domains, start=1):
        if one and not await recognised(visit.request, one):
            wrong.append(unknown_domain(8, number))
    return domains, sorted(wrong, key=lambda one: one.place)


def _most(visit: Visit) -> int:
    """Return how many Patients are wanted at once.

    Raises:
        Refused: RCP-2 is no quantity of records.
    """
    settings, rcp = visit.request.hub.settings, visit.message.first("RCP")
    stated, unit = (rcp.text(2, 1), rcp.text(2, 2)) if rcp is not None else ("", "")
    if not stated:
        return settings.page_entries
    if not (stated.isascii() and stated.isdigit()) or int(stated[:9]) < 1 or unit not in ("", "RD"):
        raise refused(TYPE, "RCP-2 is a number of records: 50^RD", "RCP", 1, 2)
    return min(int(stated[:9]), settings.page_entries_limit)


def _pointer(visit: Visit) -> str:
    dsc = visit.message.first("DSC")
    return dsc.text(1) if dsc is not None else ""


def _is_continued(visit: Visit) -> bool:
    return bool(_pointer(visit))


async def _page(visit: Visit, pairs: list[tuple[str, str]]) -> tuple[Page, str]:
    """Return what is found, and the pointer to what comes after it; empty where nothing does."""
    request = visit.request
    pointer = [("_cursor", _pointer(visit))] if _is_continued(visit) else []
    try:
        here = opened(request, [*pairs, *pointer], "mllp")
    except (InvalidValue, Expired) as error:
        raise refused(TYPE, error.diagnostics, "DSC", 1, 1) from error
    counted = asking(request, _TYPES, pairs)
    query = read_query(request.hub, "Patient", [*pairs, _ACTIVE])
    record, most = request.record, _most(visit)
    page = await search(record.connection, record.visibility, query, patient_keys, limit=most, place=here.place)
    if counted is not None:
        counted.found(page.matches)
    record.disclosed += page.matches
    told = links(request, pairs, "", "mllp", page, here=here, limit=most)
    following = next((one["url"] for one in told if one["relation"] == "next"), "")
    return replace(page, before=None), following.partition(_CURSOR)[2]


async def cancel(visit: Visit) -> Answer:
    """Answer that a query is not continued: nothing is kept of one but what its pointer holds.

    Raises:
        Hl7Error, Refused: it is not said which.
    """
    if not visit.message.required("QID").text(1):
        raise refused(MISSING, "QID-1, the tag of the query, is missing", "QID", 1, 1)
    return Answer("AA")
