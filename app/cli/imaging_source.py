"""`renkei imaging-source`: the PACS that sites keep images in, and what the hub does with them."""

from datetime import UTC, date, datetime
from typing import Any

import click

from app.cli.recorded import record
from app.cli.running import opened, synchronous
from app.cli.source_options import source_fields, source_options
from app.imaging.sources.check import check as checked_source
from app.imaging.sources.index import Indexed
from app.imaging.sources.index import index as run_index
from app.imaging.sources.keep_here import Moved, keep_here
from app.imaging.sources.source import (
    ImagingSource,
    NotASource,
    add_source,
    change_source,
    remove_source,
    sources,
)
from app.imaging.sources.state import states
from dicom.store.refer import count_references


@click.group("imaging-source")
def imaging_source() -> None:
    """Say where sites keep images themselves, index it, and keep it here."""


@imaging_source.command("add")
@click.argument("name")
@click.option("--client", required=True, metavar="ID", help="The client of the site whose rights the references have.")
@source_options(with_defaults=True)
@synchronous
async def add(name: str, client: str, **given: Any) -> None:
    """Register a source, NAME."""
    fields = source_fields(given)
    async with opened() as hub:
        source = ImagingSource(hub.new_row(), name, client, **fields)
        try:
            async with hub.database.write() as connection:
                await add_source(connection, source)
        except NotASource as error:
            raise click.ClickException(str(error)) from error
        await record(hub, "admin", f"imaging source {name} added: {source.client}")
    click.echo(f"Added {name}")


@imaging_source.command("change")
@click.argument("name")
@source_options(with_defaults=False)
@synchronous
async def change(name: str, **given: Any) -> None:
    """Change what is said of a source; its references stay. What is not said stays, too."""
    fields = source_fields(given)
    if not fields:
        raise click.ClickException("Nothing was said that would be otherwise")
    async with opened() as hub:
        try:
            async with hub.database.write() as connection:
                await change_source(connection, name, **fields)
        except NotASource as error:
            raise click.ClickException(str(error)) from error
        await record(hub, "admin", f"imaging source {name} changed: {', '.join(sorted(fields))}")
    click.echo(f"Changed {name}")


@imaging_source.command("list")
@synchronous
async def list_() -> None:
    """List the sources: name, client, address, how fetched, what is kept, how it is doing, references to it."""
    async with opened() as hub:
        known = await states(hub.database.reader)
        for one in await sources(hub.database.reader):
            state = known[one.key]
            place = one.wado or f"{one.ae_title}@{one.host}:{one.port}"
            number = await count_references(hub.database.reader, one.key)
            words = (one.name, one.client, place, one.get_by, one.cache, state.word(hub.clock()), str(number))
            click.echo("\t".join(words))
            if state.failures:
                click.echo(f"\t{_instant(state.last_failure)} {state.sentence(one.name)}")


@imaging_source.command("remove")
@click.argument("name")
@click.option(
    "--forsaking", is_flag=True, help="Although instances are only there: their bytes cannot be had any more."
)
@synchronous
async def remove(name: str, *, forsaking: bool) -> None:
    """Remove a source; refused while instances are only there."""
    async with opened() as hub:
        try:
            async with hub.database.write() as connection:
                left = await remove_source(connection, name, forsaking=forsaking)
        except NotASource as error:
            raise click.ClickException(str(error)) from error
        await record(hub, "admin", f"imaging source {name} removed, {left} instances only there")
    click.echo(f"Removed {name}")


@imaging_source.command("check")
@click.argument("name")
@synchronous
async def check(name: str) -> None:
    """Ask a source whether it answers, by each way it is registered with; exit code 1 when one does not."""
    async with opened() as hub:
        failed = False
        for way, failure in await checked_source(hub, await hub.sources.named(name)):
            failed = failed or bool(failure)
            click.echo(f"{way}: {failure or 'answers'}")
    if failed:
        raise SystemExit(1)


@imaging_source.command("index")
@click.argument("name")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Studies of this day and later; all without it.")
@synchronous
async def index(name: str, since: datetime | None) -> None:
    """Ask a source what it has, and refer to that; an interrupted index goes on where it was."""

    def tell(seen: Indexed) -> None:
        click.echo(f"\r{seen.window}: {_said(seen)}", nl=False, err=True)

    async with opened() as hub:
        day: date | None = None if since is None else since.date()
        seen = await run_index(hub, await hub.sources.named(name), since=day, tell=tell)
        await record(hub, "admin", f"imaging source {name} indexed: {seen.studies} studies")
    click.echo("", err=True)
    click.echo(f"Indexed: {_said(seen)}")


def _said(seen: Indexed) -> str:
    refused = f", {seen.refused} not taken" if seen.refused else ""
    return f"{seen.studies} studies, {seen.instances} instances{refused}"


@imaging_source.command("store")
@click.argument("name")
@click.option("--study", default="", metavar="UID", help="One StudyInstanceUID; everything without it.")
@synchronous
async def store(name: str, study: str) -> None:
    """Keep the instances of a source here from now on; begun again, it goes on where it was."""

    def tell(moved: Moved) -> None:
        click.echo(f"{moved.instances} kept, {moved.octets} bytes, {_left_out(moved)}")

    async with opened() as hub:
        moved = await keep_here(hub, await hub.sources.named(name), study=study, tell=tell)
        await record(hub, "admin", f"imaging source {name}: {moved.instances} instances are kept here now")
    click.echo(f"Kept: {moved.instances} instances, {moved.octets} bytes; {_left_out(moved)}, {moved.left} left")
    if moved.failed:
        raise SystemExit(1)


def _left_out(moved: Moved) -> str:
    reviewed = f", {moved.reviewed} wait for review" if moved.reviewed else ""
    return f"{moved.failed} failed{reviewed}"


def _instant(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(timespec="seconds")
