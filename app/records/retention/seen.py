"""A resource of a patient as the end of keeping looks at it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from app.records.retention.rules import Rule, rule_of
from fhir.belonging import POINTERS, all_references, attached
from fhir.store.categories import Category
from fhir.store.read import stored
from fhir.store.stored import Stored
from fhir.store.tables import NO_DATE, NO_PATIENT

KEPT_LONG = "LTS"
"""長期保存: a doctor's mark by which a resource stays. The tag of JP-CLINS."""

VOID = frozenset({"entered-in-error", "cancelled"})
"""States of what never was, or came to nothing: it is none of the last ones."""

_CODES = ("code", "vaccineCode", "medicationCodeableConcept", "type")
"""The elements that say what a resource is of, in this order."""


class Due(NamedTuple):
    """A resource whose time of keeping is over."""

    rule: Rule
    type: str
    id: str
    patient_key: int
    custodian: int
    version: int
    """The current one when it was looked at."""
    at: int
    """When its time began: its date, or when it was last written, whichever is later."""
    deleted: bool
    """Whether its site has deleted it already; its versions are still kept."""

    @property
    def deletion(self) -> int:
        """The version that is its deletion, if nobody writes it meanwhile."""
        return self.version if self.deleted else self.version + 1


class Seen(NamedTuple):
    """A resource that was looked at."""

    name: str
    """`Observation/4711`."""
    due: Due | None
    """What it is if its time is over; None without a rule."""
    code: str
    """By which the last ones of a patient are told apart; empty when they cannot be."""
    made: int
    """Its date, else when it was last written: which results are the last ones."""
    marked: bool
    void: bool
    deleted: bool
    names: frozenset[str]
    """What it refers to, as `Type/id`; a deleted resource refers to nothing."""


def _objects(value: object) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]


def _of_concepts(value: object) -> str:
    """Return the first code of concepts as `system|code`, else their text."""
    concepts = _objects(value)
    for concept in concepts:
        for coding in _objects(concept.get("coding")):
            if coding.get("code"):
                return f"{coding.get('system', '')}|{coding['code']}"
    return next((str(one["text"]) for one in concepts if one.get("text")), "")


def code(body: Mapping[str, Any]) -> str:
    """Return by what the last ones of a patient are told apart; an empty text when nothing says it."""
    for name in _CODES:
        if found := _of_concepts(body.get(name)):
            return found
    link = next((str(one.get("reference", "")) for one in _objects(body.get("medicationReference"))), "")
    if not link.startswith("#"):
        return link
    inside = (one for one in _objects(body.get("contained")) if one.get("id") == link[1:])
    return next((_of_concepts(one.get("code")) for one in inside), "")


def is_void(body: Mapping[str, Any]) -> bool:
    """Return whether a resource says of itself that it never was, or came to nothing."""
    verified = _objects(body.get("verificationStatus"))
    codes = {coding.get("code") for one in verified for coding in _objects(one.get("coding"))}
    return body.get("status") in VOID or "entered-in-error" in codes


def _is_marked(body: Mapping[str, Any]) -> bool:
    meta = body.get("meta", {})
    return any(one.get("code") == KEPT_LONG for name in ("tag", "security") for one in _objects(meta.get(name)))


def _names(body: Mapping[str, Any]) -> Iterator[str]:
    # What points at others tells of them; it does not need them.
    pointer = POINTERS.get(str(body.get("resourceType")))
    node = {name: value for name, value in body.items() if name != pointer}
    yield from all_references(node)
    yield from attached(node)


def seen(rules: Mapping[str, Rule], row: Sequence[Any]) -> Seen | None:
    """Return what a row of a record is; None when it has no body."""
    one: Stored = stored(row)
    category, clinical, version, deleted = row[-4:]
    if not one.body:
        return None
    body = orjson.loads(bytes(one.body))
    written, date = int(one.last_updated), int(clinical) if clinical != NO_DATE else 0
    rule = rule_of(rules, one.type, Category(category)) if one.patient_key > NO_PATIENT else None
    at = max(written, date)
    place = (one.type, one.id, one.patient_key, one.custodian, int(version), at)
    due = None if rule is None else Due(rule, *place, deleted=bool(deleted))
    names = frozenset[str]() if deleted else frozenset(_names(body))
    made = date if clinical != NO_DATE else written
    return Seen(
        *(f"{one.type}/{one.id}", due, code(body), made, _is_marked(body), is_void(body)),
        deleted=bool(deleted),
        names=names,
    )
