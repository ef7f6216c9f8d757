"""`renkei blobs`: what is kept, and collecting what nothing refers to."""

import click
from obstore.exceptions import BaseError

from app.access.directory import organisations
from app.backup.events import account
from app.blobs.collect import collect as run
from app.blobs.collect import survey
from app.blobs.collected import Collected
from app.blobs.referred import totals
from app.blobs.turn import Busy
from app.cli.running import opened, synchronous


@click.group()
def blobs() -> None:
    """Count images and attachments, and collect those that nothing refers to."""


@blobs.command("list")
@synchronous
async def list_() -> None:
    """List how many blobs of each site the database refers to, and their bytes."""
    async with opened() as hub:
        slugs = {one.key: one.slug for one in await organisations(hub.database.reader)}
        for one in await totals(hub.database.reader):
            click.echo(f"{slugs.get(one.custodian, one.custodian)}\t{one.blobs}\t{one.octets}")


def _show(what: str, done: int) -> None:
    click.echo(f"\r{what} {done}{' ' * 20}", nl=False, err=True)


@blobs.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--even-most",
    is_flag=True,
    help="Set aside even where nothing refers to most of a site's blobs; see docs/backup.md.",
)
@synchronous
async def collect(dry_run: bool, even_most: bool) -> None:
    """Set aside blobs that nothing refers to; remove for good those that have waited two days.

    The hub may go on serving. An interrupted run goes on where it stopped.
    """
    try:
        async with opened() as hub:
            if dry_run:
                done = await survey(hub, even_most=even_most, progress=_show)
            else:
                done = await run(hub, even_most=even_most, user_name=account(), progress=_show)
            slugs = {one.key: one.slug for one in await organisations(hub.database.reader)}
    except (Busy, OSError, BaseError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("", err=True)
    _tell(done, slugs, "would be " if dry_run else "")


def _tell(done: Collected, slugs: dict[int, str], would: str) -> None:
    click.echo(f"seen\t{done.seen}")
    click.echo(f"{would}set aside\t{done.set_aside}")
    click.echo(f"waiting\t{done.waiting}")
    click.echo(f"{would}removed\t{done.removed}")
    if done.brought_back.count:
        click.echo(f"brought back\t{done.brought_back}")
    if done.incoming_bytes:
        click.echo(f"left by interrupted uploads, removed\t{done.incoming_bytes} bytes")
    for custodian in done.unknown:
        click.echo(f"Not touched: the database knows no organisation {custodian}, but there are blobs of it", err=True)
    for custodian in done.doubtful:
        words = "Not touched: the database refers to less than half of the blobs of"
        click.echo(f"{words} {slugs[custodian]}; is it the right one? --even-most sets them aside", err=True)
    if done.unknown or done.doubtful:
        raise SystemExit(1)
