"""Statements that differ by the shape of a visibility: built once for each shape, and then kept as text alone."""

from collections.abc import Callable, Hashable
from functools import partial, wraps
from typing import Concatenate, ParamSpec

from sqlalchemy import ClauseElement

from fhir.store.connection import Visibility
from fhir.store.statement import Statement

P = ParamSpec("P")

MOST_KEPT = 500
"""How many statements one builder keeps; beyond, it begins anew. Callers choose query shapes."""


def by_shape(
    build: Callable[Concatenate[Visibility, P], ClauseElement],
) -> Callable[Concatenate[Visibility, P], Statement]:
    """Keep what `build` makes by the visibility's shape and the further arguments, which must be hashable.

    An argument may say by `size` how many conditions it makes.
    """
    kept: dict[Hashable, Statement] = {}

    @wraps(build)
    def get(visibility: Visibility, /, *args: P.args, **kwargs: P.kwargs) -> Statement:
        key = (visibility.shape, args, tuple(kwargs.items()))
        made = kept.get(key)
        if made is None:
            if len(kept) >= MOST_KEPT:
                kept.clear()
            size = sum(getattr(arg, "size", 1) for arg in args)
            made = kept[key] = Statement(partial(build, visibility, *args, **kwargs), size)
        return made

    return get
