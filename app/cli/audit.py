"""`renkei audit`: take the log out, and prove it whole."""

import tempfile
from pathlib import Path

import click

from app.audit import checkpoint
from app.audit.checkpoint import Checkpoint
from app.audit.export import verify_export, vkey
from app.audit.extract import export as take_out
from app.audit.note import NoteError, Verifier
from app.cli.running import opened, synchronous
from app.lifecycle import audit_keys
from app.settings import settings


@click.group()
def audit() -> None:
    """Export the audit log and prove that nothing in it was altered, removed, added or moved."""


def _show(number: int) -> None:
    click.echo(f"\r{number} records", nl=False, err=True)


def _known(path: Path | None, verifier: Verifier) -> Checkpoint | None:
    try:
        return checkpoint.verify(path.read_bytes(), verifier) if path else None
    except NoteError as error:
        raise click.ClickException(f"{path}: {error}") from error


def _verdict(folder: Path, verifier: Verifier, known: Path | None) -> None:
    verdict = verify_export(folder, verifier, known=_known(known, verifier), progress=_show)
    click.echo("", err=True)
    click.echo(verdict.message)
    if not verdict.ok:
        raise SystemExit(3)


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
def verify(folder: Path | None, key: Path | None, known: Path | None) -> None:
    """Prove the log; exit code 3 and the first wrong record when it is not as it was signed."""
    if folder is not None:
        trusted = Verifier.parse(key.read_text().strip()) if key else vkey(folder)
        if not key:
            click.echo(f"Compare this key with the one you were given: {trusted.vkey}", err=True)
        _verdict(folder, trusted, known)
        return
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "log"
        _, signer = audit_keys(settings())
        _take_out_of_database(place)
        _verdict(place, signer.verifier, known)


@synchronous
async def _take_out_of_database(place: Path) -> None:
    async with opened() as hub:
        await hub.leader.integrate_all()
        _, signer = audit_keys(hub.settings)
        await take_out(hub.database, place, signer.verifier, _show)


@audit.command()
def key() -> None:
    """Print the public key that the log's checkpoints are signed with."""
    _, signer = audit_keys(settings())
    click.echo(signer.verifier.vkey)
