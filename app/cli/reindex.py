"""`renkei reindex`: make the index rows of the stored resources again."""

import time

import click

from app.cli.running import opened, synchronous
from app.records.reindex import reindex_types
from fhir.store.types import NUMBERS


@click.command()
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this resource type; may be repeated.")
@click.option("--again", is_flag=True, help="Begin anew instead of going on where an interrupted run stopped.")
@synchronous
async def reindex(types: tuple[str, ...], again: bool) -> None:
    """Make the index rows again, for instance after a release that indexes more.

    The hub may go on serving. An interrupted run goes on where it stopped.
    """
    unknown = set(types) - set(NUMBERS)
    if unknown:
        raise click.ClickException(f"Not resource types: {', '.join(sorted(unknown))}")
    begun = time.monotonic()
    async with opened() as hub:
        total = 0
        async for name, done in reindex_types(hub, types or tuple(sorted(NUMBERS)), again=again):
            total += done
            click.echo(f"\r{total} resources, {name}{' ' * 20}", nl=False, err=True)
    click.echo(f"\n{total} resources in {time.monotonic() - begun:.1f} s", err=True)
