"""A line on its way: read, checked, and what it refers to, before any transaction.

A line that cannot be written becomes faults, never a failure of the import.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.consent.decide import Authority
from app.packages.loaded import Profiles
from app.records.bulk_import.job import Fault
from app.records.bulk_import.source import RawLine
from app.records.prepare import Prepared, check_whole, prepare
from fhir.belonging import POINTERS
from fhir.errors import FhirError, InvalidValue, Unprocessable
from fhir.issue import Issue
from fhir.links import references
from fhir.resource import parse
from fhir.store.types import NUMBERS

MOST_ISSUES = 5
"""Issues of one line that are kept."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LINK = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_ATTACHED = re.compile(rb'("url"[ \t\r\n]*:[ \t\r\n]*")((?:Binary|Bundle)/[A-Za-z0-9\-.]{1,64})(")')

IDS, PATIENTS, OTHERS, POINTING = range(4)
"""The passes over all files: ids are given; Patients are written, then the rest, then what points at others."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that may be written.

    Attributes:
        number: Its place in the file.
        link: `Type/id` as its source knows it.
        prepared: What is written.
        links: What it refers to, by its source's ids.
    """

    number: int
    link: str
    prepared: Prepared
    links: frozenset[str]

    @property
    def id(self) -> str:
        """The id that its source gave it."""
        return self.link.partition("/")[2]


def turn_of(type_name: str) -> int:
    """Return the pass in which resources of a type are written."""
    if type_name == "Patient":
        return PATIENTS
    return POINTING if type_name in POINTERS else OTHERS


def faults(error: FhirError, file: int, line: int) -> list[Fault]:
    """Return why a line is not written."""
    issues: list[Issue] = []
    if isinstance(error, Unprocessable):
        issues = [one for one in error.issues if isinstance(one, Issue) and one.severity in ("error", "fatal")]
    if not issues:
        return [Fault(file, line, error.code, error.expression or "", error.diagnostics)]
    return [Fault(file, line, one.code, one.expression, one.diagnostics) for one in issues[:MOST_ISSUES]]


def named(raw: RawLine, type_name: str, most_bytes: int) -> tuple[dict[str, Any], str]:
    """Return the resource of a line, and its `Type/id`.

    Raises:
        FhirError: it is none, has no id, is of another type than its file, or larger than a resource may be.
    """
    if raw.body is None or len(raw.body) > most_bytes:
        raise InvalidValue(f"The line is larger than {most_bytes} bytes")
    resource = parse(raw.body)
    found, id_ = resource.get("resourceType"), resource.get("id")
    if not isinstance(found, str) or found not in NUMBERS:
        raise InvalidValue("The line is no resource that is stored", "resourceType")
    if type_name and found != type_name:
        raise InvalidValue(f"The file is of {type_name}", "resourceType")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        raise InvalidValue("A resource that is imported has an id", f"{found}.id")
    return resource, f"{found}/{id_}"


def ready(raw: RawLine, resource: dict[str, Any], link: str, authority: Authority, profiles: Profiles) -> Line:
    """Return a line that has the structure of R4 and is the site's to write.

    Raises:
        FhirError: it is not.
    """
    body = raw.body or b""
    prepared = prepare(body, authority, resource=resource, profiles=profiles)
    check_whole(prepared)
    return Line(raw.number, link, prepared, links_of(body))


def links_of(body: bytes) -> frozenset[str]:
    """Return the links `Type/id` of a resource: its references, and the addresses of its attachments."""
    attached = [found[2].decode() for found in _ATTACHED.finditer(body)]
    return frozenset((*(one for one in references(body) if _LINK.fullmatch(one)), *attached))


def attached_anew(prepared: Prepared, links: Mapping[str, str]) -> Prepared:
    """Return what is written with the addresses of its attachments rewritten; the line stays what was received."""
    body = _ATTACHED.sub(lambda at: at[1] + links.get(at[2].decode(), at[2].decode()).encode() + at[3], prepared.body)
    if body == prepared.body:
        return prepared
    return replace(prepared, body=body, tree=orjson.loads(body), received=prepared.received or prepared.body)


def distinct(lines: Sequence[Line]) -> list[list[Line]]:
    """Return lines in batches of which none writes a resource twice."""
    batches: list[list[Line]] = []
    seen: set[str] = set()
    for one in lines:
        if not batches or one.link in seen:
            batches.append([])
            seen = set()
        batches[-1].append(one)
        seen.add(one.link)
    return batches
