"""A statement that is kept as text: the tree of it that SQLAlchemy builds is let go."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ClauseElement


class Statement:
    """A statement that is built when it is compiled: the tree of one with chains takes up to a megabyte.

    Attributes:
        size: How many conditions it has, about: a dozen take some ten milliseconds to build and compile.
        compiled: What compilers made of it, by the name of their dialect.
    """

    __slots__ = ("_build", "compiled", "size")

    def __init__(self, build: Callable[[], ClauseElement], size: int = 1) -> None:
        self._build = build
        self.size = size
        self.compiled: dict[str, Any] = {}

    def tree(self) -> ClauseElement:
        """Return the statement as SQLAlchemy has it, built anew."""
        return self._build()
