"""Lists of values in statements: few statements, which are compiled once, serve lists of any length."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import BindParameter, bindparam
from sqlalchemy.types import TypeEngine

T = TypeVar("T")


def padded(name: str, values: Sequence[T]) -> dict[str, T]:
    """Return values by the names of parameters, `key0`, `key1` …: a power of two of them, the first fills the rest."""
    count = 1 << (len(values) - 1).bit_length() if values else 0
    return {f"{name}{number}": values[number if number < len(values) else 0] for number in range(count)}


def parameters(name: str, count: int, type_: type[TypeEngine[Any]]) -> list[BindParameter[Any]]:
    """Return the parameters of these names, for a statement."""
    return [bindparam(f"{name}{number}", type_=type_) for number in range(count)]
