"""What an auditor asks the log, as the fields of a form or of a saved review say it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import parse_qsl, urlencode

from app.audit.review import Question
from app.portal.dates import to_microseconds

FIELDS = ("patient", "whole", "user", "site", "purpose", "outcome", "source", "from", "to")
LONGEST = 100
"""Characters of a field."""

SAVED = ("patient", "whole", "user", "site", "purpose", "outcome", "source")
"""The fields of a saved review: its time is that since the last sign-off."""

OWN, OTHERS = "", "others"
"""Whose events: the hub's own, or those that connected systems have sent."""

FAILURES = "failures"
FOR_EVER = 2**62


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; an empty text asks nothing."""

    patient: str = ""
    """`Patient/<id>`."""
    whole: bool = False
    """Whether the other Patients of the person are meant as well, those of all sites."""
    user: str = ""
    """The name of an account; of another system's events, whoever took part."""
    site: str = ""
    """The slug of an organisation; of another system's events, whose system it is."""
    purpose: str = ""
    """A code of the purposes of use."""
    failures: bool = False
    """Only what was refused, or failed."""
    others: bool = False
    """The events of connected systems, not the hub's own."""
    begins: int = 0
    """Microseconds since 1970 UTC."""
    ends: int = FOR_EVER
    """Microseconds since 1970 UTC; outside."""
    by_arrival: bool = False
    """Whether the time is that at which the hub had it: the same but for what other systems say of themselves."""

    def question(self, references: Mapping[str, str]) -> Question:
        """Return what the index is asked; a site that is not known asks nothing.

        Args:
            references: By slug, `Organization/<id>`.
        """
        return Question(
            patient=self.patient,
            user=self.user,
            site=references.get(self.site, ""),
            failures=self.failures,
            begins=self.begins,
            ends=self.ends,
        )

    def between(self, begins: int, ends: int) -> "Asked":
        """Return the same question about what came to the hub in another time: whenever it says that it was."""
        return replace(self, begins=begins, ends=ends, by_arrival=True)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def fields_of(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a form that ask something, each at its place; those that are not there are empty."""
    return {name: parameters.get(name, "").strip()[:LONGEST] for name in FIELDS}


def asked_of(fields: Mapping[str, str]) -> Asked:
    """Return the question of the fields; what is no date, and what means nothing, asks nothing."""
    begins, last = _day(fields.get("from", "")), _day(fields.get("to", ""))
    patient = fields.get("patient", "").removeprefix("Patient/")
    ends = FOR_EVER
    if last is not None and last.year < 9_999:
        ends = max(to_microseconds(last + timedelta(days=1)), 0)
    return Asked(
        patient=f"Patient/{patient}" if patient else "",
        whole=bool(patient and fields.get("whole")),
        user=fields.get("user", ""),
        site=fields.get("site", ""),
        purpose=fields.get("purpose", ""),
        failures=fields.get("outcome") == FAILURES,
        others=fields.get("source") == OTHERS,
        begins=max(to_microseconds(begins), 0) if begins else 0,
        ends=ends,
    )


def to_query(fields: Mapping[str, str]) -> str:
    """Return the fields of a saved review as a query string."""
    return urlencode([(name, fields[name]) for name in SAVED if fields.get(name)])


def from_query(query: str) -> dict[str, str]:
    """Return the fields of a query string."""
    return fields_of(dict(parse_qsl(query)))
