"""`renkei terminology`: the master tables of Japan, from the files their publishers give."""

from collections.abc import Sequence
from pathlib import Path

import click

from app.backup.events import account
from app.cli.running import opened, synchronous
from app.packages.archive import NAME
from app.packages.load import Loaded, packages
from app.packages.load import remove as forget
from app.packages.replace import replace
from app.terminology.master import PREFIX, Master, read_master
from fhir.terminology.masters.kinds import KINDS
from fhir.terminology.masters.resources import NotR4
from fhir.terminology.masters.table import UnknownLayout

_KIND = click.Choice(tuple(KINDS))


@click.group()
def terminology() -> None:
    """Load, list and remove master tables: medicines, diseases, laboratory tests, ICD-10."""


@terminology.command()
@click.argument("kind", type=_KIND)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", help="The version; without it, as the files' names or their newest row say.")
@click.option("--skip-faulty", is_flag=True, help="Load although rows cannot be taken; they are left out.")
@synchronous
async def load(kind: str, files: Sequence[Path], version: str | None, skip_faulty: bool) -> None:
    """Load the master KIND from FILES, as they were downloaded, in place of its older version.

    The hub may go on serving. The same files again change nothing.
    """
    if version is not None and not NAME.fullmatch(version):
        raise click.UsageError("A version is letters, digits, points, hyphens and underscores.")
    try:
        master = read_master(kind, files, version or "", _show)
    except (UnknownLayout, NotR4, OSError) as error:
        click.echo("", err=True)
        raise click.ClickException(str(error)) from error
    _tell(master, skip_faulty=skip_faulty)
    if not any(one.members for one in master.made):
        raise click.ClickException("There is no row that can be taken")
    async with opened() as hub:
        instead = await replace(hub, master.package, user_name=account())
    name = f"{kind} {master.package.version}"
    if instead is None:
        click.echo(f"{name} is loaded already; nothing changed")
        return
    click.echo(f"Loaded {name}" + (f" in place of {', '.join(instead)}" if instead else ""))
    for one in master.made:
        click.echo(f"{one.type}\t{one.url}\t{one.members}")


def _show(rows: int) -> None:
    click.echo(f"\r{rows} rows", nl=False, err=True)


def _tell(master: Master, *, skip_faulty: bool) -> None:
    """Say what was not taken; stop if that is not what the operator wants."""
    click.echo(f"\r{master.rows} rows", err=True)
    for place in master.unused:
        click.echo(f"Not used: {place}", err=True)
    for words in master.faults.listed:
        click.echo(words, err=True)
    if master.faults.count > len(master.faults.listed):
        click.echo(f"and {master.faults.count - len(master.faults.listed)} more", err=True)
    if master.faults.count and not skip_faulty:
        raise click.ClickException(f"{master.faults.count} rows cannot be taken; --skip-faulty leaves them out")


@terminology.command("list")
@synchronous
async def list_() -> None:
    """List the masters that are loaded: kind, version, how many resources they became."""
    async with opened() as hub:
        for one in await packages(hub.database.reader):
            if _is_master(one):
                click.echo(f"{one.name.removeprefix(PREFIX)}\t{one.version}\t{one.resources}")


@terminology.command()
@click.argument("kind", type=_KIND)
@synchronous
async def remove(kind: str) -> None:
    """Remove the master KIND. Resources that use its codes stay as they are."""
    async with opened() as hub:
        found = [one for one in await packages(hub.database.reader) if one.name == PREFIX + kind]
        if not found:
            raise click.ClickException(f"{kind} is not loaded")
        for one in found:
            await forget(hub, one.name, one.version, user_name=account())
            click.echo(f"Removed {kind} {one.version}")


def _is_master(one: Loaded) -> bool:
    return one.name.startswith(PREFIX) and one.name.removeprefix(PREFIX) in KINDS
