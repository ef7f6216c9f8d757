"""Reads what a query needs, level by level: what all resources of a level refer to is read at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.records.graphql.searches import connection, listed
from app.records.record import known_type
from app.records.request import FhirRequest
from fhir import exact
from fhir.errors import Deleted, NotFound, TooCostly
from fhir.graphql.budget import Budget
from fhir.graphql.field import Field
from fhir.graphql.needs import Needs, Place, fits
from fhir.graphql.select import Tree
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS
from fhir.store.walk import HASHES

MOST_SEARCHES = 100
"""The most searches of one query, those inside resources included."""

MOST_RESOURCES = 5_000
"""The most resources that one query reads."""

MOST_BYTES = 30_000_000
"""The most bytes of resources that one query reads: as trees they take several times as much memory."""

_Step = tuple[Tree, str, tuple[Field, ...], Place]


@dataclass(slots=True)
class Loaded:
    """What was read.

    Attributes:
        resources: What references mean; None for what does not exist for the caller.
        results: What reads and searches found, by the field's `id` and the reference of the resource it is in.
    """

    resources: dict[str, Tree | None] = field(default_factory=dict)
    results: dict[tuple[int, str], Any] = field(default_factory=dict)


class Loading:
    """One query's reading. What it reads is disclosed, even where the answer shows a part of it only."""

    def __init__(self, request: FhirRequest, budget: Budget) -> None:
        self.loaded = Loaded()
        self._request = request
        self._budget = budget
        self._searches = MOST_SEARCHES
        self._resources = MOST_RESOURCES
        self._bytes = MOST_BYTES
        self._waiting: list[_Step] = []

    async def root(self, fields: tuple[Field, ...]) -> None:
        """Read what a query at the level of the system selects."""
        for one in fields:
            if one.kind == "read":
                found = await self._request.record.read(one.type, str(one.arguments["id"]))
                self._count([found])
                tree = self.loaded.results[id(one), ""] = exact.read(found.body)
                self._waiting.append((tree, one.type, one.fields, Place(tree, f"{one.type}/{found.id}")))
            elif one.kind in ("list", "connection"):
                await self._search("", one)
        await self._levels()

    async def instance(self, tree: Tree, fields: tuple[Field, ...]) -> None:
        """Read what a query of one resource needs beside it."""
        type_name = str(tree["resourceType"])
        self._waiting.append((tree, type_name, fields, Place(tree, f"{type_name}/{tree['id']}")))
        await self._levels()

    async def _levels(self) -> None:
        while self._waiting:
            steps, self._waiting = self._waiting, []
            needs = await asyncio.to_thread(self._needs, steps)
            await self._resolve([link for link, _ in needs.links])
            for link, one in {(link, id(one)): (link, one) for link, one in needs.links}.values():
                tree = self.loaded.resources[link]
                if tree is not None and fits(one, tree):
                    self._waiting.append((tree, str(tree["resourceType"]), one.fields, Place(tree, link)))
            for source, one in {(link, id(one)): (link, one) for link, one in needs.searches}.values():
                await self._search(source, one)

    def _needs(self, steps: Sequence[_Step]) -> Needs:
        needs = Needs(self._request.hub.settings.fhir_address, self._budget)
        for step in steps:
            needs.gather(*step)
        return needs

    def _count(self, found: Sequence[Stored]) -> None:
        self._resources -= len(found)
        self._bytes -= sum(len(one.body) for one in found)
        if self._resources < 0 or self._bytes < 0:
            text = f"A query reads at most {MOST_RESOURCES} resources of {MOST_BYTES} bytes in all; select fewer"
            raise TooCostly(text, "query")

    async def _resolve(self, links: Sequence[str]) -> None:
        """Read what references mean; each once."""
        new = list(dict.fromkeys(link for link in links if link not in self.loaded.resources))
        self._resources -= len(new)
        self._count(())
        self._resources += len(new)
        names: dict[tuple[str, str], str] = {}
        for link in new:
            self.loaded.resources[link] = None
            type_name, _, id_ = link.partition("/")
            if type_name not in NUMBERS or not id_:
                continue
            if "/" in id_:
                await self._version(link)
            else:
                names[type_name, id_] = link
        wanted = list(names)
        for start in range(0, len(wanted), HASHES):
            found = await self._request.record.named(wanted[start : start + HASHES])
            self._request.record.disclosed += found
            self._count(found)
            for one in found:
                self.loaded.resources[names[one.type, one.id]] = exact.read(one.body)

    async def _version(self, link: str) -> None:
        """Read the version that a reference means."""
        type_name, id_, history, version = (*link.split("/"), "", "")[:4]
        if history != "_history":
            return
        try:
            found = await self._request.record.vread(known_type(type_name), id_, version)
        except (NotFound, Deleted):
            return
        self._count([found])
        self.loaded.resources[link] = exact.read(found.body)

    async def _search(self, source: str, one: Field) -> None:
        self._searches -= 1
        if self._searches < 0:
            raise TooCostly(f"A query has at most {MOST_SEARCHES} searches, those inside resources included", one.key)
        if one.kind == "list":
            found, trees = await listed(self._request, one, source, self._budget)
            self.loaded.results[id(one), source] = trees
            for tree in trees:
                self._waiting.append((tree, one.type, one.fields, Place(tree, f"{one.type}/{tree['id']}")))
        else:
            found, made = await connection(self._request, one, source, self._budget)
            self.loaded.results[id(one), source] = made
            self._waiting.append((made, f"{one.type}Connection", one.fields, Place({}, "")))
        self._request.record.disclosed += found
        self._count(found)
