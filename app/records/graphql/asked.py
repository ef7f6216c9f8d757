"""What a `$graphql` request asks: in its query, as GraphQL, as JSON, or as Parameters.

https://graphql.org/learn/serving-over-http/, https://hl7.org/fhir/R4/resource-operation-graphql.html
"""

from collections.abc import Mapping
from typing import Any

from app.records.parameters import Pairs, one_of, only, operation_pairs
from app.records.request import FhirRequest
from fhir import exact
from fhir.errors import InvalidValue, UnsupportedMediaType
from fhir.resource import parse

BODY_BYTES = 200_000
"""The largest body: the query and its variables."""

_KNOWN = ("query", "variables", "operationName")
_FHIR = ("application/fhir+json", "application/fhir+xml")


def _json(text: str) -> Mapping[str, Any]:
    if not text:
        return {}
    parse(text.encode())
    found: Mapping[str, Any] = exact.read(text.encode())
    return found


def _by_pairs(pairs: Pairs) -> dict[str, Any]:
    found = only(pairs, _KNOWN)
    asked: dict[str, Any] = {name: one_of(found, name) for name in _KNOWN}
    asked["variables"] = _json(asked["variables"] or "")
    return asked


async def _by_body(request: FhirRequest, kind: str) -> dict[str, Any]:
    asked = _by_pairs([pair for pair in request.pairs if pair[0] not in ("_format", "_pretty")])
    body = await request.body(BODY_BYTES)
    if kind == "application/graphql":
        try:
            return {**asked, "query": body.decode()}
        except UnicodeDecodeError:
            raise InvalidValue("The query is not UTF-8", "query") from None
    parse(body)
    tree = exact.read(body)
    if tree.keys() - {*_KNOWN, "extensions"}:
        raise InvalidValue(f"The members of the body are {', '.join(_KNOWN)}", "query")
    variables = tree.get("variables")
    if not isinstance(variables, dict | None):
        raise InvalidValue("The variables are an object", "variables")
    given = {name: tree[name] for name in ("query", "operationName") if tree.get(name) is not None}
    return {**asked, **given, **({"variables": variables} if variables else {})}


async def asked(request: FhirRequest) -> tuple[str, Mapping[str, Any], str | None]:
    """Return the text of the query, its variables and the name of the operation.

    Raises:
        InvalidValue: there is no query, or a part is not of its form.
        UnsupportedMediaType: the body is in another format.
    """
    kind = request.headers.get(b"content-type", b"application/json").decode("latin-1").partition(";")[0].strip().lower()
    if request.method != "POST" or kind in _FHIR:
        found = _by_pairs(await operation_pairs(request))
    elif kind in ("application/graphql", "application/json"):
        found = await _by_body(request, kind)
    else:
        raise UnsupportedMediaType("A query is sent as application/json, application/graphql or Parameters")
    text, name = found["query"], found["operationName"]
    if not isinstance(text, str) or not text.strip():
        raise InvalidValue("There is no query", "query")
    if not isinstance(name, str | None):
        raise InvalidValue("operationName is a text", "operationName")
    return text, found["variables"], name or None
