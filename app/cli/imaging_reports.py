"""`renkei imaging-reports`: file what the reports, doses, documents and key images among stored images say."""

import time

import click

from app.cli.recorded import record
from app.cli.running import opened, synchronous
from app.imaging.reports.backfill import file_past


@click.command("imaging-reports")
@click.option("--again", is_flag=True, help="Begin anew, and make anew what is there as this release makes it.")
@synchronous
async def imaging_reports(again: bool) -> None:
    """File what instances that are no images say, of those that were stored before a release that does so.

    Makes what is missing, and lets it and the studies follow their orders; nothing twice. The hub may go on serving. An
    interrupted run goes on where it stopped.
    """
    begun = time.monotonic()
    studies = made = changed = 0
    async with opened() as hub:
        async for done in file_past(hub, again=again):
            studies, made, changed = studies + done.studies, made + done.made, changed + done.changed
            click.echo(f"\r{studies} studies, {made} made{' ' * 20}", nl=False, err=True)
        await record(hub, "admin", f"imaging reports of {studies} studies filed: {made} made, {changed} changed")
    click.echo(f"\n{studies} studies: {made} made, {changed} changed, in {time.monotonic() - begun:.1f} s", err=True)
