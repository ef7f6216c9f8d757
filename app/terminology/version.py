"""The version of a master, as the names of its files say it."""

import re
from collections.abc import Iterable

_DAY = re.compile(r"(?<!\d)((?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)")
_MONTH = re.compile(r"(?<!\d)(20\d{2}(?:0[1-9]|1[0-2]))(?!\d)")
_EDITION = re.compile(r"(?:nmain|mdfy|byomei)[_-]?(\d)(\d{2})(?!\d)", re.IGNORECASE)
"""標準病名マスター: `nmain517.txt` is of edition 5.17."""


def named_version(names: Iterable[str]) -> str:
    """Return the version that names say: a day, an edition, or a month; empty when none does.

    Where several do, it is the newest.

    Args:
        names: Of files, and of the parts of archives.
    """
    found = list(names)
    for pattern in (_DAY, _EDITION, _MONTH):
        said = [".".join(match.groups()) for name in found for match in pattern.finditer(name)]
        if said:
            return max(said)
    return ""
