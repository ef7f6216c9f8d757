"""`_list`: what the entries of a List name: https://hl7.org/fhir/R4/search.html#list."""

import re
from collections.abc import Sequence
from typing import Any

from app.records.request import FhirRequest
from fhir.errors import Deleted, InvalidValue, NotFound, NotSupported
from fhir.resource import parse
from fhir.search.control import once
from fhir.search.reference import target

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


async def _entries(request: FhirRequest, id_: str, as_of: int | None) -> list[Any]:
    """Return the entries of a List, now or at an instant; none when it does not exist for the caller."""
    if id_.startswith("$"):
        raise NotSupported(f"The list {id_} is not kept here", "_list")
    if not _ID.fullmatch(id_):
        raise InvalidValue(f"_list: not the id of a List: {id_!r}", "_list")
    try:
        found = await request.record.read("List", id_, as_of=as_of)
    except (NotFound, Deleted):
        return []
    entries: list[Any] = parse(found.body).get("entry", [])
    return entries


async def listed(request: FhirRequest, pairs: Sequence[tuple[str, str]], as_of: int | None = None) -> dict[str, str]:
    """Return the ids that a List names by their types, separated by commas.

    Args:
        request: The request.
        pairs: Names and values.
        as_of: The instant of the search's first page, in microseconds; None for now.

    Raises:
        InvalidValue: `_list` is no id, or is there twice.
        NotSupported: it names a list that a server would make up, like `$current-problems`.
    """
    wanted = once(pairs, "_list") or ""
    base_url = request.hub.settings.fhir_address
    ids: dict[str, list[str]] = {}
    for entry in await _entries(request, wanted, as_of):
        link = target(entry["item"].get("reference", ""), base_url)
        kind, _, id_ = link.partition("/")
        if not entry.get("deleted") and _ID.fullmatch(id_):
            ids.setdefault(kind, []).append(id_)
    return {kind: ",".join(dict.fromkeys(found)) for kind, found in ids.items()}
