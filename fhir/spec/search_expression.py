"""The part of FHIRPath that R4 search parameters use, read into branches of steps.

https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression
"""

import re

Step = tuple[str, ...]
"""A verb and its arguments: `("child", "name")`, `("as", "Quantity")`, `("where", "system", "phone")`,
`("resolves", "Patient")`, `("index", "0")`, `("extension", url)` or `("true",)` (there, and not `false`)."""

Branch = tuple[Step, ...]
"""The steps of one side of a union; the first names the resource type, or `%resource`."""

_TOKEN = re.compile(r"\s*(?:'(?P<text>[^']*)'|(?P<word>%?\w+)|(?P<sign>[|().\[\]=]))")
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
                raise self._outside()
            self._tokens.append(match[0].strip())
            position = match.end()
        self._tokens.append("")
        self._at = 0

    def union(self) -> tuple[Branch, ...]:
        branches = self._term()
        while self._take("|"):
            branches += self._term()
        return branches

    def end(self) -> None:
        if self._tokens[self._at]:
            raise self._outside()

    def _term(self) -> tuple[Branch, ...]:
        if self._take("("):
            branches = self.union()
            self._need(")")
        else:
            branches = ((("child", self._word()),),)
        while (step := self._step()) is not None:
            branches = tuple((*branch, step) for branch in branches)
        return branches

    def _step(self) -> Step | None:
        if self._take("as"):
            return ("as", self._word())
        if self._take("["):
            index = self._word()
            self._need("]")
            return ("index", index)
        if not self._take("."):
            return None
        name = self._word()
        if not self._take("("):
            return ("child", name)
        step = self._function(name)
        self._need(")")
        return step

    def _function(self, name: str) -> Step:
        if name in ("as", "ofType"):
            return ("as", self._word())
        if name == "extension":
            return ("extension", self._text())
        if name != "where":
            raise self._outside()
        key = self._word()
        if key != "resolve":
            self._need("=")
            return ("where", key, self._text())
        for sign in ("(", ")", "is"):
            self._need(sign)
        return ("resolves", self._word())

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
        if not text.startswith("'"):
            raise self._outside()
        self._at += 1
        return text[1:-1]

    def _outside(self) -> ValueError:
        return ValueError(f"outside the FHIRPath subset of search parameters: {self._expression}")
