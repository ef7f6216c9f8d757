"""`renkei organisation`: the sites and offices of the region."""

import click

from app.access.directory import KINDS, organisations
from app.access.enrol import Invalid, enrol_domain, enrol_organisation
from app.access.staff import list_everybody
from app.cli.running import opened, synchronous
from app.exchange.domains import domains as entered


@click.group()
def organisation() -> None:
    """Add and list the sites and offices of the region."""


@organisation.command("add")
@click.argument("slug")
@click.option("--title", required=True, help="Its name as people read it.")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="What it is in the region.")
@click.option("--number", default="", help="The ten digits of a medical institution (保険医療機関番号).")
@synchronous
async def add(slug: str, title: str, kind: str, number: str) -> None:
    """Add a site or an office; SLUG is its short name, also the prefix of the ids it may choose."""
    async with opened() as hub:
        try:
            await enrol_organisation(hub, slug=slug, title=title, kind=kind, number=number)
        except Invalid as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Added {slug}: Organization/{slug}")


@organisation.command("list")
@synchronous
async def list_() -> None:
    """List the sites and offices."""
    async with opened() as hub:
        for one in await organisations(hub.database.reader):
            click.echo(f"{one.slug}\t{one.kind}\t{one.number or '-'}\t{one.title}")


@organisation.command("domain")
@click.argument("slug")
@click.argument("system")
@click.option("--remove", is_flag=True, help="SYSTEM is no site's any more.")
@synchronous
async def domain(slug: str, system: str, remove: bool) -> None:
    """Say that a site, SLUG, alone gives identifiers of SYSTEM."""
    async with opened() as hub:
        await enrol_domain(hub, organisation=slug, system=system, remove=remove)
    click.echo(f"{system} is {'no longer' if remove else 'now'} a domain of {slug}")


@organisation.command("domains")
@synchronous
async def domains() -> None:
    """List the identifier domains that were entered for sites."""
    async with opened() as hub:
        for system, slug in await entered(hub.database.reader):
            click.echo(f"{system}\t{slug}")


@organisation.command("staff")
@synchronous
async def staff() -> None:
    """Put everybody who has an account into the directory, as the accounts say now."""
    async with opened() as hub:
        written = await list_everybody(hub)
    click.echo(f"{written} resources were written")
