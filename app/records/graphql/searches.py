"""The searches of a query: lists, which are whole or an error, and connections, which have pages.

https://hl7.org/fhir/R4/graphql.html#searching
"""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from app.identity.scope import patient_keys
from app.records.enumeration import asking
from app.records.query import read_query
from app.records.request import FhirRequest, decode_pairs
from app.records.terminology.search import with_terms
from fhir import exact
from fhir.errors import InvalidValue, TooCostly
from fhir.graphql.arguments import search_pairs
from fhir.graphql.budget import Budget
from fhir.graphql.field import Field
from fhir.graphql.select import Tree, holds
from fhir.search.run import ORDERS, Page, Place, search
from fhir.store.stored import Stored

Pairs = list[tuple[str, str]]


async def _page(
    request: FhirRequest, type_name: str, pairs: Pairs, limit: int, after: Sequence[Any], as_of: int | None
) -> Page:
    record = request.record
    asked_for = asking(request, [type_name], pairs)
    query = read_query(request.hub, type_name, pairs, most=request.hub.settings.page_entries_limit)
    query = await with_terms(request, query)
    place = Place(after or None, as_of=as_of)
    page = await search(record.connection, record.visibility, query, patient_keys, limit=limit, place=place)
    if asked_for is not None:
        asked_for.found(page.matches)
    return page


async def _kept(field: Field, matches: Sequence[Stored], budget: Budget) -> tuple[list[Stored], list[Tree]]:
    """Return the matches of which the field's `fhirpath` is true."""

    def chosen() -> tuple[list[Stored], list[Tree]]:
        trees = [(one, exact.read(one.body)) for one in matches]
        kept = [(one, tree) for one, tree in trees if holds(field, tree, field.type, budget)]
        return [one for one, _ in kept], [tree for _, tree in kept]

    return await asyncio.to_thread(chosen)


def _asked(pairs: Pairs) -> int | None:
    """Return the `_count` that is asked for."""
    count = next((text for name, text in pairs if name == "_count"), None)
    if count is None:
        return None
    if not count.isascii() or not count.isdigit() or len(count) > 9:
        raise InvalidValue("_count is a whole number", "_count")
    return int(count)


async def listed(request: FhirRequest, field: Field, source: str, budget: Budget) -> tuple[list[Stored], list[Tree]]:
    """Return all matches of a `[Type]List`, or the first `_count` of them.

    Raises:
        TooCostly: there are more than a page may have, and `_count` does not ask for so few.
    """
    pairs = search_pairs(field.type, field.arguments, source)
    asked, most = _asked(pairs), request.hub.settings.page_entries_limit
    if asked == 0:
        return [], []
    limit = most if asked is None else min(asked, most)
    page = await _page(request, field.type, [*pairs, ("_total", "none")], limit, (), None)
    if page.after is not None and (asked is None or asked > most):
        text = f"{field.name} has more than {limit} matches: restrict it, give a _count, or use {field.type}Connection"
        raise TooCostly(text, field.key)
    return await _kept(field, page.matches, budget)


def _sealed(request: FhirRequest, type_name: str, pairs: Pairs, position: Sequence[Any]) -> str:
    """Return a cursor that says what was asked, and where the page begins."""
    asked = urlencode(pairs)
    sealed = request.hub.cursors.seal((ORDERS, *position), request.binding(f"$graphql/{type_name}", pairs))
    return f"{sealed}.{base64.urlsafe_b64encode(asked.encode()).decode().rstrip('=')}"


def _opened(request: FhirRequest, type_name: str, cursor: str) -> tuple[Pairs, list[Any]]:
    sealed, _, asked = cursor.partition(".")
    try:
        text = base64.urlsafe_b64decode(asked + "=" * (-len(asked) % 4))
    except (binascii.Error, ValueError):
        raise InvalidValue("This is not a cursor of this server", "_cursor") from None
    pairs = decode_pairs(text)
    orders, *position = request.hub.cursors.open(sealed, request.binding(f"$graphql/{type_name}", pairs))
    if orders != ORDERS:
        raise InvalidValue("This cursor is of another release; ask anew", "_cursor")
    return pairs, position


async def connection(request: FhirRequest, field: Field, source: str, budget: Budget) -> tuple[list[Stored], Tree]:
    """Return a page of a `[Type]Connection`: how many match, the edges, and the cursors of other pages.

    There is no way back from a page but to the first one: `previous` and `last` are never given.
    """
    cursor = field.arguments.get("_cursor")
    offset, as_of, after = 0, request.now, list[Any]()
    if cursor is None:
        pairs = search_pairs(field.type, field.arguments, source)
    else:
        pairs, (as_of, offset, *after) = _opened(request, field.type, str(cursor))
    asked, settings = _asked(pairs), request.hub.settings
    limit = settings.page_entries if asked is None else min(asked, settings.page_entries_limit)
    page = await _page(request, field.type, pairs, limit, after, None if cursor is None else as_of)
    found, trees = await _kept(field, page.matches, budget)
    made: Tree = {
        "count": page.total,
        "offset": offset,
        "pagesize": limit,
        "first": _sealed(request, field.type, pairs, (as_of, 0)),
        "edges": [{"mode": "match", "resource": tree} for tree in trees],
    }
    if page.after is not None:
        made["next"] = _sealed(request, field.type, pairs, (as_of, offset + len(page.matches), *page.after))
    return found, made
