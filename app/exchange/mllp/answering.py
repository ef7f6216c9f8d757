"""What answers to queries have in common: QAK, the query as it came, and domains that nobody knows.

HL7 v2.5, 5.3; https://profiles.ihe.net/ITI/TF/Volume2/ITI-9.html, https://profiles.ihe.net/ITI/TF/Volume2/ITI-21.html
"""

from collections.abc import Sequence
from urllib.parse import urlencode

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.hl7v2.write import Field, Line, segment
from app.exchange.mllp.acknowledge import MISSING, UNKNOWN_KEY, Answer, Problem, echoed, refused
from app.exchange.mllp.authority import system_of
from app.exchange.mllp.visit import Visit

MOST_DOMAINS = 50
"""Domains that one query may name."""

LONGEST_QUERY = 4_000
"""Characters of a query in the audit log."""


def query_of(visit: Visit) -> Segment:
    """Return the query of a message, noted for the audit log.

    Raises:
        Hl7Error: there is none.
        Refused: it has no tag, by which its answer is known.
    """
    found = visit.message.required("QPD")
    stated = [(f"QPD-{number}", found.raw(number)) for number in range(1, len(found.fields)) if found.raw(number)]
    visit.request.query_string = urlencode(stated).encode()[:LONGEST_QUERY]
    visit.request.type = "Patient"
    if not found.text(2):
        raise refused(MISSING, "QPD-2, the tag of the query, is missing", "QPD", 1, 2)
    return found


def named_domains(visit: Visit, found: Segment, field: int) -> tuple[list[str], list[Problem]]:
    """Return the systems of a field's repetitions, and what is wrong with those that can be none.

    Raises:
        Refused: there are too many.
    """
    stated = found.repetitions(field)
    if len(stated) > MOST_DOMAINS:
        raise refused(MISSING, f"At most {MOST_DOMAINS} domains are asked for at once", "QPD", 1, field)
    systems, wrong = [], []
    for number, one in enumerate(stated, start=1):
        system = system_of(one, 4, visit.source)
        systems.append(system)
        if not system:
            wrong.append(unknown_domain(field, number))
    return systems, wrong


def unknown_domain(field: int, repetition: int, *component: int) -> Problem:
    """Return that a domain is not known."""
    return Problem(UNKNOWN_KEY, "The assigning authority is not known here", ("QPD", 1, field, repetition, *component))


def answered(
    found: Segment,
    kind: tuple[str, str, str],
    status: str,
    *,
    problems: Sequence[Problem] = (),
    counts: Sequence[int] = (),
    lines: Sequence[Line] = (),
) -> Answer:
    """Return the answer to a query.

    Args:
        found: QPD.
        kind: MSH-9 of the answer.
        status: OK, NF or AE (table 0208).
        problems: What is wrong with the query.
        counts: How many there are in all, how many are answered, how many are left.
        lines: What was found.
    """
    qak: dict[int, Field] = {1: found.text(2), 2: status, 3: echoed(found, 1)}
    qak |= {number: str(count) for number, count in enumerate(counts, start=4)}
    again: dict[int, Field] = {number: echoed(found, number) for number in range(1, len(found.fields))}
    head = [segment("QAK", qak), segment("QPD", again)]
    return Answer("AE" if status == "AE" else "AA", tuple(problems), kind, [*head, *lines])


def value_of(found: Repetition) -> str:
    """Return the identifier of a CX, without spaces around it."""
    return found.text(1).strip()
