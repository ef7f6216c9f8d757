"""`renkei report month`: what happened at a site in a month."""

from pathlib import Path

import click

from app.access.directory import find_organisation, organisations
from app.audit.review import Question, Reviewer
from app.cli.recorded import record
from app.cli.report.written import Wanted, written
from app.cli.running import opened, synchronous
from app.reports import walk
from app.reports.erased import KnownNames
from app.reports.month import month as report_of
from app.reports.monthly import count
from app.reports.period import month as interval_of


@click.command()
@click.option(
    "--site", default="", metavar="SLUG", help="What was done by the site and with its records; all, without."
)
@click.option("--month", "text", required=True, metavar="2026-04", help="The month, in Japan.")
@written
@synchronous
async def month(site: str, text: str, form: str, table: str, output: Path | None) -> None:
    """Count a month: disclosures, refusals, break-glass, sign-ins, consents, and what each account did."""
    wanted = Wanted(form, table, output)
    begins, ends = interval_of(text)
    async with opened() as hub:
        wanted.check(hub)
        await hub.leader.integrate_all()
        reader, now = hub.database.reader, hub.clock()
        reference = (await find_organisation(reader, site)).reference if site else ""
        question = Question(site=reference, begins=begins, ends=ends)
        sites = await organisations(reader)
        known = KnownNames(hub.audit.keys, organisations=[one.reference for one in sites])
        events = walk.events(reader, Reviewer(hub.audit.keys), question, now=now)
        found = await count(known.all(events), reference)
        sheet = report_of(
            found,
            region=hub.settings.region,
            made=now,
            text=text,
            sites=sites,
            so_far=now < ends,
        )
        await record(hub, "audit-log-used", f"Monthly report {text}: {site or 'all sites'}")
        wanted.write(sheet, hub)
