"""Searches that could enumerate people, which are counted apart: see `app.access.limits` and docs/limits.md.

A site that looks up its own Patients by their numbers is not counted: what the search finds decides that, and a search
that finds nothing is. So the count tells a caller nothing that the answer does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.records.request import Request
from fhir.store.stored import Stored

PEOPLE = frozenset(("Patient", "Person", "RelatedPerson"))
"""The types whose searches find people by what is known of them."""

_THROUGH = ("patient.", "subject.", "patient:Patient.", "subject:Patient.")
"""How a search of another type asks who its patient is."""

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asking:
    """A search for people that is under way."""

    request: Request
    by_number: bool
    """Whether a number of a named system is asked for."""

    def found(self, matches: Sequence[Stored]) -> None:
        """Count the search, unless a site has found its own by their numbers.

        Raises:
            TooManyRequests: the caller has to wait; the matches must not be shown.
        """
        caller = self.request.caller
        if self.by_number and matches and all(one.custodian == caller.organisation for one in matches):
            return
        self.request.hub.limits.person_search(caller)


def asking(request: Request, types: Sequence[str], pairs: Pairs) -> Asking | None:
    """Return what is to be counted of a search, None when it finds nobody by what is known of them.

    Raises:
        TooManyRequests: the caller has to wait; it is told before the search is done, unless a site may be looking for
            its own.
    """
    names = [name for name, _ in pairs]
    if PEOPLE.isdisjoint(types):
        if not any(name.startswith(_THROUGH) and not name.endswith(".identifier") for name in names):
            return None
    elif "_id" in names:
        # Who knows the id may read it.
        return None
    numbers = [value for name, value in pairs if name == "identifier"]
    by_number = bool(numbers) and all("|" in one.strip("|") for value in numbers for one in value.split(","))
    if not by_number:
        request.hub.limits.person_search(request.caller, counted=False)
    return Asking(request, by_number)
