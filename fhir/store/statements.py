"""Statements that differ by the shape of a visibility: built once for each shape."""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from fhir.store.connection import Visibility

P = ParamSpec("P")
T = TypeVar("T")

MOST_KEPT = 200
"""How many statements one builder keeps; beyond, it begins anew.

Callers choose query shapes, and a statement with chains takes up to a megabyte.
"""


def by_shape(
    build: Callable[Concatenate[Visibility, P], T],
) -> Callable[Concatenate[Visibility, P], T]:
    """Keep what `build` makes by the visibility's shape and the further arguments, which must be hashable."""
    kept: dict[Hashable, T] = {}

    @wraps(build)
    def get(visibility: Visibility, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (visibility.shape, args, tuple(kwargs.items()))
        made = kept.get(key)
        if made is None:
            if len(kept) >= MOST_KEPT:
                kept.clear()
            made = kept[key] = build(visibility, *args, **kwargs)
        return made

    return get
