"""Full text in SQL: whether a resource's texts have what is asked, and whose texts may have it.

The texts of one patient are few: they are looked through. Where no patient is named, the keys of `index_gram` say
whose are.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, and_, bindparam, case, exists, or_, select, union
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import Boolean

from fhir.search.values import Gram, TextValue
from fhir.store.in_order import in_order
from fhir.store.tables import index_gram, index_text

Condition = ColumnElement[bool]
Bind = Callable[[str], ColumnElement[Any]]

MOST_KEYS = 4
"""Keys of an alternative that are looked up; the text itself has the last word."""

_LAST_ROW = 2**63 - 1


class _Contains(GenericFunction[bool]):
    """Whether a text has another in it, byte for byte."""

    type = Boolean()
    inherit_cache = True
    name = "contains_text"


@compiles(_Contains, "sqlite")
def _instr(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)}) > 0"


@compiles(_Contains, "postgresql")
def _strpos(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)}) > 0"


def _keys(value: TextValue) -> tuple[str, Sequence[Gram]]:
    """Return the keys to look up and how: several that are exact, or one range."""
    every = dict.fromkeys(one for phrase in value.phrases for one in phrase.grams)
    exact = [one for one in every if one.hi == one.lo + 1]
    return ("exact", exact[:MOST_KEYS]) if exact else ("range", [min(every, key=lambda one: one.hi - one.lo)])


def text_binds(value: TextValue) -> tuple[str, dict[str, Any]]:
    """Return the word of an alternative, `<phrases> <keys> <how they are looked up>`, and the values of its binds."""
    how, keys = _keys(value)
    binds: dict[str, Any] = {f"text{n}": phrase.text for n, phrase in enumerate(value.phrases)}
    binds |= {f"gram{n}": one.lo for n, one in enumerate(keys)}
    if how == "range":
        binds["end0"] = keys[0].hi
    return f"{len(value.phrases)} {len(keys)} {how}", binds


def text_condition(row: FromClause, code: str, word: str, bind: Bind) -> Condition:
    """Return whether the texts of a row of `index_text` have every phrase of an alternative."""
    columns = [row.c.narrative] if code == "_text" else [row.c.narrative, row.c.other]
    wanted = [bind(f"text{n}") for n in range(int(word.split()[0]))]
    return and_(*(or_(*(_Contains(column, one) for column in columns)) for one in wanted))


def _places(parameter: int, label: str, alternative: int, word: str) -> Select[tuple[int, int]]:
    """Return whose texts have every key of an alternative."""
    _, count, how = word.split()

    def bind(name: str) -> ColumnElement[int]:
        return bindparam(f"c{label}_{alternative}_{name}", type_=BigInteger())

    first = index_gram.alias(f"g{alternative}")
    found = select(first.c.patient_key, first.c.row).where(first.c.parameter == parameter)
    if how == "range":
        return found.where(first.c.gram >= bind("gram0"), first.c.gram < bind("end0"))
    found = found.where(first.c.gram == bind("gram0"))
    for n in range(1, int(count)):
        other = index_gram.alias(f"g{alternative}_{n}")
        same = and_(other.c.patient_key == first.c.patient_key, other.c.row == first.c.row)
        found = found.where(exists().where(other.c.parameter == parameter, other.c.gram == bind(f"gram{n}"), same))
    return found


def candidates(parameter: int, label: str, words: Sequence[str]) -> tuple[FromClause, FromClause]:
    """Return the rows of `index_text`, as the alias `i`, that may have an alternative of the criterion of this label.

    Returns:
        The join to select from, and the alias of the texts in it.
    """
    places = [_places(parameter, label, alternative, word) for alternative, word in enumerate(words)]
    # One place has many keys of one beginning, and may have several alternatives.
    place = (union(*places) if len(places) > 1 else places[0].distinct()).subquery("g")
    text = index_text.alias("i")
    last = case((place.c.row == 0, _LAST_ROW), else_=place.c.row)
    of_place = and_(
        text.c.parameter == parameter,
        text.c.patient_key == place.c.patient_key,
        text.c.row >= place.c.row,
        text.c.row <= last,
    )
    return in_order(place, text, of_place), text
