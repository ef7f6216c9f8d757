"""What one query may cost, counted while it is carried out."""

from fhir.errors import TooCostly

MOST_VISITED = 300_000
"""The most objects and values that one query looks at."""

MOST_CHARACTERS = 30_000_000
"""The most characters of an answer."""


class Budget:
    """What a query may still cost."""

    def __init__(self) -> None:
        self._visits = MOST_VISITED
        self._characters = MOST_CHARACTERS

    def visit(self, characters: int = 0, visits: int = 1) -> None:
        """Count objects and values that are looked at, and characters of the answer.

        Raises:
            TooCostly: it is one too many.
        """
        self._visits -= visits
        self._characters -= characters
        if self._visits < 0 or self._characters < 0:
            raise TooCostly("The query looks at too much: select less, or fewer resources", "query")
