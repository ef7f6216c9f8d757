"""The header of a CDA document: facts in the order they are shown, and the person it says it is of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.portal.attachments.markup import V3, words
from app.portal.attachments.subject import Told
from app.portal.dates import in_japan

_TIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?(?:(\d{2})(\d{2})(\d{2})?(?:\.\d+)?)?([+-]\d{4})?")
_GENDERS = {"M": "male", "F": "female", "UN": "other", "male": "male", "female": "female"}
MOST_OF_A_KIND = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the header."""

    name: str
    """The word under which the pages have its text."""
    text: str


def time(text: str) -> str:
    """Return an HL7 time as people read it: `2012-01-03 11:20`; what is no such time as it is."""
    found = _TIME.fullmatch(text)
    if found is None:
        return text
    year, month, day, hour, minute, second, zone = found.groups()
    date = "-".join(filter(None, (year, month, day)))
    if not (day and hour):
        return date
    exact = f"{date}T{hour}:{minute}:{second or '00'}" + (f"{zone[:3]}:{zone[3:]}" if zone else "")
    return " ".join(filter(None, in_japan(exact)))


def _value(element: Any) -> str:
    """Return a time or an interval of times."""
    if element is None:
        return ""
    if element.get("value"):
        return time(element.get("value"))
    ends = [element.find(f"{V3}{name}") for name in ("low", "high")]
    texts = [time(one.get("value", "")) if one is not None else "" for one in ends]
    return " – ".join(texts) if any(texts) else ""


def _name(element: Any) -> str:
    """Return a name: family before given, as in Japan, whatever their order is; else its words."""
    family = " ".join(filter(None, (words(one) for one in element.iterfind(f"{V3}family"))))
    given = " ".join(filter(None, (words(one) for one in element.iterfind(f"{V3}given"))))
    return f"{family} {given}".strip() or words(element)


def _names(parent: Any, path: str) -> list[str]:
    found = parent.iterfind("/".join(f"{V3}{step}" for step in path.split("/"))) if parent is not None else ()
    return list(dict.fromkeys(filter(None, (_name(one) for one in found))))[:MOST_OF_A_KIND]


def _ids(parent: Any) -> list[tuple[str, str]]:
    found = [(one.get("root", ""), one.get("extension", "")) for one in parent.iterfind(f"{V3}id")]
    return [one for one in found if one[1]][:MOST_OF_A_KIND]


def _find(root: Any, path: str) -> Any:
    return root.find("/".join(f"{V3}{step}" for step in path.split("/")))


def person_of(root: Any) -> Told:
    """Return whom a document says it is of."""
    role = _find(root, "recordTarget/patientRole")
    if role is None:
        return Told()
    person = role.find(f"{V3}patient")
    birth = None if person is None else person.find(f"{V3}birthTime")
    gender = None if person is None else person.find(f"{V3}administrativeGenderCode")
    born = time((birth.get("value") or "")[:8]) if birth is not None else ""
    return Told(
        names=tuple(_names(person, "name")),
        birth_date=born if len(born) == 10 else "",
        gender=_GENDERS.get(gender.get("code", ""), "") if gender is not None else "",
        numbers=tuple((f"urn:oid:{root_}", number) for root_, number in _ids(role)),
    )


def _people(root: Any, kind: str, role: str, person: str, organisation: str) -> Iterator[str]:
    for one in root.iterfind(f"{V3}{kind}"):
        who = "・".join(_names(one, f"{role}/{person}/name"))
        where = "・".join(_names(one, f"{role}/{organisation}/name"))
        when = _value(one.find(f"{V3}time"))
        yield " ".join(filter(None, (who, f"({where})" if who and where else where, when)))


def facts(root: Any) -> list[Fact]:
    """Return the lines of the header that have anything to say."""
    person = person_of(root)
    organisations = [
        "・".join(_names(root, "recordTarget/patientRole/providerOrganization/name")),
        "・".join(_names(root, "custodian/assignedCustodian/representedCustodianOrganization/name")),
    ]
    version = _find(root, "versionNumber")
    kind = _find(root, "code")
    lines: list[tuple[str, str]] = [
        ("kind", kind.get("displayName", "") if kind is not None else ""),
        ("date", _value(_find(root, "effectiveTime"))),
        ("patient", "・".join(person.names)),
        ("birth", person.birth_date),
        ("gender", person.gender),
        ("number", "・".join(number for _, number in person.numbers)),
        ("provider", organisations[0]),
    ]
    author = ("assignedAuthor", "assignedPerson", "representedOrganization")
    signer = ("assignedEntity", "assignedPerson", "representedOrganization")
    recipient = ("intendedRecipient", "informationRecipient", "receivedOrganization")
    lines += [("author", one) for one in _people(root, "author", *author)][:MOST_OF_A_KIND]
    lines += [("custodian", organisations[1])]
    lines += [("recipient", one) for one in _people(root, "informationRecipient", *recipient)][:MOST_OF_A_KIND]
    lines += [("signed", one) for one in _people(root, "legalAuthenticator", *signer)]
    lines += [
        ("event", _value(_find(root, "documentationOf/serviceEvent/effectiveTime"))),
        ("stay", _value(_find(root, "componentOf/encompassingEncounter/effectiveTime"))),
        ("version", version.get("value", "") if version is not None else ""),
    ]
    return [Fact(name, text) for name, text in lines if text]
