"""Files that a command writes: none that is there is written over."""

from pathlib import Path
from typing import IO

import click


def new_file(place: Path) -> IO[bytes]:
    """Return a file that was not there, open for writing.

    Raises:
        ClickException: it is there already, or cannot be written.
    """
    try:
        return place.open("xb")
    except FileExistsError as error:
        raise click.ClickException(f"{place} is there already") from error
    except OSError as error:
        raise click.ClickException(f"{place} cannot be written: {error.strerror}") from error
