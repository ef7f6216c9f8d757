"""`renkei media`: discs in and out, on the hub's own machine."""

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from app.access.directory import Organisation, find_organisation, organisations
from app.backup.events import account
from app.cli.new_file import new_file
from app.cli.recorded import told
from app.cli.running import opened, synchronous
from app.clock import instant
from app.hub import Hub
from app.imaging.custody import Custody
from app.imaging.media.chosen import by_patient, instances_of
from app.imaging.media.disc import MISSING, NOT_DICOM, QUARANTINED, READ, READING, Disc
from app.imaging.media.door import INTERACTION as EXPORT
from app.imaging.media.job import INTERACTION as IMPORT
from app.imaging.media.job import MEDIA, a_job, begin, new_disc
from app.imaging.media.media_set import Wanted, media_set
from app.imaging.media.quarantine import discs_of, found_disc, patients_on
from app.imaging.media.reading import read_disc
from app.imaging.media.tally import notable_on, states_on
from app.records.jobs.job import Job
from app.records.jobs.run import Lost, take
from dicom.values import is_uid

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_MOST_TOLD = 50_000


@click.group()
def media() -> None:
    """Read discs into quarantine, and write images as discs."""


async def _disc(hub: Hub, site: str, place: Path) -> tuple[Disc, Job]:
    """Return the disc of a path, with its job: the one whose reading was interrupted, or a new one."""
    organisation = await find_organisation(hub.database.reader, site)
    for known, *_ in await discs_of(hub.database.reader, organisation.key):
        if known.state == READING and known.place == str(place):
            job = await MEDIA.find(hub.database.reader, str(known.number), "", hub.clock())
            if job is not None:
                return known, job
    who = account()
    disc = new_disc(hub, organisation.key, place.name, place=str(place), by=who, by_title=who)
    job = a_job(disc, client="")
    words = f"Disc {disc.number} for {site}: {place}"
    await begin(hub, disc, job, told(hub, IMPORT, words)._replace(action="C"))
    return disc, job


@media.command("import")
@click.argument("place", metavar="PATH", type=click.Path(exists=True, resolve_path=True, path_type=Path))
@click.option("--site", required=True, metavar="SLUG", help="The site at whose desk it waits.")
@synchronous
async def import_(place: Path, site: str) -> None:
    """Read the disc in PATH, a folder (where it is mounted) or a ZIP, into the quarantine of a site.

    Nothing on it is run, no link is followed. Whose the images are is decided at the site's desk, on the page of
    discs. Ctrl-C stops after the file at work; the same command goes on from there.
    """
    try:
        str(place).encode()
    except UnicodeEncodeError as error:
        raise click.ClickException("The path is not in UTF-8: the disc is read under a name that is") from error
    stopping: list[int] = []
    before = {one: signal.signal(one, lambda number, _: stopping.append(number)) for one in _SIGNALS}

    def tell(done: int, of: int) -> None:
        click.echo(f"\r{done} of {of} files", nl=False, err=True)

    try:
        async with opened() as hub:
            disc, job = await _disc(hub, site, place)
            held = await take(hub, MEDIA, job)
            if held is None:
                raise click.ClickException("Another process reads this disc, or did a minute ago")
            finished = await read_disc(held, stopped=lambda: bool(stopping), tell=tell)
            click.echo("", err=True)
            await _say(hub, disc)
            if not finished:
                await _let_go(held.hub, job, held.until)
    except Lost as error:
        raise click.ClickException("Another process reads this disc") from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if not finished:
        raise click.ClickException("Stopped; the same command goes on from here")


async def _let_go(hub: Hub, job: Job, until: int) -> None:
    """Let the same command go on at once, not when the lease has ended."""
    async with hub.database.write() as connection:
        await MEDIA.hold(connection, job, until, 0)


