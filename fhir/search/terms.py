"""Codes by what they mean: `:in`, `:not-in`, `:above` and `:below` of tokens.

What is read here names a value set, or a code and its system; the codes that this stands for are put in its place
before the search is run, because who asks decides which value sets exist.

https://hl7.org/fhir/R4/search.html#modifiers
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from fhir.search.asked import Asked, Chain, Criterion, Element, Has, Logic, criteria
from fhir.search.query import Query
from fhir.search.values import CodesValue, Numbers, TermValue

Term = tuple[Criterion, TermValue]
"""A value that stands for codes, and the criterion that it is a value of."""


def terms(query: Query) -> Iterator[Term]:
    """Yield what of a query stands for codes."""
    for asked in query.criteria:
        for one in criteria(asked):
            for value in one.values:
                if isinstance(value, TermValue):
                    yield one, value


def with_codes(query: Query, codes: Mapping[Term, Sequence[CodesValue]]) -> Query:
    """Return a query in which codes stand in the place of what stood for them.

    Args:
        query: A query.
        codes: By what stands for them.
    """
    return replace(query, criteria=tuple(_with_codes(one, codes) for one in query.criteria))


def _with_codes(asked: Asked, codes: Mapping[Term, Sequence[CodesValue]]) -> Asked:
    if isinstance(asked, Criterion):
        if not any(isinstance(value, TermValue) for value in asked.values):
            return asked
        found = [one for value in asked.values if isinstance(value, TermValue) for one in codes[asked, value]]
        # What nothing is in is still asked for: no resource has it.
        values = tuple(found) or (CodesValue(0, Numbers()),)
        return Criterion(asked.parameter, "not-in" if asked.modifier == "not-in" else "in", values)
    if isinstance(asked, Chain):
        return Chain(asked.parameter, tuple((kind, _with_codes(one, codes)) for kind, one in asked.branches))
    if isinstance(asked, Has):
        return Has(asked.parameter, _with_codes(asked.inner, codes))
    if isinstance(asked, Element):
        return asked
    return Logic(asked.operator, tuple(_with_codes(one, codes) for one in asked.parts))
