"""What waits for a person to say whose it is: counted for `/metrics`; whether some is forgotten soon, for `/health`."""

from typing import TYPE_CHECKING

from prometheus_client import Gauge
from sqlalchemy import BigInteger, Text, bindparam, func, literal_column, select

from app.clock import DAY
from app.imaging.media.disc import WAITING
from app.imaging.media.tables import media_disc, media_patient

if TYPE_CHECKING:
    from app.hub import Hub

SOON = 14 * DAY
"""Microseconds before images that nobody decided on are removed, from when on it is said."""

WAIT = Gauge(
    "renkei_images_waiting", "Patients whose images wait for somebody to say whose they are, by kind", ["kind"]
)

_STATE = bindparam("waiting", WAITING, type_=Text)
_IS_REVIEW = media_disc.c.conflict != literal_column("''")
_COUNT = (
    select(_IS_REVIEW, func.count())
    .join(media_patient, media_patient.c.disc == media_disc.c.number)
    .where(media_patient.c.state == _STATE)
    .group_by(_IS_REVIEW)
)
_SOON = (
    select(media_patient.c.disc)
    .where(
        media_patient.c.state == _STATE,
        media_patient.c.ends > 0,
        media_patient.c.ends < bindparam("soon", type_=BigInteger),
    )
    .limit(1)
)


async def show(hub: "Hub") -> None:
    """Set the metric: patients of discs, and those of images in review."""
    counts = {bool(review): int(count) for review, count in await hub.database.reader.fetch(_COUNT, {})}
    WAIT.labels("disc").set(counts.get(False, 0))
    WAIT.labels("review").set(counts.get(True, 0))


async def warnings(hub: "Hub") -> list[str]:
    """Return a note when images are removed soon that nobody decided on; it says neither whose nor how many."""
    if not await hub.database.reader.fetch(_SOON, {"soon": hub.clock() + SOON}):
        return []
    return ["Images that wait for a decision are removed within 14 days: renkei media waiting says where"]
