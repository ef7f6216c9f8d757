"""Files of instances as memory, of which only what is looked at is read."""

import mmap
from pathlib import Path


def mapped(path: Path) -> memoryview:
    """Return the bytes of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is empty.
    """
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
