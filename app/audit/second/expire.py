"""Removes files of the second log once retention has removed the records of all their lines."""

import fcntl
import os
from pathlib import Path

from app.audit.second.entries import MalformedEntry, files, lines, parse
from app.flush import flush_folder


def remove_over(folder: Path, gone: int) -> int:
    """Remove what is over and return how many files that were; a file that a process writes stays.

    Args:
        folder: The second log's.
        gone: The highest number of a record that retention has removed.

    Raises:
        OSError: a file cannot be read or removed.
    """
    count = sum(_remove(path, gone) for path in files(folder))
    if count:
        flush_folder(folder)
    return count


def _remove(path: Path, gone: int) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        # Another process has removed it.
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        over = _is_over(path, gone)
        if over:
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return over


def _is_over(path: Path, gone: int) -> bool:
    """Return whether a file has lines, and all of them are of records that are gone; one that is damaged stays."""
    some = False
    for _, text in lines(path):
        try:
            some = parse(text).row <= gone
        except MalformedEntry:
            return False
        if not some:
            return False
    return some
