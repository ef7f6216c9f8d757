"""`renkei package`: FHIR packages, which hold profiles and value sets."""

from pathlib import Path

import click

from app.backup.events import account
from app.cli.running import opened, synchronous
from app.packages.archive import BadPackage, read_package
from app.packages.load import load as keep
from app.packages.load import missing, packages
from app.packages.load import remove as forget


@click.group()
def package() -> None:
    """Load, list and remove FHIR packages: profiles, value sets, code systems, search parameters."""


@package.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@synchronous
async def load(file: Path) -> None:
    """Load a package; FILE is a .tgz as publishers give it. The hub may go on serving."""
    try:
        found = read_package(file)
    except (BadPackage, OSError) as error:
        raise click.ClickException(str(error)) from error
    async with opened() as hub:
        await keep(hub, found, user_name=account())
        lacking = missing(found, await packages(hub.database.reader))
    click.echo(f"Loaded {found.name} {found.version}: {len(found.resources)} resources")
    for one in found.unread:
        click.echo(f"Not read: {one}", err=True)
    for name, wanted, others in lacking:
        instead = f"; there is {', '.join(others)}" if others else ""
        click.echo(f"It depends on {name} {wanted}, which is not loaded{instead}", err=True)


@package.command("list")
@synchronous
async def list_() -> None:
    """List the packages: name, version, resources."""
    async with opened() as hub:
        for one in await packages(hub.database.reader):
            click.echo(f"{one.name}\t{one.version}\t{one.resources}")


@package.command()
@click.argument("name")
@click.argument("version")
@synchronous
async def remove(name: str, version: str) -> None:
    """Remove a package. Resources that follow its profiles stay as they are."""
    async with opened() as hub:
        await forget(hub, name, version, user_name=account())
    click.echo(f"Removed {name} {version}")
