"""`renkei search-parameter`: search parameters beside R4's."""

import click

from app.backup.events import account
from app.cli.running import opened, synchronous
from app.packages.load import CLIENT
from app.records.search_parameter_status import WORDS
from app.records.search_parameters import packages
from app.records.search_parameters.index import run_waiting
from app.records.search_parameters.kept import all_kept, sources
from app.records.search_parameters.tables import ACTIVE
from fhir.store.types import NAMES


@click.group()
def search_parameter() -> None:
    """See search parameters beside R4's, and switch those of packages on and off."""


@search_parameter.command("list")
@synchronous
async def list_() -> None:
    """List them: type, code, state, percent indexed, resources read, what wants it."""
    async with opened() as hub:
        by = await sources(hub.database.reader)
        for one in await all_kept(hub.database.reader):
            wanted_by = ", ".join(sorted(by.get(one.number, ())))
            row = (NAMES[one.type], one.code, WORDS[one.state], f"{one.percent} %", one.done, wanted_by)
            click.echo("\t".join(map(str, row)))


@search_parameter.command()
@click.argument("name")
@click.argument("version")
@synchronous
async def enable(name: str, version: str) -> None:
    """Switch on the search parameters of a loaded package. The hub indexes what is stored, and goes on serving."""
    async with opened() as hub:
        count, refused = await packages.enable(hub, name, version, user_name=account(), client=CLIENT)
    for error in refused:
        click.echo(f"Not switched on: {error.diagnostics}", err=True)
    click.echo(f"Switched on {count} search parameters of {name} {version}")


@search_parameter.command()
@click.argument("name")
@click.argument("version")
@synchronous
async def disable(name: str, version: str) -> None:
    """Switch off the search parameters of a package. Their index rows are removed by and by."""
    async with opened() as hub:
        await packages.disable(hub, name, version, user_name=account(), client=CLIENT)
    click.echo(f"Switched off the search parameters of {name} {version}")


@search_parameter.command()
@synchronous
async def index() -> None:
    """Index now, without pauses, what waits to be indexed; for a hub that does not serve yet."""
    async with opened() as hub:
        await run_waiting(hub, rest=False)
        waiting = [one for one in await all_kept(hub.database.reader) if one.state != ACTIVE]
    click.echo(f"{len(waiting)} wait still; another process is at work on them" if waiting else "Nothing waits")
