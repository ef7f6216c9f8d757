"""The parameters of an operation: in the query of a GET, or as a Parameters resource in a POST.

https://hl7.org/fhir/R4/operations.html#executing
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.records.request import FhirRequest
from fhir.errors import InvalidValue
from fhir.profiles.structure import check
from fhir.resource import parse
from fhir.search import date
from fhir.store.types import NUMBERS

Pairs = list[tuple[str, str]]

PARAMETERS_BYTES = 1_000_000
"""The largest Parameters resource that says how an operation is to be carried out."""


def _token(coding: Mapping[str, Any]) -> str:
    code = coding.get("code", "")
    return f"{coding['system']}|{code}" if "system" in coding else str(code)


def _text(name: str, value: Any, path: str) -> str:
    """Return the value of a parameter as a query would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, dict):
        if "reference" in value:
            return str(value["reference"])
        if "coding" in value:
            return ",".join(_token(coding) for coding in value["coding"])
        if "code" in value:
            return _token(value)
        if isinstance(value.get("value"), str):
            return f"{value.get('system', '')}|{value['value']}" if "system" in value else value["value"]
    raise InvalidValue(f"{name} has no value that can be read here", path)


def parameters_of(body: bytes) -> list[dict[str, Any]]:
    """Return the members of `Parameters.parameter`.

    Raises:
        InvalidJson: the body is not strict JSON.
        InvalidValue: it is no Parameters resource.
    """
    resource = parse(body)
    if resource.get("resourceType") != "Parameters":
        raise InvalidValue("The body is a Parameters resource", "resourceType")
    for issue in check(resource):
        if issue.severity in ("error", "fatal"):
            raise InvalidValue(issue.diagnostics, issue.expression)
    found: list[dict[str, Any]] = resource.get("parameter", [])
    return found


def _pairs(found: Iterable[Mapping[str, Any]]) -> Pairs:
    pairs: Pairs = []
    for number, one in enumerate(found):
        path = f"Parameters.parameter[{number}]"
        values = [value for key, value in one.items() if key.startswith("value")]
        if len(values) != 1:
            raise InvalidValue(f"{one['name']} has a value", path)
        pairs.append((one["name"], _text(one["name"], values[0], path)))
    return pairs


async def stated_pairs(request: FhirRequest) -> Pairs:
    """Return the parameters of an operation that takes values only, in their order, and how it is to be answered.

    Raises:
        InvalidValue: a parameter has no value that a query could write.
    """
    pairs = list(request.pairs)
    if request.method == "POST":
        request.check_content_type()
        body = await request.body(PARAMETERS_BYTES)
        pairs += _pairs(parameters_of(body)) if body.strip() else []
    return pairs


async def operation_pairs(request: FhirRequest) -> Pairs:
    """Return the parameters of an operation that takes values only, in their order.

    Raises:
        InvalidValue: a parameter has no value that a query could write.
    """
    return [pair for pair in await stated_pairs(request) if pair[0] not in ("_format", "_pretty")]


def only(pairs: Pairs, known: Iterable[str]) -> dict[str, list[str]]:
    """Return the values of each parameter.

    Raises:
        InvalidValue: there is one that is not `known`.
    """
    found: dict[str, list[str]] = {}
    names = set(known)
    for name, text in pairs:
        if name not in names:
            raise InvalidValue(f"{name} is not a parameter of this operation", name)
        found.setdefault(name, []).append(text)
    return found


def one_of(found: Mapping[str, list[str]], name: str) -> str | None:
    """Return the only value of a parameter, None when it is not there.

    Raises:
        InvalidValue: it is there twice.
    """
    values = found.get(name, [])
    if len(values) > 1:
        raise InvalidValue(f"{name} is there twice", name)
    return values[0] if values else None


def whole_number(found: Mapping[str, list[str]], name: str, *, most: int) -> int | None:
    """Return a count of at least 1, cut at `most`; None when it is not there."""
    text = one_of(found, name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise InvalidValue(f"{name} is a whole number of at least 1", name)
    return min(int(text), most)


def interval(found: Mapping[str, list[str]], name: str) -> tuple[int, int] | None:
    """Return the instants that a date covers, `[start, end)` in microseconds since 1970 UTC."""
    text = one_of(found, name)
    if text is None:
        return None
    try:
        return date.interval(text)
    except InvalidValue as error:
        raise InvalidValue(f"{name}: {error.diagnostics}", name) from error


def known_types(names: Sequence[str]) -> Sequence[str]:
    """Return the names that `_type` gives.

    Raises:
        InvalidValue: one is not that of a resource type of R4.
    """
    for name in names:
        if name not in NUMBERS:
            raise InvalidValue(f"{name[:50]!r} is not a resource type of R4", "_type")
    return names


def flag(found: Mapping[str, list[str]], name: str) -> bool:
    """Return whether a parameter is there and true."""
    text = one_of(found, name)
    if text not in (None, "true", "false"):
        raise InvalidValue(f"{name} is true or false", name)
    return text == "true"
