"""`renkei import`: files of NDJSON into the custody of a site, from the hub's own machine."""

import hashlib
import signal
from collections.abc import Sequence
from pathlib import Path

import click

from app.access.directory import find_organisation
from app.backup.events import account
from app.cli.running import opened, synchronous
from app.hub import Hub
from app.records.bulk_import.job import IMPORTS, Fault, Input, Wanted, remove
from app.records.bulk_import.run import Importing
from app.records.bulk_import.source import files_of
from app.records.bulk_import.status import told
from app.records.jobs.job import NEVER, WAITING, Job
from app.records.jobs.run import Lost, take

_TURNS = ("ids", "patients", "records", "pointers", "done")


def _known_as(site: str, source: str, files: Sequence[Path]) -> str:
    """Return the id of an import of these files, as they are now: the same command goes on where it stopped."""
    facts = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr((site, source, facts)).encode()).hexdigest()[:32]


async def _job(hub: Hub, site: str, source: str, files: Sequence[Path]) -> Job:
    """Return the import of these files: the one that was interrupted, or a new one."""
    organisation = await find_organisation(hub.database.reader, site)
    id_ = _known_as(site, source, files)
    now = hub.clock()
    job = await IMPORTS.find(hub.database.reader, id_, "", now)
    if job is not None and job.state == WAITING:
        return job
    if job is not None:
        async with hub.database.write() as connection:
            await remove(connection, job)
    inputs = tuple(Input("", file.name, str(file)) for file in files)
    wanted = Wanted(inputs, organisation.key, source, account())
    made = Job(id_, "", "", wanted.text(), "renkei import", now, NEVER)
    await IMPORTS.add(hub.database, made)
    return made


class _Telling:
    """Says on standard error how far the import is; faults go to the report, or there as well."""

    def __init__(self, report: Path | None) -> None:
        self._report = report.open("ab") if report is not None else None

    def __call__(self, importing: Importing, faults: Sequence[Fault]) -> None:
        at, wanted = importing.at, importing.wanted
        for one in faults:
            if self._report is not None:
                self._report.write(told(wanted, one))
            else:
                where = f" {one.expression}" if one.expression else ""
                name = wanted.inputs[one.file].name
                click.echo(f"\r{name}, line {one.line}:{where} {one.diagnostics}", err=True)
        done = sum(one.created + one.updated + one.unchanged for one in at.counts)
        name = wanted.inputs[at.file].name if at.file < len(wanted.inputs) else ""
        click.echo(f"\r{_TURNS[at.turn]}: {name}, line {at.line}; {done} written{' ' * 20}", nl=False, err=True)

    def close(self) -> None:
        if self._report is not None:
            self._report.close()


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--as", "site", required=True, metavar="SLUG", help="The site whose records these become.")
@click.option("--source", default="", metavar="NAME", help="Whose ids the files have, when a site has several systems.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write faulty lines here, as NDJSON.")
@synchronous
async def import_(paths: tuple[Path, ...], site: str, source: str, report: Path | None) -> None:
    """Import PATHS, files of NDJSON or folders of them, packed by gzip or not.

    The hub may go on serving. Ctrl-C stops after the batch at work; the same command goes on from there. What was
    imported before is not written again.
    """
    files = files_of(paths)
    if not files:
        raise click.ClickException("There is no file of NDJSON")
    stopping: list[int] = []
    before = {one: signal.signal(one, lambda number, _: stopping.append(number)) for one in _SIGNALS}
    telling = _Telling(report)
    try:
        async with opened() as hub:
            finished, at = await _carried_out(hub, await _job(hub, site, source, files), stopping, telling)
    except Lost as error:
        raise click.ClickException("The import was taken over or called off") from error
    finally:
        telling.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    click.echo("", err=True)
    for name in ("created", "updated", "unchanged", "faulty"):
        click.echo(f"{name}\t{sum(getattr(one, name) for one in at.at.counts)}")
    if not finished:
        raise click.ClickException("Stopped; the same command goes on from here")
    if any(one.faulty for one in at.at.counts):
        raise click.ClickException("Some lines were not written")


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def _carried_out(hub: Hub, job: Job, stopping: list[int], telling: _Telling) -> tuple[bool, Importing]:
    held = await take(hub, IMPORTS, job)
    if held is None:
        raise click.ClickException("Another process is at this import, or was a minute ago")
    importing = Importing(held, stopped=lambda: bool(stopping), tell=telling)
    finished = await importing.run()
    if finished:
        async with hub.database.write() as connection:
            await remove(connection, job)
    return finished, importing
