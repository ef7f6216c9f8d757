"""The text by which tokens and references are put in order: read off the body, since their index rows are hashes.

A token's is its code or value, a reference's what is written in it. Texts compare by code point.
https://hl7.org/fhir/R4/search.html#sort
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_LEAVES = {
    "Coding": ("code",),
    "CodeableConcept": ("coding", "code"),
    "Identifier": ("value",),
    "ContactPoint": ("value",),
    "Reference": ("reference",),
    "Resource": ("id",),
}
"""Where the text lies in a value of a type; in all other types the value is the text."""

_NOT_TEXT = {"Attachment"}


class OrderText(FunctionElement[str]):
    """The least or the greatest text of a search parameter in a body.

    Args:
        body: The column of the body.
        paths: Where the values are (`SearchParameter.paths`).
        greatest: Whether the greatest is meant.
    """

    inherit_cache = False
    type = Text()

    def __init__(self, body: ColumnElement[Any], paths: Sequence[str], *, greatest: bool) -> None:
        super().__init__(body)
        self.branches = [branch for path in paths if (branch := _steps(path))]
        self.function = "max" if greatest else "min"


def _steps(path: str) -> tuple[str, ...]:
    *steps, end = path.split(" ")
    kind = end[1:]
    return () if kind in _NOT_TEXT else (*steps, *_LEAVES.get(kind, ()))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _sqlite_members(holder: str, key: str) -> str:
    """Return the call that gives what an object holds under a key, one row for each item of an array."""
    member = f"json_extract({holder}, {_quoted('$.' + key)})"
    is_array = f"json_type({holder}, {_quoted('$.' + key)}) = 'array'"
    return f"json_each(CASE WHEN {is_array} THEN {member} ELSE json_array({member}) END)"


def _sqlite_condition(at: str, step: str) -> str:
    if step[0] == "#":
        return f"{at}.key = {int(step[1:])}"
    if step.startswith("->"):
        reference = f"json_extract({at}.value, '$.reference')"
        kind = step[2:]
        return f"({reference} GLOB {_quoted(kind + '/*')} OR {reference} GLOB {_quoted('*/' + kind + '/*')})"
    key, _, value = step[1:].partition("=")
    return f"json_extract({at}.value, {_quoted('$.' + key)}) = {_quoted(value)}"


def _sqlite_branch(body: str, steps: Sequence[str]) -> str:
    if steps[0][0] == "!":
        keys = [f"coalesce(json_extract({body}, {_quoted('$.' + key)}), 0) <> 0" for key in steps[0][1:].split(",")]
        return f"SELECT CASE WHEN {' OR '.join(keys)} THEN 'true' ELSE 'false' END AS v"
    sources: list[str] = []
    conditions: list[str] = []
    for step in steps:
        at = f"e{len(sources)}"
        if step[0] in "?#-":
            conditions.append(_sqlite_condition(at, step))
        else:
            holder = f"{at}.value" if sources else body
            sources.append(f"{_sqlite_members(holder, step)} e{len(sources) + 1}")
    last = f"e{len(sources)}"
    # A boolean is a number here.
    text = f"CASE {last}.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE {last}.value END"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {text} AS v FROM {' CROSS JOIN '.join(sources)}{where}"  # noqa: S608 - names of R4 elements


@compiles(OrderText, "sqlite")
def _sqlite(element: OrderText, compiler: SQLCompiler, **options: Any) -> str:
    body = f"CAST({compiler.process(element.clauses, **options)} AS TEXT)"
    branches = " UNION ALL ".join(_sqlite_branch(body, steps) for steps in element.branches)
    return f"(SELECT {element.function}(v) FROM ({branches}))"  # noqa: S608


def _jsonpath(steps: Sequence[str]) -> str:
    """Return the steps in the path language of SQL; an array stands for its items."""
    path = "$"
    for step in steps:
        if step[0] == "#":
            path += f"[{int(step[1:])}]"
        elif step.startswith("->"):
            path += f' ? (@.reference like_regex "(^|/){step[2:]}/")'
        elif step[0] == "?":
            key, _, value = step[1:].partition("=")
            path += f' ? (@."{key}" == "{value}")'
        else:
            path += f'."{step}"'
    return path


def _postgresql_branch(body: str, steps: Sequence[str]) -> str:
    if steps[0][0] == "!":
        keys = [f"coalesce({body} ->> {_quoted(key)}, 'false') <> 'false'" for key in steps[0][1:].split(",")]
        return f"SELECT CASE WHEN {' OR '.join(keys)} THEN 'true' ELSE 'false' END AS v"
    return f"SELECT j #>> '{{}}' AS v FROM jsonb_path_query({body}, {_quoted(_jsonpath(steps))}) AS j"  # noqa: S608


@compiles(OrderText, "postgresql")
def _postgresql(element: OrderText, compiler: SQLCompiler, **options: Any) -> str:
    body = f"CAST(convert_from({compiler.process(element.clauses, **options)}, 'UTF8') AS jsonb)"
    branches = " UNION ALL ".join(_postgresql_branch(body, steps) for steps in element.branches)
    return f'(SELECT {element.function}(v COLLATE "C") FROM ({branches}) AS t)'  # noqa: S608
