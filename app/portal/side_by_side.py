"""Two Patients side by side: what each says of every fact that tells people apart, and where they differ."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.identity.traits import Traits, traits
from app.portal.people import body_of
from fhir.store.stored import Stored


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the comparison."""

    name: str
    """The key of its text: `identity.fact.birth`."""
    one: tuple[str, ...]
    other: tuple[str, ...]
    like: str
    """`same`; `alike` when they are written otherwise but compared as the same; `differs`; `missing` on a side; `own`
    when each has numbers of its own site alone."""


def _names(patient: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for name in patient.get("name", ()):
        text = name.get("text") or " ".join([*([name["family"]] if "family" in name else []), *name.get("given", ())])
        use = f" ({name['use']})" if name.get("use") in ("old", "maiden") else ""
        found.append(text + use)
    return tuple(found)


def _identifiers(patient: Mapping[str, Any], *, insurance: bool) -> tuple[str, ...]:
    stated = [one for one in patient.get("identifier", ()) if "value" in one]
    return tuple(one["value"] for one in stated if ("insur" in one.get("system", "").lower()) == insurance)


def _contacts(patient: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(one["value"] for one in patient.get("telecom", ()) if "value" in one)


def _address(one: Mapping[str, Any]) -> str:
    parts = [one.get("state", ""), one.get("city", ""), *one.get("line", ())]
    return one.get("text") or "".join(parts)


def _addresses(patient: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_address(one) for one in patient.get("address", ()))


def _postcodes(patient: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(one["postalCode"] for one in patient.get("address", ()) if "postalCode" in one)


def _one(name: str) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    return lambda patient: (str(patient[name]),) if name in patient else ()


_FACTS: Sequence[tuple[str, Callable[[Mapping[str, Any]], tuple[str, ...]], Callable[[Traits], Iterable[object]]]] = (
    ("names", _names, lambda who: (*who.kanji, *who.kana, *who.letters)),
    ("birth", _one("birthDate"), lambda who: (who.birth,)),
    ("sex", _one("gender"), lambda who: (who.sex,)),
    ("insurance", lambda patient: _identifiers(patient, insurance=True), lambda who: who.insurance),
    ("numbers", lambda patient: _identifiers(patient, insurance=False), lambda who: who.numbers),
    ("phone", _contacts, lambda who: who.phones),
    ("address", _addresses, lambda who: who.addresses),
    ("postcode", _postcodes, lambda who: who.postcodes),
    ("deceased", _one("deceasedDateTime"), lambda _: ()),
)
"""By name: what is shown of a Patient, and what of it is compared."""


def _like(one: tuple[str, ...], other: tuple[str, ...], shared: bool) -> str:
    if not one or not other:
        return "missing"
    if set(one) == set(other):
        return "same"
    return "alike" if shared else "differs"


def side_by_side(one: Stored, other: Stored) -> list[Fact]:
    """Return the rows of the comparison of two stored Patients; what neither of them says is left out."""
    bodies = body_of(one), body_of(other)
    compared = traits(bodies[0]), traits(bodies[1])
    found = []
    for name, shown, folded in _FACTS:
        left, right = shown(bodies[0]), shown(bodies[1])
        shared = bool(set(folded(compared[0])) & set(folded(compared[1])))
        like = _like(left, right, shared)
        if name == "numbers" and like == "differs" and not _share_a_site(*compared):
            like = "own"
        if left or right:
            found.append(Fact(name, left, right, like))
    return found


def _share_a_site(one: Traits, other: Traits) -> bool:
    return bool({system for system, _ in one.numbers} & {system for system, _ in other.numbers})
