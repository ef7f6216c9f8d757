"""`renkei reindex`: make again what the stored resources are found and disclosed by."""

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
    """Read the stored resources off again, for instance after a release that indexes more.

    Index rows are made anew, and category, clinical date and labels are mended; no label is taken away. Consents are
    compiled anew, to the sites and people that are known by now. The hub may go on serving. An interrupted run goes on
    where it stopped.
    """
    unknown = set(types) - set(NUMBERS)
    if unknown:
        raise click.ClickException(f"Not resource types: {', '.join(sorted(unknown))}")
    begun = time.monotonic()
    async with opened() as hub:
        total = mended = 0
        async for batch in reindex_types(hub, types or tuple(sorted(NUMBERS)), again=again):
            total += batch.resources
            mended += batch.mended
            click.echo(f"\r{total} resources, {batch.type}{' ' * 20}", nl=False, err=True)
    click.echo(f"\n{total} resources, {mended} of them mended, in {time.monotonic() - begun:.1f} s", err=True)
