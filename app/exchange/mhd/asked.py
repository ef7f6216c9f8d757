"""What Find Document Lists (ITI-66) and Find Document References (ITI-67) must say, of callers who ask by them.

A plain search of FHIR asks as it likes at the same address. Who holds a token for the transaction alone asks as the
transaction says: by a patient, a status and, of Lists, what they are.
https://profiles.ihe.net/ITI/MHD/ITI-66.html, https://profiles.ihe.net/ITI/MHD/ITI-67.html
"""

from collections.abc import Iterable

from app.records.request import FhirRequest
from fhir.errors import NotSupported, Unprocessable
from fhir.issue import Issue

_TRANSACTIONS = {"List": "ITI-66", "DocumentReference": "ITI-67"}
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "List": (("patient", "patient.identifier"), ("code",), ("status",)),
    "DocumentReference": (("patient", "patient.identifier"), ("status",)),
}
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
