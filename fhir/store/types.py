"""The numbers of the resource types in the tables: their alphabetical order in R4, which is frozen."""

from fhir.spec.elements import RESOURCE_TYPES

NAMES: tuple[str, ...] = ("", *sorted(RESOURCE_TYPES))
"""The type of each number; numbers count from 1."""

NUMBERS: dict[str, int] = {name: number for number, name in enumerate(NAMES) if name}
"""The number of each type."""
