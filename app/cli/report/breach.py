"""`renkei report breach`: whom an account, a site, a client, an address or a period affected, and with what."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from app.access.directory import Organisation, find_organisation, organisations
from app.audit.review import Reviewer
from app.cli.recorded import told
from app.cli.report.written import Wanted, written
from app.cli.running import opened, synchronous
from app.hub import Hub
from app.identity.person import persons_of
from app.reports import walk
from app.reports.affected import Affected, Suspect, gather
from app.reports.breach import breach as list_of
from app.reports.names import names
from app.reports.period import days, today

RECORDED_AT_ONCE = 500
"""Patients whose audit records share a flush."""

_DAY = click.DateTime(["%Y-%m-%d"])


async def _record(hub: Hub, found: Affected, words: str) -> None:
    """Put it on record, for each patient of the list, before the list is shown."""
    event = told(hub, "audit-log-used", words)
    events = [
        event._replace(patient=one.reference, patient_key=one.key, custodian=one.holder or None)
        for one in found.patients.values()
        if one.key is not None
    ]
    for start in range(0, len(events), RECORDED_AT_ONCE):
        await hub.audit.append(events[start : start + RECORDED_AT_ONCE])
    if not events:
        await hub.audit.append([event])


def _asked_for(given: dict[str, str], begins: datetime | None, ends: datetime | None) -> list[tuple[str, str]]:
    titles = {
        "account": "アカウント / Account",
        "site": "施設 / Site",
        "client": "システム / Client",
        "address": "アドレス / Address",
        "holder": "記録の保有施設 / Holder",
    }
    found = [(titles[name], value) for name, value in given.items() if value]
    first, last = (f"{day:%Y-%m-%d}" if day else "…" for day in (begins, ends))
    return [*found, ("期間 / Period", f"{first} – {last}")]


async def _suspect(hub: Hub, given: dict[str, str], begins: datetime | None, ends: datetime | None) -> Suspect:
    first, last = days(begins, ends)
    reader = hub.database.reader
    site, holder = [
        (await find_organisation(reader, given[name])).reference if given[name] else "" for name in ("site", "holder")
    ]
    return Suspect(
        account=given["account"],
        site=site,
        client=given["client"],
        address=given["address"],
        holder=holder,
        begins=first,
        ends=last,
    )


async def _gathered(hub: Hub, suspect: Suspect) -> tuple[Affected, Sequence[Organisation]]:
    await hub.leader.integrate_all()
    reader, now = hub.database.reader, hub.clock()
    events = walk.events(reader, Reviewer(hub.audit.keys), suspect.question(), now=now)
    sites = await organisations(reader)
    known = suspect.known(hub.audit.keys, [one.reference for one in sites])
    return await gather(known.all(events), suspect), sites


@click.command()
@click.option("--account", default="", metavar="NAME", help="What this account did.")
@click.option("--site", default="", metavar="SLUG", help="What was done for this site.")
@click.option("--client", default="", metavar="ID", help="What came by this system or app.")
@click.option("--address", default="", metavar="IP", help="What came from this network address.")
@click.option("--holder", default="", metavar="SLUG", help="Only the records of this site.")
@click.option("--from", "begins", type=_DAY, help="From this day on, in Japan.")
@click.option("--to", "ends", type=_DAY, help="Until this day, inclusive.")
@click.option("--known", "noticed", type=_DAY, help="The day on which it was known; terms run from it. Today.")
@click.option("--names", "with_names", is_flag=True, help="Name the persons: numbers, name, birth, address, telephone.")
@written
@synchronous
async def breach(
    begins: datetime | None,
    ends: datetime | None,
    noticed: datetime | None,
    with_names: bool,
    form: str,
    table: str,
    output: Path | None,
    **given: str,
) -> None:
    """List whom a breach affected, with what, by whom and when, for the reports and notices of the law."""
    wanted = Wanted(form, table, output)
    if not any((*given.values(), begins)):
        raise click.UsageError("Say by whom (--account, --site, --client, --address), whose, or since when (--from)")
    async with opened() as hub:
        wanted.check(hub)
        found, sites = await _gathered(hub, await _suspect(hub, given, begins, ends))
        keys = [one.key for one in found.patients.values() if one.key is not None]
        asked_for = _asked_for(given, begins, ends)
        reader = hub.database.reader
        sheet = list_of(
            found,
            region=hub.settings.region,
            made=hub.clock(),
            asked_for=asked_for,
            noticed=noticed.date() if noticed else today(hub.clock()),
            person=await persons_of(reader, keys),
            sites=sites,
            known=await names(reader, keys) if with_names else None,
        )
        words = ", ".join(f"{name}: {value}" for name, value in asked_for)
        await _record(hub, found, f"Report of a breach{', with names' if with_names else ''}. {words}")
        wanted.write(sheet, hub)
