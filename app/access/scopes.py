"""What a token may be used for: scopes of SMART App Launch 2.2, and the transactions of IHE IUA, as one value.

`patient/Observation.rs?category=laboratory`: a context, a type, letters in the order `cruds`, and a query. The forms of
SMART 1 (`.read`, `.write`, `.*`) mean the same. https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

from app.access.transactions import TRANSACTIONS
from fhir.store.types import NUMBERS

LETTERS = "cruds"
"""create, read, update, delete, search: the order in which a scope has them."""

LONGEST = 4_000
"""Characters of all scopes of a token."""

MOST = 100
"""Scopes of a token."""

MOST_CONDITIONS = 10
"""Conditions of one scope's query."""

EVERYTHING = "system/*.cruds"
"""What a system has that was given no narrower scopes."""

_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_RESOURCE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.([a-z]+|\*)(?:\?(.*))?")

CONTEXT = frozenset({"launch", "launch/patient", "launch/encounter"})
IDENTITY = frozenset({"openid", "fhirUser", "profile"})
ACCESS = frozenset({"online_access", "offline_access"})
OTHERS = CONTEXT | IDENTITY | ACCESS
"""The scopes that open no resource."""


class InvalidScope(ValueError):
    """A scope is of no known form, or the hub cannot enforce it; the text says why."""


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """What may be done with resources.

    Attributes:
        context: `patient`, the one of the launch; `user`, what the person may see; `system`, what the client may.
        type: A resource type, or `*`.
        letters: Those of `cruds` that are allowed, in that order.
        query: Conditions that a resource must fulfil, all of them.
    """

    context: str
    type: str
    letters: str
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the scope as version 2 writes it."""
        from urllib.parse import quote

        query = "&".join(f"{name}={quote(value, safe=':/|,')}" for name, value in self.query)
        return f"{self.context}/{self.type}.{self.letters}{'?' if query else ''}{query}"


@dataclass(frozen=True, slots=True)
class Scopes:
    """The scopes of a token.

    Attributes:
        text: As they were granted, with spaces between them.
        resources: What they open.
        others: Those that open nothing by themselves.
    """

    text: str
    resources: tuple[ResourceScope, ...]
    others: frozenset[str]

    @property
    def needs_patient(self) -> bool:
        """Whether they mean nothing without a patient."""
        return "launch/patient" in self.others or any(one.context == "patient" for one in self.resources)

    @property
    def unrestricted(self) -> bool:
        """Whether they leave to the caller all that its role has."""
        return any(one.context != "patient" and is_whole(one) and one.letters == LETTERS for one in self.resources)


def is_whole(scope: ResourceScope) -> bool:
    """Return whether a scope is of every resource of its context."""
    return scope.type == "*" and not scope.query


def _letters(text: str, whole: str) -> str:
    letters = _V1.get(text, text)
    if not letters or letters != "".join(one for one in LETTERS if one in letters):
        raise InvalidScope(f"{whole}: what may be done is some of c, r, u, d, s, in this order")
    return letters


def _query(text: str, whole: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise InvalidScope(f"{whole}: a condition is a search parameter and a value")
        pairs.append((unquote_plus(name), unquote_plus(value)))
    if len(pairs) > MOST_CONDITIONS:
        raise InvalidScope(f"{whole}: a scope has at most {MOST_CONDITIONS} conditions")
    return tuple(pairs)


@lru_cache(maxsize=4096)
def read_scope(text: str) -> tuple[ResourceScope, ...]:
    """Return what one scope opens; nothing for one of `OTHERS`.

    Raises:
        InvalidScope: it is of no known form, names no type of R4, or has a condition that the hub cannot enforce.
    """
    if text in OTHERS:
        return ()
    if text in TRANSACTIONS:
        return tuple(ResourceScope(*one) for one in TRANSACTIONS[text])
    match = _RESOURCE.fullmatch(text)
    if match is None or not text.isprintable():
        raise InvalidScope(f"{text[:100]} is no scope that is known here")
    context, type_name, letters, query = match.groups()
    if type_name != "*" and type_name not in NUMBERS:
        raise InvalidScope(f"{type_name[:50]} is not a resource type of R4")
    made = ResourceScope(context, type_name, _letters(letters, text), _query(query, text) if query is not None else ())
    if made.query:
        from app.consent.granular import compiled

        compiled(made)
    return (made,)


@lru_cache(maxsize=1024)
def parse(text: str) -> Scopes:
    """Return the scopes of a text that was granted.

    Raises:
        InvalidScope: one of them is none, or there are too many.
    """
    words = text.split()
    if len(text) > LONGEST or len(words) > MOST:
        raise InvalidScope(f"A token has at most {MOST} scopes of {LONGEST} characters")
    resources = dict.fromkeys(one for word in words for one in read_scope(word))
    return Scopes(" ".join(words), tuple(resources), frozenset(words) & OTHERS)


def _narrowed(asked: ResourceScope, allowed: ResourceScope) -> ResourceScope | None:
    """Return what of `asked` an allowance covers."""
    if asked.context != allowed.context or (asked.query != allowed.query and allowed.query and asked.query):
        return None
    if "*" not in (asked.type, allowed.type) and asked.type != allowed.type:
        return None
    letters = "".join(one for one in asked.letters if one in allowed.letters)
    type_name = allowed.type if asked.type == "*" else asked.type
    return ResourceScope(asked.context, type_name, letters, asked.query or allowed.query) if letters else None


def _least(parts: list[ResourceScope]) -> list[ResourceScope]:
    """Return scopes without those that another of them says already."""
    whole = [one for one in parts if is_whole(one)]
    said = [one for one in parts if not any(one != all_ and set(one.letters) <= set(all_.letters) for all_ in whole)]
    return said or parts


def granted(asked: str, allowed: str, contexts: frozenset[str]) -> tuple[Scopes, list[str]]:
    """Return which of the scopes that are asked for are granted, and why others are not.

    Args:
        asked: What the client asks for; empty for all that it may have.
        allowed: What it may have.
        contexts: The contexts that the kind of grant gives: `system`, or `patient` and `user`.

    Raises:
        InvalidScope: too many are asked for.
    """
    words, left = (asked or allowed).split(), []
    if len(words) > MOST or len(asked) > LONGEST:
        raise InvalidScope(f"At most {MOST} scopes of {LONGEST} characters are asked for")
    may, found = parse(allowed), dict[str, None]()
    for word in words:
        try:
            opened = read_scope(word)
        except InvalidScope as error:
            left.append(str(error))
            continue
        if word in OTHERS:
            given = [word] if word in may.others and "system" not in contexts else []
        elif word in TRANSACTIONS:
            given = [word] if word in allowed.split() or may.unrestricted else []
        else:
            parts = [_narrowed(one, other) for one in opened for other in may.resources if one.context in contexts]
            kept = dict.fromkeys(part for part in parts if part is not None)
            given = [word] if set(opened) <= set(kept) else [str(part) for part in _least(list(kept))]
        if not given:
            left.append(f"{word[:100]} is not allowed to this client, or not in this way")
        found |= dict.fromkeys(given)
    return parse(" ".join(found)), left
