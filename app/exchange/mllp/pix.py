"""ITI-9: the other identifiers of the person who has one, as a message. What may be seen is what `$ihe-pix` shows.

https://profiles.ihe.net/ITI/TF/Volume2/ITI-9.html, 3.9.4.2.2.6
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.exchange.domains import recognised
from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.write import Line, segment
from app.exchange.mllp.acknowledge import INTERNAL, MISSING, UNKNOWN_KEY, Answer, Problem, refused
from app.exchange.mllp.answering import answered, named_domains, query_of, unknown_domain, value_of
from app.exchange.mllp.authority import system_of, written_authority
from app.exchange.mllp.visit import Visit
from app.exchange.pixm.ihe_pix import UnknownSource, UnknownTarget, cross_references
from fhir.errors import MultipleMatches, NotFound
from fhir.spec.identifier_systems import forms

KIND = ("RSP", "K23", "RSP_K23")

PSEUDO_NAME = ("", "", "", "", "", "", "S")
"""PID-5 of an answer that tells no name: an empty repetition, and one of the type S."""


async def corresponding_ids(visit: Visit) -> Answer:
    """Answer which identifiers the person has who has that of QPD-3.

    Raises:
        Hl7Error, Refused: the query lacks a part.
        FhirError: it cannot be answered.
    """
    found = query_of(visit)
    stated = found.repetitions(3)
    if not stated or not value_of(stated[0]):
        raise refused(MISSING, "QPD-3, the identifier that is asked by, is missing", "QPD", 1, 3)
    system, value = system_of(stated[0], 4, visit.source), value_of(stated[0])
    targets, wrong = named_domains(visit, found, 4)
    if not system:
        return _unknown(found, [unknown_domain(3, 1, 4)])
    try:
        _, others = await cross_references(visit.request, system, value, [one for one in targets if one])
    except UnknownSource:
        return _unknown(found, [unknown_domain(3, 1, 4)])
    except NotFound:
        return _unknown(found, [Problem(UNKNOWN_KEY, "Nobody has this identifier", ("QPD", 1, 3, 1, 1))])
    except MultipleMatches as error:
        return _unknown(found, [Problem(INTERNAL, error.diagnostics, ("QPD", 1, 3, 1, 1))])
    except UnknownTarget:
        wrong = await _unknown_targets(visit, targets)
    if wrong:
        visit.request.record.disclosed.clear()
        return _unknown(found, wrong)
    asked = (forms(system)[0], value)
    left = _grouped(one for _, one in others if one is not None and (forms(one["system"])[0], one["value"]) != asked)
    if not left:
        return answered(found, KIND, "NF")
    return answered(found, KIND, "OK", lines=[_person(left)])


async def _unknown_targets(visit: Visit, targets: Sequence[str]) -> list[Problem]:
    return [
        unknown_domain(4, number)
        for number, one in enumerate(targets, start=1)
        if not one or not await recognised(visit.request, one)
    ]


def _unknown(found: Segment, problems: Sequence[Problem]) -> Answer:
    return answered(found, KIND, "AE", problems=problems)


def _grouped(identifiers: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return systems and values, each once, those of one domain beside each other."""
    by_system: dict[str, dict[str, None]] = {}
    for one in identifiers:
        by_system.setdefault(forms(one["system"])[0], {})[one["value"]] = None
    return [(system, value) for system, values in by_system.items() for value in values]


def _person(identifiers: Sequence[tuple[str, str]]) -> Line:
    numbers = [(value, "", "", written_authority(system), "PI") for system, value in identifiers]
    return segment("PID", {3: [*numbers], 5: ["", PSEUDO_NAME]})
