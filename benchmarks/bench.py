"""What the measurements of one database share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from benchmarks.servers import Server

Tell = Callable[[str], None]

BARS = {
    ("read", "sqlite"): 0.22,
    ("search", "sqlite"): 0.10,
    ("ingest", "sqlite"): 0.30,
    ("read", "postgresql"): 0.5,
    ("search", "postgresql"): 0.3,
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    patients: int
    rounds: int
    """Interleaved runs of which medians are taken."""
    seconds: float
    """Of each run of the load generator."""
    ingest_patients: int
    """Patients in the interleaved rounds of the ingest; the rest is loaded without a yardstick."""


@dataclass(slots=True)
class Bench:
    """A hub that runs, and where it and its yardsticks lie."""

    settings: Settings
    folder: Path
    size: Size
    server: Server
    tell: Tell
    hospital: str = ""
    clinic: str = ""

    @property
    def database(self) -> str:
        """Which engine is measured."""
        return "postgresql" if self.settings.is_postgresql else "sqlite"
