"""The setting that says what names of coding systems mean at the sites of the region.

`LENDO=http://example.org/endoscopy, hospital-a/99XY1=http://example.org/departments`: at every site, or at one.
"""

from collections.abc import Mapping
from functools import lru_cache

from app.comma import parts


class WrongCodingSystems(ValueError):
    """The setting cannot be read; the text says which part."""


@lru_cache(maxsize=64)
def coding_systems(text: str, slug: str) -> Mapping[str, str]:
    """Return the URIs of coding systems by the names that a site uses.

    Args:
        text: The setting.
        slug: The site. What is said of it goes before what is said of all.

    Raises:
        WrongCodingSystems: a part is not of the form `NAME=URI` or `SLUG/NAME=URI`.
    """
    everywhere: dict[str, str] = {}
    here: dict[str, str] = {}
    for part in parts(text):
        left, equals, uri = part.partition("=")
        site, _, name = left.rpartition("/")
        if not (equals and name and ":" in uri) or any(each.isspace() for each in part):
            raise WrongCodingSystems(f"{part!r} is not of the form NAME=URI or SLUG/NAME=URI")
        if site in {"", slug}:
            (here if site else everywhere)[name] = uri
    return {**everywhere, **here}
