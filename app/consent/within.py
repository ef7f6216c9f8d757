"""Gate 2 for a token with scopes: what the caller may see, and within it what the scopes name, as one SQL condition.

The scopes speak of fixed columns (type, category, patient key) and of index rows; they hold for every alias of a
statement, as the rest of a visibility does. A caller without scopes never comes here: its statements stay as they are.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, bindparam, exists, false, or_, select, true

from app.access.scopes import ResourceScope, Scopes, is_whole
from app.consent.granular import compiled, holds
from app.identity.tables import person_patient
from fhir.search.numbers import NUMBERS as MANY
from fhir.search.numbers import in_numbers
from fhir.search.shapes import AnyShape
from fhir.search.values import Numbers
from fhir.store.categories import Category
from fhir.store.connection import Visibility
from fhir.store.tables import NO_PATIENT, resource_patient
from fhir.store.types import NUMBERS

_PATIENT = bindparam("v_patient", type_=BigInteger)
IMAGES = "ImagingStudy"
"""The type whose scopes open images, which have no type of their own."""

_WITHOUT_PATIENT = ("Medication", "MedicationKnowledge", "Substance")
"""Types beside the directory's whose rows of no patient are about none: what a patient's scopes may show."""


@dataclass(frozen=True, slots=True)
class Granular:
    """A scope with a query."""

    type: str
    of_patient: bool
    shapes: tuple[AnyShape, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What scopes leave to a caller, for some letters.

    Attributes:
        whole: Whether they leave all of it.
        typed: Whether types are named for whatever patient.
        of_patient: Of the launch's patient: `all` types, some (`types`), or none (an empty text).
        granular: The scopes that have a query.
        values: The values of the binds, without the patient's.
    """

    whole: bool
    typed: bool
    of_patient: str
    granular: tuple[Granular, ...]
    values: Mapping[str, Any]

    @property
    def shape(self) -> Hashable:
        """Everything that changes the SQL."""
        return self.whole, self.typed, self.of_patient, self.granular

    @property
    def is_nothing(self) -> bool:
        """Whether they leave nothing at all."""
        return not (self.whole or self.typed or self.of_patient or self.granular)

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition under which the scopes name a row of `alias`."""
        if self.whole:
            return true()
        found: list[ColumnElement[bool]] = []
        if self.typed:
            found.append(_is_of(alias, "v_types"))
        if self.of_patient == "all":
            found.append(_is_of_launch(alias))
        elif self.of_patient:
            found.append(and_(_is_of(alias, "v_patient_types"), _is_of_launch(alias)))
        # Images have no index rows: a scope with a query opens none.
        for number, one in enumerate(self.granular if "type" in alias.c else ()):
            fulfilled = and_(alias.c.type == NUMBERS[one.type], holds(alias, one.type, one.shapes, f"v{number}"))
            found.append(and_(fulfilled, _is_of_launch(alias)) if one.of_patient else fulfilled)
        return or_(*found) if found else false()


def _is_of(alias: FromClause, bind: str) -> ColumnElement[bool]:
    """Return whether a row is of one of the types in a bind."""
    types = bindparam(bind, type_=MANY)
    if "type" in alias.c:
        return in_numbers(alias.c.type, types)
    return in_numbers(bindparam("v_images", type_=BigInteger), types)


def _is_of_launch(alias: FromClause) -> ColumnElement[bool]:
    """Return whether a row is of the person that the launch's Patient is, at whatever site, or of no patient at all."""
    mine, one = person_patient.alias(), person_patient.alias()
    person = select(one.c.person).where(one.c.patient_key == _PATIENT).scalar_subquery()
    keys = select(mine.c.patient_key).where(mine.c.person == person)
    directory = alias.c.category == int(Category.DIRECTORY)
    if "type" not in alias.c:
        return alias.c.patient_key.in_(keys)
    directory = or_(directory, *(alias.c.type == NUMBERS[name] for name in _WITHOUT_PATIENT))
    other = resource_patient.alias()
    somebody_else = exists().where(other.c.row == -alias.c.patient_key, other.c.patient_key.not_in(keys))
    return or_(
        alias.c.patient_key.in_(keys),
        and_(alias.c.patient_key == NO_PATIENT, directory),
        and_(alias.c.patient_key < NO_PATIENT, ~somebody_else.correlate_except(other, mine, one)),
    )


def _types(scopes: list[ResourceScope]) -> Numbers:
    return Numbers(sorted({NUMBERS[one.type] for one in scopes}))


@lru_cache(maxsize=1024)
def limits(scopes: Scopes, letters: str) -> Limits:
    """Return what the scopes leave that have all of some letters."""
    named = [one for one in scopes.resources if set(letters) <= set(one.letters)]
    anyone = [one for one in named if one.context != "patient"]
    if any(is_whole(one) for one in anyone):
        return Limits(True, False, "", (), {})
    launch = [one for one in named if one.context == "patient"]
    types = _types([one for one in anyone if not one.query])
    all_of_patient = any(is_whole(one) for one in launch)
    patient_types = _types([one for one in launch if not one.query and one.type != "*"])
    values: dict[str, Any] = {"v_types": types, "v_patient_types": patient_types, "v_images": NUMBERS[IMAGES]}
    granular: list[Granular] = []
    for one in named:
        if one.query:
            shapes, binds = compiled(one, f"v{len(granular)}")
            granular.append(Granular(one.type, one.context == "patient", shapes))
            values |= dict(binds)
    of_patient = "all" if all_of_patient else "types" if patient_types else ""
    return Limits(False, bool(types), of_patient, tuple(granular), values)


@dataclass(frozen=True, slots=True)
class Within:
    """What a caller may see within the scopes of its token."""

    caller: Visibility
    limits: Limits
    patient_key: int
    """The Patient of the launch; 0 when there is none."""

    @property
    def shape(self) -> Hashable:
        """Everything that changes the SQL itself."""
        return "within", self.caller.shape, self.limits.shape

    @property
    def values(self) -> Mapping[str, Any]:
        """The values of the binds."""
        return {**self.caller.values, **self.limits.values, "v_patient": self.patient_key}

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition under which a row of `alias` exists for the caller."""
        return and_(self.limits.condition(alias), self.caller.condition(alias))

    def names(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition under which a Patient may be named in a search, to find what is about the person.

        What is found is under the scopes; that the Patient is there is said by what refers to it.
        """
        anyone = self.limits.whole or self.limits.typed or any(not one.of_patient for one in self.limits.granular)
        seen = self.caller.condition(alias)
        return seen if anyone else and_(_is_of_launch(alias), seen)
