"""The place of what a test throws away: memory, where the machine lends a folder of it.

To copy a database of PostgreSQL is to write some nine hundred files: a quarter of a second of a processor on a disk,
a tenth of it in memory. What needs a disk to show what it shows, such as a crash, asks for none of this.
"""

import os
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder's name is random, as in any place of temporary files
ROOM_BYTES = 2 << 30


def in_memory() -> str | None:
    """Return a folder in memory, or None, which is the usual place, where there is none with room."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return None
    found = os.statvfs(MEMORY)
    return str(MEMORY) if found.f_bavail * found.f_frsize >= ROOM_BYTES else None
