"""How far a backup is: shown by whoever asked for it."""

from collections.abc import Callable

Progress = Callable[[str, int], None]
"""Told what is being copied or read, and how many rows, files or blobs of it so far; called from several threads."""


def silent(what: str, done: int) -> None:
    """Show nothing."""
