"""`renkei witness`: sign what the log of a hub says, once, and never another history."""

from pathlib import Path

import click

from app.audit.note import NoteError
from app.audit.standalone import run_witness
from app.audit.witness import serve as served

FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.group()
def witness() -> None:
    """Be a witness of a hub's audit log; run by a member site, on its own machine."""


@witness.command()
@FOLDER
@click.option("--name", required=True, help="The witness's name, such as hospital-a.example.jp/witness.")
def create(folder: Path, name: str) -> None:
    """Make the witness's key in FOLDER and print its public half, for the hub's RENKEI_AUDIT_WITNESSES."""
    try:
        click.echo(served.create(folder, name).verifier.vkey)
    except (FileExistsError, NoteError) as error:
        raise click.ClickException(f"{folder}: {error}") from error


@witness.command()
@FOLDER
@click.argument("key")
def trust(folder: Path, key: str) -> None:
    """Witness the log whose public key is KEY, as `renkei audit key` printed it on the hub."""
    try:
        click.echo(f"The log {served.trust(folder, key).name} is witnessed")
    except NoteError as error:
        raise click.ClickException(str(error)) from error


@witness.command()
@FOLDER
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=int, default=8090, show_default=True, help="The port to listen on.")
def serve(folder: Path, host: str, port: int) -> None:
    """Serve the witness of FOLDER until the process is ended."""
    run_witness(folder, host, port)
