"""Files that are there whole and durable, or not at all: a file's name is durable only once its folder is.

https://man7.org/linux/man-pages/man2/fsync.2.html
"""

import os
from pathlib import Path


def flush_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, octets: bytes, *, mode: int = 0o666) -> None:
    """Write a file that is there whole and durable, or not at all.

    Args:
        path: Its place, in a folder that is there.
        octets: Its content.
        mode: Who may open it, before the process's umask.
    """
    unfinished = path.with_name(path.name + ".tmp")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    flush_folder(path.parent)
