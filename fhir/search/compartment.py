"""Compartments: what belongs to a patient, an encounter, a practitioner, a related person, a device.

The compartment of a Patient is that of the person: what a search by `patient` finds at all sites is in it, and what
refers to this Patient by another of the compartment's parameters. The resource itself is in its own compartment.
https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SmallInteger,
    Subquery,
    and_,
    bindparam,
    literal_column,
    select,
    union,
)

from fhir.errors import NotFound
from fhir.search.hashing import hash64
from fhir.search.moment import View
from fhir.spec.search_parameters import COMPARTMENTS, parameters
from fhir.store.connection import Visibility
from fhir.store.facts import subject_element
from fhir.store.in_order import by_hash, in_order
from fhir.store.tables import index_reference, resource, resource_id

Scope = Callable[[Sequence[ColumnElement[int]], Visibility], Select[tuple[int]]]
"""From the hashes that a Patient reference may mean to the patient keys of that person that the caller may speak of."""


@dataclass(frozen=True, slots=True)
class Compartment:
    """A compartment: the type and the id of the resource whose it is."""

    type: str
    id: str

    @property
    def values(self) -> dict[str, Any]:
        """The values of its binds."""
        return {"compartment_hash": hash64(f"{self.type}/{self.id}")}


@dataclass(frozen=True, slots=True)
class CompartmentShape:
    """What of a compartment changes the SQL of a search for resources of a type.

    Attributes:
        parameters: The numbers of the parameters that put a resource in it.
        person: Whether what is about the person is in it.
        itself: Whether the resource itself is of the type.
    """

    parameters: tuple[int, ...]
    person: bool
    itself: bool


def types(name: str) -> tuple[str, ...]:
    """Return the resource types that are in a compartment.

    Raises:
        NotFound: R4 has no such compartment.
    """
    if name not in COMPARTMENTS:
        raise NotFound(f"{name} has no compartment")
    return tuple(sorted({*COMPARTMENTS[name], name}))


@lru_cache(maxsize=1024)
def shape(name: str, type_name: str) -> CompartmentShape:
    """Return the shape of a compartment in a search for resources of a type.

    Raises:
        NotFound: no resource of the type is in such a compartment.
    """
    if type_name not in types(name):
        raise NotFound(f"A {type_name} is in no {name} compartment")
    codes = [code for code in COMPARTMENTS[name].get(type_name, ()) if code != "_id"]
    person = name == "Patient" and subject_element(type_name) is not None
    return CompartmentShape(tuple(parameters(type_name)[code].id for code in codes), person, name == type_name)


def walk(compartment: CompartmentShape, view: View, scope: Scope) -> Subquery:
    """Return the distinct rows of the type `type` in the compartment of `compartment_hash`.

    They still have to be met with the visibility.
    """
    target = bindparam("compartment_hash", type_=BigInteger())
    parts: list[Select[Any]] = []
    if compartment.parameters:
        index = index_reference.alias("ci")
        numbers: list[ColumnElement[int]] = [literal_column(str(number)) for number in compartment.parameters]
        found = select(index.c.patient_key, index.c.row, index.c.version)
        parts.append(found.where(index.c.parameter.in_(numbers), index.c.target_hash == target))
    if compartment.person:
        keys = scope([target], view.visibility).distinct().subquery("ck")
        row = resource.alias("cr")
        of_person = and_(row.c.patient_key == keys.c.patient_key, row.c.type == bindparam("type", type_=SmallInteger))
        found = select(row.c.patient_key, row.c.row, view.version(row).label("version"))
        parts.append(found.select_from(in_order(keys, row, of_person)).where(row.c.by_subject == 1))
    if compartment.itself:
        row = resource.alias("cs")
        found = select(row.c.patient_key, row.c.row, view.version(row).label("version"))
        parts.append(found.select_from(by_hash(row)).where(resource_id.c.hash == target))
    # One part may find a row by two of its parameters; a union of several gives each once.
    return (union(*parts) if len(parts) > 1 else parts[0].distinct()).subquery("w")
