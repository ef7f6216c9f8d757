"""Which series an Observation belongs to: by JLAC10, by what its site binds its own codes to, else by its own code.

Nothing is joined by its name where it has a code. A code of a site's own list means something at that site only, even
where all sites call their list by one address (JP_CLINS_ObsLabResult_LocalCode_CS).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from app.portal.items import Item
from app.portal.values import concept
from fhir.spec.jlac10 import SYSTEMS, Jlac10, read

LOINC = "http://loinc.org"
_LOCAL_SYSTEMS = frozenset({"", "http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_LocalCode_CS"})
_UNCODED = ("99999999999999999", "LUNCODED")
"""Codes that say that there is none."""

Local = tuple[int, str, str]
"""Custodian, system and code."""


@dataclass(frozen=True, slots=True)
class Bindings:
    """What codes are bound to beside those of an Observation itself."""

    own: Mapping[Local, Jlac10] = field(default_factory=dict)
    """By the site whose code it is, for its own rows."""
    shared: Mapping[tuple[str, str], Jlac10] = field(default_factory=dict)
    """By loaded packages, for everybody: system and code."""


NONE = Bindings()


@dataclass(frozen=True, slots=True)
class Analyte:
    """What a series is of."""

    key: str
    order: tuple[int, str]
    code: str = ""
    """The five digits of JLAC10, or empty."""
    material: str = ""
    """Three digits of JLAC10."""


def codings(item: Item) -> Iterator[tuple[str, str]]:
    """Yield system and code of each coding of an Observation."""
    for one in item.body.get("code", {}).get("coding", ()):
        if one.get("code") and one["code"] not in _UNCODED:
            yield str(one.get("system", "")), str(one["code"])


def coded(item: Item) -> Jlac10 | None:
    """Return the JLAC10 code that an Observation has itself."""
    return next(filter(None, (read(*one) for one in codings(item))), None)


def is_shared(system: str) -> bool:
    """Return whether a system's codes mean the same at every site."""
    return system not in _LOCAL_SYSTEMS


def learned(items: Iterable[Item]) -> dict[Local, Jlac10]:
    """Return what sites bind their codes to by Observations with both codings; one that contradicts itself does not."""
    found: dict[Local, Jlac10] = {}
    doubtful: set[Local] = set()
    for item in items:
        own = coded(item)
        if item.type != "Observation" or own is None:
            continue
        for system, code in codings(item):
            if system in SYSTEMS or system == LOINC:
                continue
            local = (item.custodian, system, code)
            if found.setdefault(local, own).series != own.series:
                doubtful.add(local)
    return {local: own for local, own in found.items() if local not in doubtful}


def bound(item: Item, bindings: Bindings) -> Jlac10 | None:
    """Return the JLAC10 code of an Observation: its own, else what its codes are bound to."""
    own = coded(item)
    if own is not None:
        return own
    for system, code in codings(item):
        found = bindings.own.get((item.custodian, system, code)) or bindings.shared.get((system, code))
        if found is not None:
            return found
    return None


def analyte_of(item: Item, bindings: Bindings = NONE) -> Analyte:
    """Return the series that an Observation belongs to."""
    jlac10 = bound(item, bindings)
    if jlac10 is not None:
        return Analyte(f"jlac10:{jlac10.series}", (0, jlac10.series), jlac10.analyte, jlac10.material)
    known = list(codings(item))
    for system, code in known:
        if system == LOINC:
            return Analyte(f"loinc:{code}", (1, code))
    for system, code in sorted(known, key=lambda one: one[0] not in SYSTEMS):
        if is_shared(system):
            return Analyte(f"code:{system}|{code}", (2, code))
    for system, code in known:
        return Analyte(f"local:{item.custodian}|{system}|{code}", (3, code))
    text = concept(item.body.get("code"))
    return Analyte(f"text:{text}", (4, text))
