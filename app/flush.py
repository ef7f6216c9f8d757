"""Flushing a folder: a file's name is durable only once its folder is.

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
