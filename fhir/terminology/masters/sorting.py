"""Which table of what an operator gives is which: by its layout, and by its name where two have the same layout."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice

from fhir.terminology.masters.layout import HEAD, Layout
from fhir.terminology.masters.table import Table, UnknownLayout

MOST_REASONS = 10
"""Why so many tables are not taken is said."""


def sort(tables: Sequence[Table], layouts: Mapping[str, Layout], unused: list[str]) -> Iterator[tuple[str, Table]]:
    """Yield each table with the key of its layout.

    A table that is named as its publisher names it must have that layout. One of another name is taken by its layout,
    but not beside a named one: archives hold excerpts too.

    Args:
        tables: What is there.
        layouts: The layouts of a master, by a key.
        unused: The place of each table that is none of them is added.

    Raises:
        UnknownLayout: a table has the name of one of them and not its layout, or none at all is known.
    """
    names = [next((key for key, layout in layouts.items() if layout.named(one)), None) for one in tables]
    known = False
    reasons: list[str] = []
    for table, name in zip(tables, names, strict=True):
        keys = [name] if name is not None else [key for key in layouts if key not in names]
        try:
            head = list(islice(table.rows, HEAD))
        except UnknownLayout as error:
            if name is not None:
                raise
            reasons.append(str(error))
            keys, head = [], []
        for key in keys:
            try:
                layouts[key].find(head, table.place)
            except UnknownLayout as error:
                if name is not None:
                    raise
                reasons.append(str(error))
            else:
                known = True
                yield key, table._replace(rows=chain(head, table.rows))
                break
        else:
            unused.append(table.place)
    if not known:
        raise UnknownLayout("\n".join(reasons[:MOST_REASONS]) or "There is no table in these files")
