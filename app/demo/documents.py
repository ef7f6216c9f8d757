"""Documents: the FHIR documents a site has written: letters of clinics, discharge summaries of hospitals.

https://hl7.org/fhir/R4/documents.html
"""

from collections.abc import Iterator

from app.demo.chart import charts
from app.demo.discharge import discharge
from app.demo.papers import bundle
from app.demo.referral import referral
from app.demo.region import Region
from app.demo.terms import Json


def documents(region: Region, site_slug: str) -> Iterator[tuple[Json, Json]]:
    """Yield each document of a site with the Identifier of its patient there.

    The Bundle carries its own Patient entry with the same Identifier; all its references are `urn:uuid:`
    of its own entries, or name staff by identifier.

    Raises:
        KeyError: There is no such site.
    """
    for chart in charts(region, site_slug):
        for paper in (referral(chart), discharge(chart)):
            if paper:
                yield chart.token, bundle(chart, paper)