async def _say(hub: Hub, disc: Disc) -> None:
    """Say what was found: one line for each file that is no image in quarantine, then the counts.

    Raises:
        ClickException: it is no disc.
    """
    reader = hub.database.reader
    for one in await notable_on(reader, disc.number, most=_MOST_TOLD):
        click.echo(f"{one.state}\t{one.path}\t{one.reason}")
    states = await states_on(reader, disc.number)
    for state in (QUARANTINED, *sorted(set(states) - {QUARANTINED})):
        click.echo(f"{state}\t{states.get(state, 0)}")
    click.echo(f"patients\t{len(await patients_on(reader, disc.number))}")
    after = await found_disc(reader, disc.number)
    if after is not None and after.state not in (READ, READING):
        raise click.ClickException(after.problem)
    if not states.get(QUARANTINED) and after is not None and after.state == READ:
        click.echo(f"No image was found; {states.get(NOT_DICOM, 0)} other files, {states.get(MISSING, 0)} missing")


@media.command("list")
@click.option("--site", required=True, metavar="SLUG", help="Whose discs.")
@synchronous
async def list_(site: str) -> None:
    """List the discs of a site: number, state, patients who wait, images in quarantine, name, and until when they wait.

    What came by a door and waits because its patient is in doubt comes after them, with the state `review`.
    """
    async with opened() as hub:
        organisation = await find_organisation(hub.database.reader, site)
        for review in (False, True):
            for one, waiting, images, ends in await discs_of(hub.database.reader, organisation.key, review=review):
                state, until = "review" if review else one.state, instant(ends) if ends else "-"
                click.echo(f"{one.number}\t{state}\t{waiting}\t{images}\t{one.title}\t{until}")


@media.command("waiting")
@synchronous
async def waiting() -> None:
    """List what waits for a decision, of all sites: site, number, `disc` or `review`, patients, images, until when."""
    async with opened() as hub:
        for site in await organisations(hub.database.reader):
            for review in (False, True):
                for one in await discs_of(hub.database.reader, site.key, review=review):
                    kind, until = "review" if review else "disc", instant(one.ends) if one.ends else "-"
                    if one.waiting:
                        click.echo(f"{site.slug}\t{one.disc.number}\t{kind}\t{one.waiting}\t{one.images}\t{until}")


@media.command("export")
@click.option("--site", required=True, metavar="SLUG", help="Whose images.")
@click.option("--study", "studies", multiple=True, required=True, metavar="UID", help="A study; may be given again.")
@click.option("--to", "place", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The ZIP.")
@click.option("--explicit", is_flag=True, help="Rewrite what is compressed in Explicit VR Little Endian.")
@click.option("--thumbnails", is_flag=True, help="Show a picture of each series in INDEX.HTM.")
@synchronous
async def export(site: str, studies: Sequence[str], place: Path, explicit: bool, thumbnails: bool) -> None:
    """Write studies that a site keeps as a disc: a ZIP with DICOMDIR, INDEX.HTM and README.TXT.

    Each study is on record with its patient.
    """
    if not all(is_uid(one) for one in studies):
        raise click.ClickException("These are no UIDs of studies")
    async with opened() as hub:
        organisation = await find_organisation(hub.database.reader, site)
        own = Custody(organisation.key)
        rows = await instances_of(hub.database.reader, own, studies, organisation.key)
        with new_file(place) as file:
            await _record(hub, by_patient(rows), organisation, place)
            async for piece in media_set(hub, Wanted(rows, explicit=explicit, thumbnails=thumbnails)):
                file.write(piece)
    click.echo(f"images\t{len(rows)}")


async def _record(hub: Hub, studies: Mapping[int, Sequence[str]], site: Organisation, place: Path) -> None:
    """Put it on record for each patient, before anything is written."""
    events = [
        told(hub, EXPORT, f"Images written to {place}")._replace(
            action="R",
            patient_key=key,
            patient=await hub.patient_reference(key),
            custodian=await hub.organisation_reference(site.key),
            entities=tuple(f"urn:oid:{uid}" for uid in uids),
        )
        for key, uids in studies.items()
    ]
    await hub.audit.append(events)
