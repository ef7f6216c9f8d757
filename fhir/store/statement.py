"""A statement that is kept as text: the tree of it that SQLAlchemy builds is let go."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ClauseElement


class Statement:
    """A statement that is built when it is compiled: the tree of one with chains takes up to a megabyte.

    Attributes:
        compiled: What compilers made of it, by the name of their dialect.
    """

    __slots__ = ("_build", "compiled")

    def __init__(self, build: Callable[[], ClauseElement]) -> None:
        self._build = build
        self.compiled: dict[str, Any] = {}

    def tree(self) -> ClauseElement:
        """Return the statement as SQLAlchemy has it, built anew."""
        return self._build()
