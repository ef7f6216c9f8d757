"""`renkei certificate`: the region's authority, which issues and revokes the client certificates of machines."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from app.access import authority

P = ParamSpec("P")
_FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


def _said(command: Callable[P, None]) -> Callable[P, None]:
    """A refusal becomes a message and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except authority.Refused as error:
            raise click.ClickException(str(error)) from error

    return run


@click.group()
def certificate() -> None:
    """Issue and revoke client certificates of machines; needs no hub."""


@certificate.command("authority")
@_FOLDER
@click.option("--title", default="Renkei region", show_default=True, help="Its name as people read it.")
@click.option("--days", default=3650, show_default=True, help="How long it is good.")
@_said
def make(folder: Path, title: str, days: int) -> None:
    """Make the region's authority in FOLDER."""
    authority.make_authority(folder, title, days=days, now=datetime.now(UTC))
    click.echo(f"Made {folder / authority.CERTIFICATE} and {folder / authority.REVOKED}, which nginx reads")
    click.echo(f"Whoever has {folder / authority.KEY} can issue certificates: keep it off the hub")


@certificate.command("issue")
@_FOLDER
@click.argument("name")
@click.option("--days", default=398, show_default=True, help="How long it is good.")
@click.option(
    "--request",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The machine's own request (PKCS #10, PEM). Without it a key is made here.",
)
@_said
def issue(folder: Path, name: str, days: int, request: Path | None) -> None:
    """Issue a client certificate for the machine NAME."""
    asked = request.read_bytes() if request else None
    made = authority.issue(folder, name, days=days, now=datetime.now(UTC), request=asked)
    click.echo(
        f"Issued {folder / authority.ISSUED / name}.pem, good until {made.ends.date()}; SHA-256 {made.thumbprint}"
    )


@certificate.command("revoke")
@_FOLDER
@click.argument("name")
@_said
def revoke(folder: Path, name: str) -> None:
    """Revoke the certificate of the machine NAME."""
    authority.revoke(folder, name, now=datetime.now(UTC))
    click.echo(f"Revoked {name}; copy {folder / authority.REVOKED} to nginx and reload it")


@certificate.command("revoked")
@_FOLDER
@_said
def revoked(folder: Path) -> None:
    """Write the list of revoked certificates anew, before the last one is outdated."""
    due = authority.list_revoked(folder, now=datetime.now(UTC))
    click.echo(f"Wrote {folder / authority.REVOKED}, good until {due.date()}")


@certificate.command("list")
@_FOLDER
@_said
def list_(folder: Path) -> None:
    """List the certificates that are not revoked."""
    for one in authority.issued(folder):
        click.echo(f"{one.name}\t{one.ends.date()}\t{one.thumbprint}")
