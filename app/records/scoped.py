"""What a token's scopes refuse: an interaction as a whole where they name nothing of its type, and a write afterwards.

What may be read is decided in the statements themselves (`app.consent.within`). What was written is looked at once
more in the transaction that wrote it: its index rows are there by then, so that a scope's query is asked of them.
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Select, and_, bindparam, select

from app.consent.letters import CHANGES_IMAGES, STORES_IMAGES, needed
from app.consent.within import IMAGES, Limits, Within, limits
from app.db import DatabaseConnection
from fhir.errors import InsufficientScope, NotFound
from fhir.search.numbers import NUMBERS as MANY
from fhir.search.numbers import in_numbers
from fhir.search.values import Numbers
from fhir.store.connection import Visibility
from fhir.store.statements import by_shape
from fhir.store.stored import DELETE, Stored
from fhir.store.tables import resource
from fhir.store.types import NUMBERS
from fhir.store.write import POST

if TYPE_CHECKING:
    from app.records.request import FhirRequest, Request

_WRITES = {"create": "c", "update": "u", "patch": "ru", "delete": "d"}
_WHOLE = {"$import": "cruds", "$expunge": "d"}
"""Operations beyond any row's visibility, and the letters that they need of all resources."""

_CHANGES = {"$meta-add": "ru", "$meta-delete": "ru", "$generate-metadata": "c"}
"""Operations on a type that change something, and the letters that they need of it."""

_EACH = ("transaction", "batch", "options")
"""What asks nothing itself: each entry is looked at."""

_HUB = ("$export-status", "$export-file", "$async-status", "$import-status", "$import-file", "$convert", "metadata")
"""What tells of no resource, or asks for its right elsewhere."""


def _may(found: Limits, type_number: int | None) -> bool:
    """Return whether limits leave anything of a type, of whichever patient."""
    if found.whole or found.of_patient == "all":
        return True
    if type_number is None:
        return not found.is_nothing
    named = {NUMBERS[one.type] for one in found.granular}
    return type_number in {*found.values["v_types"], *found.values["v_patient_types"], *named}


def _refused(letters: str, type_name: str) -> InsufficientScope:
    return InsufficientScope(f"The token has no scope for {type_name or 'this'} with {letters}")


def check_interaction(request: "FhirRequest") -> None:
    """Refuse what the scopes name nothing of; it is said of types alone, never of what is stored.

    Raises:
        InsufficientScope: the token is not for this.
    """
    scopes, operation = request.caller.scopes, request.path.rpartition("/")[2]
    if scopes is None or request.interaction in _EACH or request.path[6:].startswith(_HUB):
        return
    if operation in _WHOLE:
        if not limits(scopes, _WHOLE[operation]).whole:
            raise _refused(_WHOLE[operation], "*")
        return
    letters = _WRITES.get(request.interaction, needed(request.interaction))
    change = _CHANGES.get(operation)
    if change is not None:
        letters = change
    about = request.member or request.type
    typed = request.interaction != "operation" or change is not None
    number = NUMBERS.get(about) if typed and about != "*" else None
    if not _may(limits(scopes, letters), number):
        raise _refused(letters, about)


def check_creation(request: "Request", types: Iterable[str]) -> None:
    """Refuse to begin what creates resources of types that the scopes do not name for it.

    Raises:
        InsufficientScope: they do not.
    """
    scopes = request.caller.scopes
    if scopes is None:
        return
    for type_name in types:
        if not _may(limits(scopes, "c"), NUMBERS.get(type_name)):
            raise _refused("c", type_name)


def check_condition(request: "Request", type_name: str) -> None:
    """Refuse the condition of a write where the scopes find nothing of the type: it would always seem to mean nothing.

    Raises:
        InsufficientScope: they do not search it.
    """
    scopes = request.caller.scopes
    if scopes is not None and not _may(limits(scopes, "s"), NUMBERS.get(type_name)):
        raise _refused("s", type_name)


def check_images(request: "Request", study: str = "") -> None:
    """Refuse a request at the DICOMweb door whose token is not for images.

    Args:
        request: The request.
        study: The study that it names.

    Raises:
        InsufficientScope: it is not; or it stores or deletes images, and is for one patient's only.
        NotFound: it is for some studies, and this is another.
    """
    scopes = request.caller.scopes
    if request.caller.studies and study not in request.caller.studies:
        raise NotFound("There is no such study")
    if scopes is None:
        return
    changes = request.interaction in CHANGES_IMAGES
    letters = "cu" if request.interaction in STORES_IMAGES else needed(request.interaction)
    found = limits(scopes, letters)
    named = found.whole or NUMBERS[IMAGES] in found.values["v_types"]
    of_patient = found.of_patient == "all" or NUMBERS[IMAGES] in found.values.get("v_patient_types", ())
    if not named and (changes or not of_patient):
        raise _refused(letters, IMAGES)


class _OnlyScopes:
    """The scopes alone, as a visibility: what was written is the caller's own."""

    def __init__(self, within: Within) -> None:
        self._within = within
        self.shape = ("scopes", within.limits.shape)
        self.values = within.values
        self.condition = within.limits.condition


@by_shape
def _covered(visibility: Visibility) -> Select[tuple[int]]:
    rows, keys = bindparam("w_rows", type_=MANY), bindparam("w_keys", type_=MANY)
    return select(resource.c.row).where(
        and_(in_numbers(resource.c.patient_key, keys), in_numbers(resource.c.row, rows), visibility.condition(resource))
    )


async def check_written(request: "Request", connection: DatabaseConnection, written: Sequence[Stored]) -> None:
    """Refuse a write of what the scopes do not name; the transaction is undone.

    A deletion was looked up by its letter; its index rows are gone.

    Raises:
        InsufficientScope: a resource that was written is outside of them.
    """
    if request.caller.scopes is None or request.interaction in CHANGES_IMAGES:
        return
    for letter in ("c", "u"):
        made = [one for one in written if one.method != DELETE and ("c" if one.method == POST else "u") == letter]
        within = request.visibility_for(letter)
        if not made or not isinstance(within, Within):
            continue
        only = _OnlyScopes(within)
        rows, keys = {one.row for one in made}, {one.patient_key for one in made}
        values = {**only.values, "w_rows": Numbers(sorted(rows)), "w_keys": Numbers(sorted(keys))}
        found = await connection.fetch(_covered(only), values)
        left = rows - {row for (row,) in found}
        if left:
            raise _refused(letter, next(one.type for one in made if one.row in left))
