"""Whose documents they are: everything provided together is about one Patient of the site, who is known and active.

Nothing is fetched: a reference leads into the Bundle, to the hub itself, or to an address that the region has named.
https://profiles.ihe.net/ITI/MHD/ITI-65.html#2365413-expected-actions
"""

import re
from collections.abc import Iterator, Mapping

import orjson

from app.exchange.mhd.profiles import AUTHOR_ORGANISATION, extensions
from app.exchange.mhd.recipients import is_active, is_known
from app.exchange.mhd.refusing import refuse_for
from app.exchange.mhd.rules import found_at, subject_of
from app.exchange.mhd.submission import Part, Submission
from app.records.own import read_own
from app.records.writing import Writing
from fhir.issue import Issue
from fhir.links import references

_PATIENT = re.compile(r"Patient/([A-Za-z0-9\-.]{1,64})")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_AUTHORS = ("author", "authenticator", "custodian", "source")

Links = Mapping[str, str]


def addresses(found: Submission, links: Links, own: str, bases: tuple[str, ...]) -> Iterator[Issue]:
    """Yield the references to addresses that are neither the hub's nor named by the region.

    Args:
        found: What is provided.
        links: What the references within the Bundle become.
        own: The address of the hub's resources.
        bases: The addresses that documents may refer to, each with a slash at its end; never to Patients there.
    """
    for part in found.described:
        for link in references(part.entry.resource or b""):
            if link in links or not _ADDRESS.match(link) or link.startswith(f"{own}/"):
                continue
            if not link.startswith(bases) or not bases or "/Patient/" in link:
                text = "A reference leads to this hub or into the Bundle; no other address is looked at"
                yield Issue("error", "value", part.path, text)


def one_subject(found: Submission, links: Links, own: str) -> str | None:
    """Return the reference of the Patient whom all is about; None when nothing says whom.

    Raises:
        Unprocessable: two Patients are named.
    """
    named: dict[str, Part] = {}
    for part in found.described:
        link = subject_of(part)
        if link is not None:
            named.setdefault(links.get(link, link).removeprefix(f"{own}/").partition("/_history/")[0], part)
    if len(named) > 1:
        text = "What is provided together is about one Patient"
        place = f"{list(named.values())[1].path}.subject"
        refuse_for("value", place, text)
    return next(iter(named), None)


async def known_subject(writing: Writing, link: str, part: Part, new: Mapping[str, Mapping[str, object]]) -> int:
    """Return the key of the Patient that a reference means.

    Args:
        writing: The transaction.
        link: The reference.
        part: Where it stands.
        new: The Patients that this transaction writes, by their references.

    Raises:
        Unprocessable: the site has no such Patient, or one that is not active.
    """
    place = f"{part.path}.subject"
    named = _PATIENT.fullmatch(link)
    if named is None:
        text = "The subject is a Patient of this site"
        refuse_for("not-found", place, text)
    key = await writing.patient_key(named[1], place)
    if link in new:
        active = is_active(new[link])
    else:
        kept = await read_own(writing, "Patient", named[1])
        active = kept is None or is_active(orjson.loads(kept.body))
    if not active:
        text = "The Patient is not active: it was merged, or its record is closed"
        refuse_for("business-rule", place, text)
    return key


async def known_parties(writing: Writing, found: Submission, links: Links, subject: str | None) -> list[Issue]:
    """Return the references to authors and sources that lead to nothing, or to what is not active."""
    issues = []
    for part in found.described:
        for place, link in _parties(part):
            meant = links.get(link, link)
            if not link.startswith("#") and meant not in links.values() and not await is_known(writing, meant):
                text = "The directory has no such entry, or it is not active"
                issues.append(Issue("error", "not-found", f"{part.path}.{place}", text))
        for link in found_at(part.tree, "context.sourcePatientInfo.reference"):
            if not link.startswith("#") and links.get(link, link) != subject:
                text = "The source's Patient is the subject, or is contained"
                issues.append(Issue("error", "value", f"{part.path}.context.sourcePatientInfo", text))
    return issues


def _parties(part: Part) -> Iterator[tuple[str, str]]:
    for name in _AUTHORS:
        for link in found_at(part.tree, f"{name}.reference"):
            yield name, str(link)
    for one in extensions(part.tree.get("source", {}), AUTHOR_ORGANISATION):
        link = one.get("valueReference", {}).get("reference")
        if link:
            yield "source.extension", str(link)
