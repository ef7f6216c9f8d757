"""The FHIRPath that FHIRPath Patch needs: where an element lies, not only what its value is.

Understood are member steps, `[n]`, `first()`, `last()`, `where(…)`, `ofType(T)`, `as(T)` and `extension(url)`; in a
condition, paths, `$this`, comparisons with a literal, `exists()`, `empty()`, `not()`, `and`, `or` and brackets. All
else is refused, never guessed. https://hl7.org/fhirpath/N1/
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fhir.patch.exact import MalformedPatch
from fhir.patch.locations import Node, children
from fhir.patch.tokens import COMPARISONS, Tokens, equal, is_number, literal, string
from fhir.spec.elements import CONCRETE_TYPES

LONGEST = 1_000
"""Characters a path may have."""

Step = Callable[[list[Node]], list[Node]]
Condition = Callable[[Node], bool]

_ROOTS = CONCRETE_TYPES | {"Resource", "DomainResource"}


@dataclass(frozen=True, slots=True)
class Path:
    """A path, read.

    Attributes:
        root: The type it begins with, or an empty text.
        steps: What is done one after the other, beginning with the resource.
        last: The name of the last step, when that leads to the elements of a name.
    """

    root: str
    steps: tuple[Step, ...]
    last: str | None

    def evaluate(self, resource: Node) -> list[Node]:
        """Return the elements that the path means; none when it begins with another type."""
        return _walk(self.steps, self._begin(resource))

    def around(self, resource: Node) -> list[Node]:
        """Return the elements in which the last step is taken."""
        return _walk(self.steps[:-1], self._begin(resource))

    def _begin(self, resource: Node) -> list[Node]:
        return [resource] if self.root in {"", "Resource", "DomainResource", resource.type} else []


def _walk(steps: tuple[Step, ...], nodes: list[Node]) -> list[Node]:
    for step in steps:
        nodes = step(nodes)
    return nodes


def read(text: str) -> Path:
    """Return the path that a text is.

    Raises:
        MalformedPatch: it is none, or one that is not understood here.
    """
    if len(text) > LONGEST:
        raise MalformedPatch(f"A path has at most {LONGEST} characters")
    tokens = Tokens(text)
    root = tokens.name() if tokens.kind() == "name" and tokens.peek() in _ROOTS else ""
    steps, last = _steps(tokens, begun=bool(root))
    if tokens.kind():
        raise tokens.refused(tokens.peek())
    return Path(root, steps, last)


def condition(text: str) -> Condition:
    """Return the condition on one element that a text is: `use = 'official' and family.exists()`.

    Raises:
        MalformedPatch: it is none, or one that is not understood.
    """
    if len(text) > LONGEST:
        raise MalformedPatch(f"A path has at most {LONGEST} characters")
    tokens = Tokens(text)
    found = _any_of(tokens)
    if tokens.kind():
        raise tokens.refused(tokens.peek())
    return found


def _steps(tokens: Tokens, *, begun: bool) -> tuple[tuple[Step, ...], str | None]:
    """Read the steps of a path; `begun` says whether something stands before the first one."""
    steps: list[Step] = []
    last = None
    while True:
        if tokens.passes("["):
            steps.append(_index(int(_whole(tokens))))
            tokens.need("]")
            last = None
        elif begun and not _goes_on(tokens):
            return tuple(steps), last
        else:
            if begun:
                tokens.need(".")
            called = tokens.peek(1) == "("
            name = tokens.name()
            steps.append(_function(tokens, name) if called else _member(name))
            last = None if called else name
        begun = True


def _goes_on(tokens: Tokens) -> bool:
    """Return whether a path goes on; what makes a condition of it (`.exists()`) is none of its steps."""
    return tokens.peek() == "." and not (tokens.peek(1) in {"exists", "empty", "not"} and tokens.peek(2) == "(")


def _whole(tokens: Tokens) -> str:
    text = tokens.take("number")
    if not text.isdigit() or len(text) > 9:
        raise tokens.refused(text)
    return text


def _member(name: str) -> Step:
    return lambda nodes: [child for node in nodes for child in children(node, name)]


def _index(number: int) -> Step:
    return lambda nodes: nodes[number : number + 1]


def _function(tokens: Tokens, name: str) -> Step:
    tokens.go_in()
    step: Step
    if name == "where":
        wanted = _any_of(tokens)
        step = lambda nodes: [node for node in nodes if wanted(node)]  # noqa: E731 - as its neighbours
    elif name in {"ofType", "as"}:
        step = _of_type(tokens)
    elif name == "extension":
        step = _extension(string(tokens))
    elif name in {"first", "last"}:
        step = _index(0) if name == "first" else (lambda nodes: nodes[-1:])
    else:
        raise tokens.refused(f"{name}()")
    tokens.go_out()
    return step


def _of_type(tokens: Tokens) -> Step:
    name = tokens.name()
    if name in {"FHIR", "System"} and tokens.passes("."):
        name = tokens.name()
    return lambda nodes: [node for node in nodes if node.type == name]


def _extension(url: str) -> Step:
    return lambda nodes: [
        child for node in nodes for child in children(node, "extension") if child.content.get("url") == url
    ]


def _any_of(tokens: Tokens) -> Condition:
    found = [_all_of(tokens)]
    while tokens.passes("or"):
        found.append(_all_of(tokens))
    return lambda node: any(one(node) for one in found)


def _all_of(tokens: Tokens) -> Condition:
    found = [_condition(tokens)]
    while tokens.passes("and"):
        found.append(_condition(tokens))
    return lambda node: all(one(node) for one in found)


def _condition(tokens: Tokens) -> Condition:
    if tokens.peek() == "(":
        tokens.go_in()
        inner = _any_of(tokens)
        tokens.go_out()
        return _negated(tokens, inner)
    begun = tokens.passes("$this")
    steps, _ = _steps(tokens, begun=begun) if begun or tokens.peek(1) != "(" or _is_step(tokens) else ((), None)
    mark = tokens.peek()
    if mark in {"=", "!=", *COMPARISONS} and tokens.kind() == "mark":
        tokens.need(mark)
        return _comparison(tokens, steps, mark)
    if (begun or steps) and not tokens.passes("."):
        return _is_true(steps)
    return _negated(tokens, _presence(tokens, steps))


def _is_step(tokens: Tokens) -> bool:
    return tokens.peek() not in {"exists", "empty", "not"}


def _negated(tokens: Tokens, inner: Condition) -> Condition:
    while tokens.peek() == "." and tokens.peek(1) == "not":
        tokens.need(".")
        tokens.need("not")
        tokens.go_in()
        tokens.go_out()
        before = inner
        inner = lambda node, before=before: not before(node)  # type: ignore[misc]  # noqa: E731
    return inner


def _presence(tokens: Tokens, steps: tuple[Step, ...]) -> Condition:
    """Read `exists()`, `exists(…)`, `empty()` or `not()`, which stand behind the steps."""
    name = tokens.name()
    tokens.go_in()
    inside: Condition = _any_of(tokens) if name == "exists" and tokens.peek() != ")" else (lambda _: True)
    tokens.go_out()
    if name == "exists":
        return lambda node: any(inside(one) for one in _walk(steps, [node]))
    if name == "empty":
        return lambda node: not _walk(steps, [node])
    return lambda node: [one.value for one in _walk(steps, [node])] == [False]


def _is_true(steps: tuple[Step, ...]) -> Condition:
    return lambda node: [one.value for one in _walk(steps, [node])] == [True]


def _comparison(tokens: Tokens, steps: tuple[Step, ...], mark: str) -> Condition:
    wanted = literal(tokens)
    if mark in COMPARISONS and not is_number(wanted):
        raise tokens.refused(f"{mark} before what is no number")

    def compared(node: Node) -> bool:
        values: list[Any] = [one.value for one in _walk(steps, [node])]
        # A comparison with nothing is nothing, which keeps no element.
        if not values:
            return False
        same = len(values) == 1 and equal(values[0], wanted)
        if mark == "=":
            return same
        if mark == "!=":
            return not same
        return len(values) == 1 and is_number(values[0]) and COMPARISONS[mark](values[0], wanted)

    return compared
