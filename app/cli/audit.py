"""`renkei audit`: take the log out, and prove it whole."""

import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import click

from app.audit import proofs, standalone
from app.audit.erase import NobodyKnown
from app.audit.erase import erase as erase_details
from app.audit.export import verify_export, vkey
from app.audit.extract import export as take_out
from app.audit.keyfile import prepare_signer, rotate_master
from app.audit.note import NoteError, Verifier
from app.audit.publish import publish
from app.audit.second.compare import compare_export
from app.audit.stamp import roots_of, verify_stamps
from app.audit.standalone import keys_of, known_of, ring_of
from app.audit.succession import Keyring
from app.cli.recorded import record, told
from app.cli.running import opened, synchronous
from app.lifecycle import audit_keys, signer_path
from app.settings import settings

T = TypeVar("T")


@click.group()
def audit() -> None:
    """Export the audit log and prove that nothing in it was altered, removed, added or moved."""


def _show(number: int) -> None:
    click.echo(f"\r{number} records", nl=False, err=True)


def _verdict(
    folder: Path, verifier: Verifier, known: Path | None, witnesses: Path | None, quorum: int, stamps: Path | None
) -> bool:
    """Say what the proof of an export finds and return whether it holds."""
    try:
        kept = known_of(known, ring_of(folder, verifier)) if known else None
        keys = keys_of(witnesses) if witnesses else []
    except NoteError as error:
        raise click.ClickException(f"{known or witnesses}: {error}") from error
    verdict = verify_export(folder, verifier, known=kept, witnesses=keys, quorum=quorum, progress=_show)
    click.echo("", err=True)
    click.echo(verdict.message)
    return verdict.ok and _stamped(folder, stamps, ring_of(folder, verifier), verdict.proven)


def _stamped(folder: Path, roots: Path | None, ring: Keyring, proven: int) -> bool:
    """Say what the time stamps of an export say and return whether all of them hold."""
    if roots is None:
        return True
    try:
        found = verify_stamps(folder, roots_of(roots), ring, proven)
    except (ValueError, OSError) as error:
        raise click.ClickException(f"{roots}: {error}") from error
    click.echo(found.message)
    return not found.fault


def _agrees(folder: Path, second: Path | None) -> bool:
    """Say how the second log compares with an export and return whether the log lacks nothing of it."""
    if second is None:
        return True
    try:
        found = compare_export(folder, second)
    except (ValueError, OSError) as error:
        raise click.ClickException(f"{second}: {error}") from error
    click.echo(found.message)
    return found.ok


@audit.command()
@click.argument("folder", type=click.Path(path_type=Path))
@synchronous
async def export(folder: Path) -> None:
    """Write the log to FOLDER, to be verified anywhere with `renkei audit verify --export FOLDER --key FILE`."""
    if folder.exists():  # noqa: ASYNC240 - nothing else runs in this command
        raise click.ClickException(f"{folder} is there already")
    async with opened() as hub:
        await hub.leader.integrate_all()
        _, signer = audit_keys(hub.settings)
        count = await take_out(hub.database, folder, signer.verifier, _show)
    click.echo(f"\n{count} records in {folder}", err=True)


@audit.command()
@click.option(
    "--export",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="An export; without it the hub's own database is verified.",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The log's public key, had from elsewhere than the export.",
)
@click.option(
    "--known",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was kept elsewhere: shows what was cut off, rolled back or forked.",
)
@click.option(
    "--witnesses",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public keys of witnesses, one a line.",
)
@click.option("--quorum", type=int, default=0, help="How many of them must have signed the last checkpoint.")
@click.option(
    "--second",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the second log of emergencies; by default, without --export, the hub's own.",
)
@click.option(
    "--timestamps",
    "stamps",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The certificates of the roots of the authority that stamps checkpoints, PEM: its stamps are proven too.",
)
def verify(
    folder: Path | None,
    key: Path | None,
    known: Path | None,
    witnesses: Path | None,
    quorum: int,
    second: Path | None,
    stamps: Path | None,
) -> None:
    """Prove the log; exit code 3 and the first wrong record when it is not as it was signed."""
    if folder is not None:
        trusted = Verifier.parse(key.read_text().strip()) if key else vkey(folder)
        if not key:
            click.echo(f"Compare this key with the one you were given: {trusted.vkey}", err=True)
        holds = [_verdict(folder, trusted, known, witnesses, quorum, stamps), _agrees(folder, second)]
    else:
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch) / "log"
            _, signer = audit_keys(settings())
            _take_out_of_database(place)
            own = settings().break_glass_log
            second = second or (own if own is not None and own.exists() else None)
            stamps = stamps or settings().audit_timestamp_roots
            holds = [_verdict(place, signer.verifier, known, witnesses, quorum, stamps), _agrees(place, second)]
    if not all(holds):
        raise SystemExit(3)


