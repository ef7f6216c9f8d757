"""`renkei export`: records out again in a format that others read."""

import signal
from pathlib import Path

import click

from app.access.directory import Organisation, find_organisation
from app.cli.recorded import record
from app.cli.running import opened, synchronous
from app.exchange.ssmix2.batch import source_of
from app.exchange.ssmix2.export.folder import Folder, NotEmpty
from app.exchange.ssmix2.export.run import Progress, site_of
from app.exchange.ssmix2.export.run import export as write_stores

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.group()
def export() -> None:
    """Write records to files that other systems read."""


@export.command("ssmix2")
@click.option("--site", default="", metavar="SLUG", help="All patients of a site.")
@click.option("--patient", default="", metavar="ID", help="One patient, by the id of the site's Patient.")
@click.option("--to", "place", required=True, type=click.Path(file_okay=False, path_type=Path), help="An empty folder.")
@click.option("--resume", is_flag=True, help="Go on with an export that was interrupted.")
@synchronous
async def ssmix2(site: str, patient: str, place: Path, resume: bool) -> None:
    """Write an SS-MIX2 standard store and an extended one, with an index of all files.

    What came as a file goes out as that file; what came otherwise is written as the message that says it, and what no
    message says is listed. Ctrl-C stops after the patient at work; --resume goes on. Each patient is on record.
    """
    if bool(site) == bool(patient):
        raise click.UsageError("Say either --site or --patient")
    stopping: list[int] = []
    before = {one: signal.signal(one, lambda number, _: stopping.append(number)) for one in _SIGNALS}

    def tell(progress: Progress) -> bool:
        click.echo(f"\r{_counted(progress)}", nl=False, err=True)
        return not stopping

    try:
        async with opened() as hub:
            owner: Organisation
            owner = await find_organisation(hub.database.reader, site) if site else await site_of(hub, patient)
            source = await source_of(hub, owner.key)
            folder = Folder(place, resume=resume, what=f"{owner.slug} {patient}\n")
            await record(hub, "export", f"The export of {owner.slug} as SS-MIX2 to {place} begins")
            progress = await write_stores(hub, owner, source, folder, tell, patient=patient)
            ended = "is stopped" if stopping else "ends"
            await record(hub, "export", f"The export of {owner.slug} as SS-MIX2 {ended}: {_counted(progress)}")
    except NotEmpty as error:
        raise click.ClickException(str(error)) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    click.echo(f"\r{_counted(progress)}")
    if stopping:
        raise click.ClickException("Stopped; --resume goes on from here")


def _counted(progress: Progress) -> str:
    earlier = f" ({progress.before} done before)" if progress.before else ""
    left_out = f"{progress.left_out} resources that no file holds"
    return f"{progress.patients} patients{earlier}, {progress.files} files, {left_out}"
