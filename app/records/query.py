"""Search parameters read as this hub reads them: its address, and what its strings take for the same."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fhir.search.query import MOST, Query, parse

if TYPE_CHECKING:
    from app.hub import Hub


def read_query(
    hub: "Hub", type_name: str, pairs: Sequence[tuple[str, str]], *, lenient: bool = False, most: int = MOST
) -> Query:
    """Return the search that parameters ask for; `fhir.search.query.parse` says what is refused.

    Args:
        hub: The running hub, whose search parameters are those that the caller's epoch has.
        type_name: The resource type that is searched.
        pairs: Names and values, decoded.
        lenient: Whether parameters that the type does not have are left out.
        most: The cap of `_count`.
    """
    settings = hub.settings
    return parse(
        type_name,
        pairs,
        lenient=lenient,
        base_url=settings.fhir_address,
        japanese=settings.folds_japanese,
        most=most,
        known=hub.search_parameters.in_force,
    )
