"""Invariants of Bundle: which type carries requests, responses, searches and a first resource.

https://hl7.org/fhir/R4/bundle.html#bdl-1
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fhir.profiles.invariant import Invariant, Value, any_of, has


def _entries(bundle: Value) -> list[Value]:
    found: list[Value] = bundle.get("entry", [])
    return found


def _carries(name: str, *types: str) -> Callable[[Value], bool]:
    """Return the rule that every entry has `name` in a Bundle of these types, and none in another."""
    return lambda bundle: all((name in e) == (bundle.get("type") in types) for e in _entries(bundle))


def _bdl_7(bundle: Value) -> bool:
    if bundle.get("type") == "history":
        return True
    seen: set[tuple[object, object]] = set()
    for entry in _entries(bundle):
        if (url := entry.get("fullUrl")) is None:
            continue
        meta = entry.get("resource", {}).get("meta")
        key = (url, str(meta.get("versionId")) if isinstance(meta, dict) else None)
        if key in seen:
            return False
        seen.add(key)
    return True


def _bdl_9(bundle: Value) -> bool:
    identifier = bundle.get("identifier", {})
    return bundle.get("type") != "document" or (has(identifier, "system") and has(identifier, "value"))


def _first(bundle_type: str, resource_type: str) -> Callable[[Value], bool]:
    def holds(bundle: Value) -> bool:
        entries = _entries(bundle)
        if bundle.get("type") != bundle_type or not entries:
            return True
        found: object = entries[0].get("resource", {}).get("resourceType")
        return found == resource_type

    return holds


BUNDLE_INVARIANTS: Mapping[str, Invariant] = MappingProxyType(
    {
        "bdl-1": Invariant(
            ("Bundle",),
            "total only when a search or history",
            lambda b: not has(b, "total") or b.get("type") in ("searchset", "history"),
        ),
        "bdl-2": Invariant(
            ("Bundle",),
            "entry.search only when a search",
            lambda b: b.get("type") == "searchset" or not any("search" in e for e in _entries(b)),
        ),
        "bdl-3": Invariant(
            ("Bundle",),
            "entry.request mandatory for batch/transaction/history, otherwise prohibited",
            _carries("request", "batch", "transaction", "history"),
        ),
        "bdl-4": Invariant(
            ("Bundle",),
            "entry.response mandatory for batch-response/transaction-response/history, otherwise prohibited",
            _carries("response", "batch-response", "transaction-response", "history"),
        ),
        "bdl-5": Invariant(
            ("Bundle.entry",),
            "must be a resource unless there's a request or response",
            any_of("resource", "request", "response"),
        ),
        "bdl-7": Invariant(
            ("Bundle",),
            "FullUrl must be unique in a bundle, or else entries with the same fullUrl must have different"
            " meta.versionId (except in history bundles)",
            _bdl_7,
        ),
        "bdl-8": Invariant(
            ("Bundle.entry",),
            "fullUrl cannot be a version specific reference",
            lambda e: "/_history/" not in e.get("fullUrl", ""),
        ),
        "bdl-9": Invariant(
            ("Bundle",),
            "A document must have an identifier with a system and a value",
            _bdl_9,
        ),
        "bdl-10": Invariant(
            ("Bundle",),
            "A document must have a date",
            lambda b: b.get("type") != "document" or "timestamp" in b,
        ),
        "bdl-11": Invariant(
            ("Bundle",),
            "A document must have a Composition as the first resource",
            _first("document", "Composition"),
        ),
        "bdl-12": Invariant(
            ("Bundle",),
            "A message must have a MessageHeader as the first resource",
            _first("message", "MessageHeader"),
        ),
    }
)
"""The rules by their key."""
