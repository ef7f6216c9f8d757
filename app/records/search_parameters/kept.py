"""A search parameter as its row keeps it."""

from dataclasses import replace
from typing import NamedTuple

import orjson
from sqlalchemy import select

from app.db import DatabaseConnection
from app.records.search_parameters.tables import INDEXING, search_parameter, search_parameter_source
from fhir.spec.search_parameters import Component, Rules, SearchParameter
from fhir.store.types import NAMES

VERSION = "search parameters"
"""The counter that grows with each change of the set."""

BLOCK = 16
"""Numbers that each parameter has: its own, and those of a composite's parts."""

CLOCKS_APART = 300_000_000
"""Microseconds by which the clocks of two processes may differ."""

_ALL = select(search_parameter).order_by(search_parameter.c.number)
_SOURCES = select(search_parameter_source).order_by(search_parameter_source.c.number, search_parameter_source.c.source)


class Kept(NamedTuple):
    """One row; its columns are those of the table."""

    number: int
    type: int
    code: str
    state: int
    definition: str
    since: int
    until: int
    at_updated: int
    at_row: int
    done: int

    @property
    def parameter(self) -> SearchParameter:
        """What it means."""
        return read(self.definition, self.number, NAMES[self.type], self.code)

    @property
    def percent(self) -> int:
        """How far indexing is: the part of the time in which resources were written that has been read.

        It counts no resources, so that it tells nothing of those that are hidden.
        """
        if self.state != INDEXING:
            return 100
        span, gone = self.until - CLOCKS_APART - self.since, self.at_updated - self.since
        return max(0, min(99, 100 * gone // span)) if span > 0 and self.at_updated else 0


async def all_kept(connection: DatabaseConnection) -> list[Kept]:
    """Return every row, those that are being removed too."""
    return [Kept(*row) for row in await connection.fetch(_ALL, {})]


async def sources(connection: DatabaseConnection) -> dict[int, set[str]]:
    """Return what wants each parameter, by its number."""
    found: dict[int, set[str]] = {}
    for number, source in await connection.fetch(_SOURCES, {}):
        found.setdefault(number, set()).add(source)
    return found


def written(parameter: SearchParameter) -> str:
    """Return the definition of a parameter as its row keeps it."""
    rules = parameter.rules or Rules()
    return orjson.dumps(
        {
            "type": parameter.type,
            "url": parameter.url,
            "expression": parameter.expression,
            "paths": parameter.paths,
            "targets": parameter.targets,
            "components": [[part.code, part.paths] for part in parameter.components],
            "modifiers": None if rules.modifiers is None else sorted(rules.modifiers),
            "comparators": None if rules.comparators is None else sorted(rules.comparators),
            "several_values": rules.several_values,
            "several_times": rules.several_times,
        }
    ).decode()


def read(definition: str, number: int, base: str, code: str) -> SearchParameter:
    """Return the parameter that a row keeps."""
    found = orjson.loads(definition)
    modifiers, comparators = found["modifiers"], found["comparators"]
    rules = Rules(
        None if modifiers is None else frozenset(modifiers),
        None if comparators is None else frozenset(comparators),
        found["several_values"],
        found["several_times"],
    )
    parts = enumerate(found["components"], start=1)
    parameter = SearchParameter(number, base, code, found["type"], found["expression"], url=found["url"], rules=rules)
    return replace(
        parameter,
        paths=tuple(found["paths"]),
        targets=tuple(found["targets"]),
        components=tuple(Component(part, tuple(paths), number + offset) for offset, (part, paths) in parts),
    )
