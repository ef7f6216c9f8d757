"""A ZIP that leaves as it is made: nothing is gone back to, so that it needs neither a file nor memory.

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3.9: sizes that follow what they are of)
"""

from collections.abc import Callable


class Outlet:
    """A file for `zipfile` that can only be written to: it hands on what it is given.

    Args:
        give: Takes the bytes.
    """

    def __init__(self, give: Callable[[bytes], object]) -> None:
        self._give = give

    def write(self, data: bytes, /) -> int:
        """Hand bytes on."""
        self._give(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """Do nothing: who takes the bytes closes what they went to."""