@synchronous
async def _take_out_of_database(place: Path) -> None:
    async with opened() as hub:
        if hub.taking_up is not None:
            await hub.taking_up.run()
        await hub.leader.integrate_all()
        _, signer = audit_keys(hub.settings)
        await take_out(hub.database, place, signer.verifier, _show)


@audit.command()
def key() -> None:
    """Print the public key that the log's checkpoints are signed with."""
    _, signer = audit_keys(settings())
    click.echo(signer.verifier.vkey)


@audit.command("rotate-key")
@click.option("--lost", is_flag=True, help="The present key is gone: nobody names the new one.")
@synchronous
async def rotate_key(lost: bool) -> None:
    """Sign checkpoints with a new key from now on, named by the present one, and print its public half.

    Running processes take it within a moment. Publish the new key and keep the old public key.
    """
    async with opened() as hub:
        path, origin = signer_path(hub.settings), hub.settings.audit_origin
        signer = await hub.leader.exchange(lambda: prepare_signer(path, origin), lost=lost)
        await record(hub, "settings", f"The log's checkpoints are signed with {signer.verifier.vkey} from now on")
        await hub.leader.integrate_all()
    click.echo(signer.verifier.vkey)


@audit.command("rotate-master")
@synchronous
async def rotate_master_key() -> None:
    """Seal records with a new master key from now on; the older ones go on opening what they have sealed.

    Running processes take it within a moment. Seal a copy of the keys folder anew, or take a backup.
    """
    async with opened() as hub:
        keys = rotate_master(hub.settings.keys_folder / "audit-master")
        hub.audit.keys.renew()
        await record(hub, "settings", f"Audit records are sealed with master key {keys.current} from now on")
    click.echo(f"Records are sealed with master key {keys.current}")


@audit.command()
@synchronous
async def checkpoint() -> None:
    """Print the newest checkpoint, with what witnesses have signed beside it: keep it outside the hub."""
    async with opened() as hub:
        await hub.leader.integrate_all()
        _, signed = await _found(proofs.newest(hub.database.reader))
    click.echo(signed, nl=False)


@audit.command()
@click.argument("index", type=click.IntRange(min=0))
@click.option("--record", "path", type=click.Path(path_type=Path), help="Write the sealed record to this file.")
@synchronous
async def inclusion(index: int, path: Path | None) -> None:
    """Print the proof that record INDEX, counted from 0, is in the log."""
    async with opened() as hub:
        await hub.leader.integrate_all()
        text = await _found(proofs.record_text(hub.database.reader, index))
        if path is not None:
            path.write_bytes(await _found(proofs.record(hub.database.reader, index)))  # noqa: ASYNC240 - as above
    click.echo(text, nl=False)


@audit.command()
@click.argument("size", type=click.IntRange(min=0))
@synchronous
async def consistency(size: int) -> None:
    """Print the proof that the log begins with the log of its first SIZE records, as an old checkpoint signed it."""
    async with opened() as hub:
        await hub.leader.integrate_all()
        text = await _found(proofs.growth_text(hub.database.reader, size))
    click.echo(text, nl=False)


async def _found(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except IndexError as error:
        raise click.ClickException(f"{error}".capitalize()) from error


@audit.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@synchronous
async def tiles(folder: Path) -> None:
    """Write the newest checkpoint and the tree to FOLDER, for any web server; what is there already stays."""
    async with opened() as hub:
        await hub.leader.integrate_all()
        count = await _found(publish(hub.database, folder))
    click.echo(f"{count} new tiles in {folder}")


@audit.command()
@synchronous
async def cosign() -> None:
    """Have the newest checkpoint signed by the witnesses now; exit code 3 when one refuses it."""
    async with opened() as hub:
        await hub.leader.integrate_all()
        count = await hub.cosigning.run()
        refusals = dict(hub.cosigning.refusals)
    click.echo(f"{count} witnesses have signed")
    for name, reason in refusals.items():
        click.echo(f"{name} refuses: {reason}")
    if refusals:
        raise SystemExit(3)


@audit.command()
@click.argument("file", type=click.Path(path_type=Path))
def program(file: Path) -> None:
    """Write the verifier and the witness to FILE, one file for any Python with the package cryptography."""
    try:
        standalone.write(file)
    except FileExistsError as error:
        raise click.ClickException(f"{file} is there already") from error


@audit.command()
@click.argument("patient")
@click.option("--reason", required=True, help="Why; it is in the audit log.")
@click.confirmation_option(prompt="The details of this patient's records can never be read again. Erase them?")
@synchronous
async def erase(patient: str, reason: str) -> None:
    """Erase the details of all records of PATIENT, the id of a site's Patient; the records and the proof stay."""
    reference = f"Patient/{patient.removeprefix('Patient/')}"
    async with opened() as hub:
        try:
            await erase_details(hub, reference, told(hub, "erase", f"Details of a patient's records erased: {reason}"))
        except NobodyKnown as error:
            raise click.ClickException(str(error)) from error
        await hub.leader.integrate_all()
    click.echo(f"The details of the records of {reference} are erased")
