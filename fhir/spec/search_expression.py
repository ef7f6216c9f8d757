"""The part of FHIRPath that search parameters use, R4's and those of packages, read into branches of steps.

https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression
"""

import re
from typing import Any

Step = tuple[Any, ...]
"""A verb and its arguments: `("child", "name")`, `("as", "Quantity")`, `("where", "system", "phone")`,
`("resolves", "Patient")`, `("index", "0")`, `("extension", url)`, `("true",)` (there, and not `false`), or
`("test", branch, text)`: only what has `text` where the branch leads to from it."""

Branch = tuple[Step, ...]
"""The steps of one side of a union; the first names the resource type, or `%resource`, or goes on from the context."""

DEEPEST = 20
"""How deep brackets nest: an expression is somebody else's."""

_TOKEN = re.compile(r"\s*(?:'(?P<text>[^']*)'|(?P<word>%?\w+)|(?P<sign>[|().\[\]=]))")
OUTSIDE = "is outside the FHIRPath subset of search parameters"
_TRUE = re.compile(r"(?P<path>[\w.]+)\.exists\(\) and (?P=path) != false")


def parse(expression: str) -> tuple[Branch, ...]:
    """Return the branches of the union `expression` is, in its order.

    Raises:
        ValueError: The expression uses something outside the subset; the message quotes it.
    """
    if match := _TRUE.fullmatch(expression):
        return tuple((*branch, ("true",)) for branch in parse(match["path"]))
    reader = _Reader(expression)
    branches = reader.union()
    reader.end()
    return branches


class _Reader:
    """A recursive-descent reader; its state is the position in the tokens."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens: list[str] = []
        position = 0
        while position < len(expression):
            match = _TOKEN.match(expression, position)
            if match is None:
                raise ValueError(f"{expression[position : position + 20]!r} {OUTSIDE}: {expression}")
            self._tokens.append(match[0].strip())
            position = match.end()
        self._tokens.append("")
        self._at = 0
        self._depth = 0

    def union(self) -> tuple[Branch, ...]:
        branches = self._term()
        while self._take("|"):
            branches += self._term()
        return branches

    def end(self) -> None:
        if self._tokens[self._at]:
            raise self._outside()

    def _term(self) -> tuple[Branch, ...]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._outside()
        if self._take("("):
            branches = self.union()
            self._need(")")
        else:
            branches = (self._named(),)
        while steps := self._steps():
            branches = tuple((*branch, *steps) for branch in branches)
        self._depth -= 1
        return branches

    def _steps(self) -> Branch:
        if self._take("as"):
            return (("as", self._word()),)
        if self._take("["):
            index = self._word()
            if not re.fullmatch("[0-9]{1,4}", index):
                self._at -= 1
                raise self._outside()
            self._need("]")
            return (("index", index),)
        return self._named() if self._take(".") else ()

    def _named(self) -> Branch:
        """Return the steps of a name: of an element, or of a function."""
        name = self._word()
        if not self._take("("):
            return (("child", name),)
        steps = self._function(name)
        self._need(")")
        return steps

    def _function(self, name: str) -> Branch:
        if name in ("as", "ofType"):
            return (("as", self._word()),)
        if name == "extension":
            return (("extension", self._text()),)
        if name != "where":
            self._at -= 2
            raise self._outside()
        tests = [self._test()]
        while self._take("and"):
            tests.append(self._test())
        return tuple(tests)

    def _test(self) -> Step:
        """Return one condition of `where`."""
        if self._tokens[self._at] == "resolve":
            for sign in ("resolve", "(", ")", "is"):
                self._need(sign)
            return ("resolves", self._word())
        (*before, branch) = self._term()
        if before:
            raise self._outside()
        self._need("=")
        if len(branch) == 1 and branch[0][0] == "child":
            return ("where", branch[0][1], self._text())
        return ("test", branch, self._text())

    def _take(self, token: str) -> bool:
        if self._tokens[self._at] != token:
            return False
        self._at += 1
        return True

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise self._outside()

    def _word(self) -> str:
        word = self._tokens[self._at]
        if not re.fullmatch(r"%?\w+", word):
            raise self._outside()
        self._at += 1
        return word

    def _text(self) -> str:
        text = self._tokens[self._at]
        if not text.startswith("'") or re.search(r"[\s\x00-\x1f]", text):
            # Paths are texts of steps with spaces between them.
            raise self._outside()
        self._at += 1
        return text[1:-1]

    def _outside(self) -> ValueError:
        return ValueError(f"{self._tokens[self._at] or 'its end'!r} {OUTSIDE}: {self._expression}")
