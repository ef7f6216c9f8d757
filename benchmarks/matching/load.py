"""Writes made-up records into a hub as its sites would: by the write gate, some hundred a transaction."""

from collections.abc import Iterator, Sequence

import orjson

from app.access.directory import Organisation, add_organisation, find_organisation
from app.hub import Hub
from app.records.commit import committed
from app.records.inside import inside_request
from app.records.prepare import Prepared, prepare
from app.records.writing import Writing
from benchmarks.matching.records import SITES, Record
from fhir.store.stored import Stored

TOGETHER = 500
"""Records that come in before the next are looked at; each site's of them are one transaction."""


async def add_sites(hub: Hub) -> list[Organisation]:
    """Add the five sites and return them."""
    async with hub.database.write() as connection:
        for number, institution in enumerate(SITES):
            slug = f"site-{number}"
            await add_organisation(
                *(connection,), slug=slug, title=slug, kind="hospital", number=institution, resource_id=slug
            )
    return [await find_organisation(hub.database.reader, f"site-{number}") for number in range(len(SITES))]


async def _write(hub: Hub, site: Organisation, some: Sequence[Record]) -> list[int]:
    request = await inside_request(hub, site, "POST", "/fhir/Patient")
    request.interaction, request.action = "create", "C"
    prepared: list[Prepared] = [prepare(orjson.dumps(one.patient), request.authority) for one in some]

    async def work(writing: Writing) -> list[Stored]:
        return [await writing.create(one) for one in prepared]

    return [stored.patient_key for stored in await committed(request, work)]


def _parts(records: Sequence[Record]) -> Iterator[tuple[int, list[Record]]]:
    for start in range(0, len(records), TOGETHER):
        some = records[start : start + TOGETHER]
        for site in range(len(SITES)):
            of_site = [one for one in some if one.site == site]
            if of_site:
                yield site, of_site


async def write_records(hub: Hub, sites: Sequence[Organisation], records: Sequence[Record]) -> dict[int, int]:
    """Write records and return the true person of each Patient, by the Patient's key."""
    truth: dict[int, int] = {}
    for site, some in _parts(records):
        keys = await _write(hub, sites[site], some)
        truth |= {key: one.person for key, one in zip(keys, some, strict=True)}
    return truth
