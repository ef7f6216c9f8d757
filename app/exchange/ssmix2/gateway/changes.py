"""Which patients' files have changed: by the transaction store where there is one, else by the system's file events."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import watchfiles

from app.exchange.ssmix2.gateway.journal import Journal
from app.exchange.ssmix2.path import folders_of
from app.exchange.ssmix2.transactions import NAME, patients_in

LOOK_SECONDS = 2.0
"""How often the transaction store is looked at."""

PIECE_BYTES = 1_000_000
"""The most that is read of it at once."""

OVERLAP_BYTES = 300
"""What is read a second time, since a record may have been cut in two."""

logger = logging.getLogger(__name__)


class Transactions:
    """A transaction store that is read on from where it was read before.

    Args:
        folder: Its root: files, or a folder a year.
        journal: Keeps how far each file was read.
    """

    def __init__(self, folder: Path, journal: Journal) -> None:
        self._folder = folder
        self._journal = journal

    def _files(self) -> list[Path]:
        found = [*self._folder.glob("TR_*"), *self._folder.glob("*/TR_*")]
        return sorted((one for one in found if NAME.fullmatch(one.name)), key=lambda one: one.name)

    def skip(self) -> None:
        """Leave out all that is there, when it was never read: the store itself holds what it tells."""
        if "transactions" not in self._journal.notes():
            sizes = {f"read {one.name}": one.stat().st_size for one in self._files()}
            self._journal.note(transactions="read", **sizes)

    def read(self) -> list[str]:
        """Return the folders of the patients that were added to since it was read last."""
        notes, found = self._journal.notes(), dict[str, None]()
        for one in self._files():
            done, size = int(notes.get(f"read {one.name}", 0)), one.stat().st_size
            if size < done:
                # It was written anew, and is read from its beginning.
                done = 0
            with one.open("rb") as file:
                while done < size:
                    file.seek(max(0, done - OVERLAP_BYTES))
                    piece = file.read(PIECE_BYTES)
                    found |= dict.fromkeys(patients_in(piece))
                    if file.tell() <= done:
                        # It was cut while it was read: the next look begins anew.
                        break
                    done = file.tell()
            self._journal.note(**{f"read {one.name}": done})
        return ["/".join(folders_of(number)) for number in found]


async def by_events(root: Path, stop: asyncio.Event) -> AsyncIterator[set[str]]:
    """Yield the folders of patients whose files have changed, as the system tells of it; end when it cannot."""
    try:
        async for changes in watchfiles.awatch(root, stop_event=stop, recursive=True, step=200, rust_timeout=2_000):
            paths = [Path(path).relative_to(root).parts for _, path in changes]
            yield {"/".join(parts[:3]) for parts in paths if len(parts) >= 3}
    except (OSError, RuntimeError) as error:
        # More folders than fs.inotify.max_user_watches, or a share that tells nothing.
        logger.warning("Changes are seen by walking the store alone: %s", error)
