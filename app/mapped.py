"""A file as memory: it is read as it is needed, and takes no room of its own."""

import mmap
from pathlib import Path


def mapped(path: Path) -> memoryview:
    """Return the content of a file, which stays readable when the file is removed.

    Raises:
        ValueError: the file is empty.
    """
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
