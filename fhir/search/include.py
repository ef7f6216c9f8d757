"""`_include` and `_revinclude`: what the matches refer to, and what refers to them, step by step.

https://hl7.org/fhir/R4/search.html#revinclude
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from fhir.errors import InvalidValue
from fhir.links import references
from fhir.resource import parse
from fhir.search import lookup
from fhir.search.control import Include
from fhir.search.extract import extract
from fhir.search.hashing import hash64
from fhir.search.in_force import R4, InForce
from fhir.search.reference import target
from fhir.spec.search_parameters import FIRST_OWN, SearchParameter
from fhir.store.connection import Connection, Visibility
from fhir.store.read import vread
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS

MOST_INCLUDED = 1_000
"""Resources that a page includes at most."""

MOST_STEPS = 10
"""How often what was included is looked at for more."""

MOST_INCLUDES = 50
"""The most `_include` and `_revinclude` of a query."""

Named = tuple[str, str, int]
"""Type, id and version."""


@dataclass(slots=True)
class Included:
    """What a page includes.

    Attributes:
        resources: Each once, in the order in which they were found; none of the matches.
        cut: Whether there was more than a page includes.
    """

    resources: list[Stored] = field(default_factory=list)
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """An include as it is followed.

    Attributes:
        reverse: Whether what points to the resources at hand is meant.
        iterate: Whether it applies to included resources as well.
        source: The type that refers; None for any.
        parameter: The reference parameter; None for all.
        target: The type that is referred to; None for any.
    """

    reverse: bool
    iterate: bool
    source: str | None
    parameter: SearchParameter | None
    target: str | None


@lru_cache(maxsize=1024)
def read(include: Include, known: InForce) -> Path:
    """Return what an include asks for.

    Raises:
        InvalidValue: it names no type, no reference parameter of it, or no type that the parameter may refer to.
        NotSupported: it names a parameter that is not indexed yet.
    """
    name = "_revinclude" if include.reverse else "_include"
    if include.text == "*":
        return Path(include.reverse, include.iterate, None, None, None)
    source, _, rest = include.text.partition(":")
    code, _, wanted = rest.partition(":")
    parameter = None if code == "*" else known.get(source, code)
    if source not in NUMBERS or (code != "*" and parameter is None):
        raise InvalidValue(f"{name}: {include.text} names no search parameter", name)
    if parameter is not None and parameter.type != "reference":
        raise InvalidValue(f"{name}: {include.text} names no reference", name)
    if wanted and wanted not in (parameter.targets if parameter else NUMBERS):
        raise InvalidValue(f"{name}: {include.text} cannot refer to {wanted!r}", name)
    return Path(include.reverse, include.iterate, source, parameter, wanted or None)


def paths(includes: Sequence[Include], known: InForce = R4) -> list[Path]:
    """Return what the includes of a query ask for.

    Raises:
        InvalidValue: there are too many, or one is not understood.
        NotSupported: one names a parameter that is not indexed yet.
    """
    if len(includes) > MOST_INCLUDES:
        raise InvalidValue(f"a search has at most {MOST_INCLUDES} includes", "_include")
    return [read(include, known) for include in includes]


@lru_cache(maxsize=512)
def _all_references(source: str | None, targets: frozenset[str], known: InForce) -> frozenset[int]:
    """Return the numbers of the parameters of a type, or of all types, that may refer to one of `targets`."""
    sources = (source,) if source else NUMBERS
    found = [one for name in sources for one in known.of(name).values() if one.type == "reference"]
    return frozenset(one.id for one in found if not targets.isdisjoint(one.targets))


class _Links:
    """What one resource refers to: hashes by parameter, and which versions of them."""

    def __init__(self, one: Stored, base_url: str, known: InForce) -> None:
        tree = parse(one.body)
        usable = {parameter.id for parameter in known.usable.get(one.type, ())}
        self.by_parameter = [
            row
            for row in extract(tree, base_url=base_url, known=known).reference
            if 0 < row[0] < FIRST_OWN or row[0] in usable
        ]
        self.versions: dict[int, list[Named]] = {}
        self.plain: set[int] = set()
        versioned = b"/_history/" in one.body
        for link in references(one.body) if versioned else ():
            plain, _, version = target(link, base_url), *link.partition("/_history/")[1:]
            kind, _, id_ = plain.partition("/")
            if version.isdigit() and len(version) < 10 and kind in NUMBERS:
                self.versions.setdefault(hash64(plain), []).append((kind, id_, int(version)))
            else:
                self.plain.add(hash64(plain))

    def of(self, path: Path) -> Iterator[int]:
        for number, hash_ in self.by_parameter:
            if path.parameter is None or path.parameter.id == number:
                yield hash_


class _Search:
    """Follows includes; each resource is found once."""

    def __init__(self, connection: Connection, visibility: Visibility, base_url: str, known: InForce) -> None:
        self._known = known
        self._connection = connection
        self._visibility = visibility
        self._base_url = base_url
        self._links: dict[Named, _Links] = {}
        self.seen: set[Named] = set()
        self.found = Included()

    @property
    def _most(self) -> int:
        """How many rows a statement may give, so that what is new among them is enough to see that there is more."""
        return len(self.seen) + MOST_INCLUDED + 1 - len(self.found.resources)

    def _add(self, rows: Sequence[Stored]) -> list[Stored]:
        new: list[Stored] = []
        for one in rows:
            name = (one.type, one.id, one.version)
            if name in self.seen:
                continue
            if len(self.found.resources) == MOST_INCLUDED:
                self.found.cut = True
                break
            self.seen.add(name)
            self.found.resources.append(one)
            new.append(one)
        return new

    def _links_of(self, one: Stored) -> _Links:
        name = (one.type, one.id, one.version)
        if name not in self._links:
            self._links[name] = _Links(one, self._base_url, self._known)
        return self._links[name]

    async def _pointing(self, path: Path, at: Sequence[Stored]) -> list[Stored]:
        hashes = [hash64(f"{one.type}/{one.id}") for one in at if path.target in (None, one.type)]
        types = frozenset(one.type for one in at)
        wanted = {path.parameter.id} if path.parameter else _all_references(path.source, types, self._known)
        if not wanted:
            return []
        return await lookup.referring(
            self._connection,
            self._visibility,
            hashes,
            parameters=wanted,
            type_number=NUMBERS[path.source] if path.source else None,
            most=self._most,
        )

    async def _pointed_at(self, path: Path, at: Sequence[Stored]) -> list[Stored]:
        hashes: list[int] = []
        versions: list[Named] = []
        for one in at:
            if path.source not in (None, one.type):
                continue
            links = self._links_of(one)
            for hash_ in links.of(path):
                named = links.versions.get(hash_, ())
                versions += [name for name in named if path.target in (None, name[0])]
                if not named or hash_ in links.plain:
                    hashes.append(hash_)
        found = await lookup.named(
            self._connection,
            self._visibility,
            hashes,
            type_number=NUMBERS[path.target] if path.target else None,
            most=self._most,
        )
        # What was referred to by its version is answered in that version.
        for name in [name for name in dict.fromkeys(versions) if name not in self.seen][: self._most]:
            version = await vread(self._connection, self._visibility, *name)
            if version is not None and not version.deleted:
                found.append(version)
        return found

    async def step(self, followed: Sequence[Path], at: Sequence[Stored]) -> list[Stored]:
        """Return what the paths lead to from the resources `at` and was not found before."""
        new: list[Stored] = []
        for path in followed:
            if not self.found.cut:
                new += self._add(await (self._pointing if path.reverse else self._pointed_at)(path, at))
        return new


async def included(
    connection: Connection,
    visibility: Visibility,
    matches: Sequence[Stored],
    includes: Sequence[Include],
    base_url: str = "",
    known: InForce = R4,
) -> Included:
    """Return what `includes` add to a page of `matches`, without the matches themselves.

    Args:
        connection: Where to read.
        visibility: What exists.
        matches: The page.
        includes: All includes of the query.
        base_url: The server's own, without a closing slash; absolute references under it are local.
        known: The search parameters there are.

    Raises:
        InvalidValue: there are too many includes, or one names no reference parameter.
        NotSupported: one names a parameter that is not indexed yet.
    """
    followed = paths(includes, known)
    search = _Search(connection, visibility, base_url, known)
    search.seen = {(one.type, one.id, one.version) for one in matches}
    at = await search.step(followed, matches) if followed and matches else []
    again = [path for path in followed if path.iterate]
    for _ in range(MOST_STEPS if again else 0):
        if not at or search.found.cut:
            return search.found
        at = await search.step(again, at)
    search.found.cut |= bool(at and again)
    return search.found
