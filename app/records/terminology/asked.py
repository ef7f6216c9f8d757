"""The parameters of a terminology operation, each of its kind, from a query or from a Parameters resource.

https://hl7.org/fhir/R4/operations.html#executing
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.records.parameters import parameters_of
from app.records.request import FhirRequest
from fhir.errors import InvalidValue
from fhir.operations.validate_code import Coded

BODY_BYTES = 10_000_000
"""The largest Parameters resource: it may hold a value set."""

MOST_CODINGS = 100
"""The most codings of a CodeableConcept."""

LONGEST = 2_000
"""Characters of a text."""

TEXT, FLAG, WHOLE, CODING, CONCEPT, RESOURCE, PARTS = "text", "flag", "whole", "coding", "concept", "resource", "parts"
"""The kinds of parameters; `TEXT` is a code, a string, a uri or a canonical."""

_SIMPLE = frozenset({TEXT, FLAG, WHOLE})
_MEMBERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    CODING: lambda one: one.get("valueCoding"),
    CONCEPT: lambda one: one.get("valueCodeableConcept"),
    RESOURCE: lambda one: one.get("resource"),
    PARTS: lambda one: one.get("part"),
}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


class Asked:
    """The values of parameters by their names.

    Args:
        kinds: The kind of each parameter that the operation has.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._values: dict[str, list[Any]] = {}

    def add(self, name: str, value: Any) -> None:
        """Keep a value.

        Raises:
            InvalidValue: the operation has no such parameter, or it is of another kind.
        """
        kind = self._kinds.get(name)
        if kind is None:
            raise InvalidValue(f"{name} is not a parameter of this operation", name)
        if value is None or isinstance(value, str) is not (kind in _SIMPLE):
            raise InvalidValue(f"{name} has no value of its type ({kind})", name)
        if isinstance(value, str) and (not value or len(value) > LONGEST):
            raise InvalidValue(f"{name} is empty or longer than {LONGEST} characters", name)
        self._values.setdefault(name, []).append(value)

    def read(self, one: Mapping[str, Any]) -> None:
        """Keep the value of a member of `Parameters.parameter`."""
        kind = self._kinds.get(one["name"], TEXT)
        if kind in _MEMBERS:
            self.add(one["name"], _MEMBERS[kind](one))
        else:
            self.add(one["name"], _text(next((v for k, v in one.items() if k.startswith("value")), None)))

    def all(self, name: str) -> list[Any]:
        """Return every value of a parameter."""
        return self._values.get(name, [])

    def one(self, name: str) -> Any:
        """Return the value of a parameter, None when it is not there.

        Raises:
            InvalidValue: it is there twice.
        """
        values = self.all(name)
        if len(values) > 1:
            raise InvalidValue(f"{name} is there twice", name)
        return values[0] if values else None

    def text(self, name: str) -> str:
        """Return a text, empty when it is not there."""
        found: str = self.one(name) or ""
        return found

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        text = self.one(name)
        if text not in (None, "true", "false"):
            raise InvalidValue(f"{name} is true or false", name)
        return default if text is None else text == "true"

    def whole(self, name: str) -> int | None:
        """Return a whole number of at least 0, None when it is not there."""
        text = self.one(name)
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise InvalidValue(f"{name} is a whole number of at least 0", name)
        return int(text)

    def resource(self, name: str, type_name: str) -> dict[str, Any] | None:
        """Return a resource of a type, None when it is not there."""
        found: dict[str, Any] | None = self.one(name)
        if found is not None and found.get("resourceType") != type_name:
            raise InvalidValue(f"{name} is a {type_name}", name)
        return found

    def codes(self, *, any_system: bool = False) -> list[Coded]:
        """Return the codes that `code`, `coding` or `codeableConcept` name; exactly one of the three is there.

        Args:
            any_system: Whether a `code` without `system` may be of any.
        """
        names = [name for name in ("code", "coding", "codeableConcept") if self.all(name)]
        if len(names) != 1:
            raise InvalidValue("One of code, coding and codeableConcept is needed", names[1] if names else "code")
        if names[0] == "code":
            system = self.one("system") if "system" in self._kinds else None
            if system is None and not any_system:
                raise InvalidValue("A code needs its system", "system")
            version = self.text("systemVersion" if "systemVersion" in self._kinds else "version")
            return [Coded(system, self.text("code"), version, self.text("display"))]
        codings = [self.one("coding")] if names[0] == "coding" else self.one("codeableConcept").get("coding", [])
        if len(codings) > MOST_CODINGS:
            raise InvalidValue(f"There are more than {MOST_CODINGS} codings", names[0])
        found = [
            Coded(one.get("system", ""), one["code"], one.get("version", ""), one.get("display", ""))
            for one in codings
            if "code" in one
        ]
        if not found:
            raise InvalidValue("There is no coding with a code", names[0])
        return found


async def read_asked(request: FhirRequest, kinds: Mapping[str, str]) -> Asked:
    """Return what is asked of an operation, by the query and by the body.

    Args:
        request: The request.
        kinds: The kind of each parameter that the operation has.

    Raises:
        InvalidValue: it has no such parameter, or one of another kind.
    """
    asked = Asked(kinds)
    for name, text in request.pairs:
        if name not in ("_format", "_pretty"):
            if kinds.get(name, TEXT) not in _SIMPLE:
                raise InvalidValue(f"{name} is not of a type that a query can hold; send Parameters", name)
            asked.add(name, text)
    if request.method == "POST":
        request.check_content_type()
        body = await request.body(BODY_BYTES)
        for one in parameters_of(body) if body.strip() else []:
            asked.read(one)
    request.check_accept()
    return asked
