"""What the measurements of one database share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from benchmarks.servers import Server, children_seconds

Tell = Callable[[str], None]

BARS = {
    ("read", "sqlite"): 0.30,
    ("search", "sqlite"): 0.14,
    ("ingest", "sqlite"): 0.45,
    ("read", "postgresql"): 0.6,
    ("search", "postgresql"): 0.4,
    ("ingest", "postgresql"): 0.4,
    ("$everything", "sqlite"): 0.3,
    ("$everything", "postgresql"): 0.3,
}
"""What the ratio of a figure to its yardstick must reach."""

PATIENT_GROWTH_BAR = 1.3
"""A search of one person's record may cost so many times as much when there are ten times the data."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    persons: int
    """Of 1×; some fifty resources each."""
    asked: int
    """Persons with diabetes whose records are asked for, the same number at each scale."""
    rounds: int
    """Interleaved runs of which medians are taken."""
    seconds: float
    """Of each run of the load generator."""
    asking_seconds: float
    """How long one caller asks each question over and over."""
    ingest_patients: int
    """Patients in the interleaved rounds of the ingest."""


@dataclass(slots=True)
class Bench:
    """A hub that runs, and where it and its yardsticks lie."""

    settings: Settings
    folder: Path
    size: Size
    server: Server
    tell: Tell
    scale: int = 1
    """How many times the persons of 1× are loaded."""
    postmaster: int | None = None
    """The process number of the PostgreSQL server."""
    hospital: str = ""
    clinic: str = ""

    @property
    def database(self) -> str:
        """Which engine is measured."""
        return "postgresql" if self.settings.is_postgresql else "sqlite"

    def processor_seconds(self) -> float:
        """Return the processor time that the hub and its database server have used."""
        spent = self.server.processor_seconds()
        return spent if self.postmaster is None else spent + children_seconds(self.postmaster)
