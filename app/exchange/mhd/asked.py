"""What Find Document Lists (ITI-66) and Find Document References (ITI-67) must say, of callers who ask by them.

A plain search of FHIR asks as it likes at the same address. Who holds a token for the transaction alone asks as the
transaction says: by a patient, a status and, of Lists, what they are.
https://profiles.ihe.net/ITI/MHD/ITI-66.html, https://profiles.ihe.net/ITI/MHD/ITI-67.html
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause

from app.consent.within import Within
from app.identity.scope import patient_keys
from app.records.query import read_query
from app.records.request import FhirRequest
from fhir.errors import NotSupported, Unprocessable
from fhir.issue import Issue
from fhir.search.run import search

_TRANSACTIONS = {"List": "ITI-66", "DocumentReference": "ITI-67"}
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "List": (("patient", "patient.identifier"), ("code",), ("status",)),
    "DocumentReference": (("patient", "patient.identifier"), ("status",)),
}
_IDENTIFIER = "patient.identifier"

MOST_NAMED = 100
"""Patients that one identifier may name."""

NOBODY = "_"
"""What is no resource's id."""

_COMMUNITIES = "targetCommunityIdList"


class Incomplete(Unprocessable):
    """A search lacks what its transaction asks for."""

    status = 400


def _is_asked(request: FhirRequest, type_name: str) -> bool:
    """Return whether a caller may search a type by the scope of the transaction alone."""
    scopes = request.caller.scopes
    if scopes is None or _TRANSACTIONS[type_name] not in scopes.text.split():
        return False
    own = [one for one in scopes.resources if one.type in (type_name, "*") and "s" in one.letters]
    return len(own) == 1


def check_asked(request: FhirRequest, types: Iterable[str], pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse a search by a transaction of MHD that lacks what this asks for.

    Raises:
        Incomplete: it does.
        NotSupported: another community is asked for: the hub is one, and knows no other.
    """
    searched = tuple(types)
    if len(searched) != 1 or searched[0] not in _TRANSACTIONS:
        return
    names = {name.partition(":")[0] for name, _ in pairs}
    if _COMMUNITIES in names:
        raise NotSupported("This hub is one community and asks no other", _COMMUNITIES)
    if "_cursor" in names or not _is_asked(request, searched[0]):
        return
    missing = [one for one in _NEEDED[searched[0]] if names.isdisjoint(one)]
    if missing:
        text = f"{_TRANSACTIONS[searched[0]]} asks for each of these"
        raise Incomplete(text, issues=[Issue("error", "required", one[0], text) for one in missing])


@dataclass(frozen=True, slots=True)
class _MayBeNamed:
    """The Patients that a search may name, though the scopes open none of them."""

    within: Within

    @property
    def shape(self) -> Hashable:
        """What distinguishes its conditions."""
        return "named", self.within.shape

    @property
    def values(self) -> Mapping[str, Any]:
        """The values of its binds."""
        return self.within.values

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition that a Patient may be named."""
        return self.within.names(alias)


async def by_their_ids(
    request: FhirRequest, types: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> Sequence[tuple[str, str]]:
    """Return what is asked, in which patients are named by ids, not by identifiers.

    A chain to a Patient leads nowhere for a token that opens none; this token may name one all the same. For any other
    caller nothing changes.
    """
    seen = request.visibility
    if len(types) != 1 or types[0] not in _TRANSACTIONS or not isinstance(seen, Within):
        return pairs
    if not _is_asked(request, types[0]):
        return pairs
    found: list[tuple[str, str]] = []
    for name, value in pairs:
        if name != _IDENTIFIER:
            found.append((name, value))
            continue
        query = read_query(request.hub, "Patient", [("identifier", value)])
        page = await search(request.record.connection, _MayBeNamed(seen), query, patient_keys, limit=MOST_NAMED)
        ids = ",".join(f"Patient/{one.id}" for one in page.matches)
        found.append(("patient", ids) if ids else ("_id", NOBODY))
    return found
