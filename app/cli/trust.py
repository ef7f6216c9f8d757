"""`renkei trust`: whose signatures of documents the hub trusts."""

from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path

import click
from cryptography import x509

from app.cli.recorded import record
from app.cli.running import opened, synchronous
from app.hub import Hub
from app.records.signatures.keep import check_all_again
from app.records.signatures.trust import PURPOSES, files, reader_of
from app.settings import settings
from fhir.signatures.chain import common_name
from fhir.signatures.check import UNREADABLE

Done = Callable[[Hub], Awaitable[None]]

_PURPOSE = click.option(
    "--for", "purpose", type=click.Choice(list(PURPOSES)), default="documents", show_default=True, help="What for."
)


@click.group()
def trust() -> None:
    """Add, list and remove authorities whose certificates sign documents, such as the roots of HPKI."""


def _line(one: x509.Certificate | x509.CertificateRevocationList) -> str:
    if isinstance(one, x509.Certificate):
        return f"{common_name(one)}\tuntil {one.not_valid_after_utc.astimezone(UTC):%F}"
    until = "no end" if one.next_update_utc is None else f"until {one.next_update_utc.astimezone(UTC):%F}"
    return f"{one.issuer.rfc4514_string()}\t{until}"


@trust.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_PURPOSE
@synchronous
async def add(file: Path, purpose: str) -> None:
    """Trust what is in FILE: certificates, or a revocation list (PEM or DER). A file of that name is replaced."""
    data = file.read_bytes()  # noqa: ASYNC240 - nothing else runs in this command
    try:
        found = reader_of(purpose)(data)
    except UNREADABLE as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from error
    folder = settings().trust_folder / purpose
    async with opened() as hub:
        folder.mkdir(parents=True, exist_ok=True)
        # The hub may read the folder at this moment: the file is there whole or not at all.
        unfinished = folder / f".{file.name}.new"
        await record(hub, "trust-add", f"{purpose}/{file.name}")
        unfinished.write_bytes(data)
        unfinished.replace(folder / file.name)
    for one in found:
        click.echo(f"{purpose}/{file.name}\t{_line(one)}")


@trust.command("list")
def list_() -> None:
    """List whom the hub trusts: file, name, end."""
    folder = settings().trust_folder
    for purpose in PURPOSES:
        for path in files(folder, purpose):
            try:
                for one in reader_of(purpose)(path.read_bytes()):
                    click.echo(f"{purpose}/{path.name}\t{_line(one)}")
            except UNREADABLE:
                click.echo(f"{purpose}/{path.name}\tcannot be read, is passed over")


@trust.command()
@click.argument("name")
@synchronous
async def remove(name: str) -> None:
    """Trust a file no longer; NAME as `renkei trust list` shows it: documents/hpki.pem."""
    purpose, _, file = name.partition("/")
    found = {path.name: path for path in files(settings().trust_folder, purpose)} if purpose in PURPOSES else {}
    if file not in found:
        raise click.ClickException(f"There is no {name}; renkei trust list shows what there is")
    async with opened() as hub:
        await record(hub, "trust-remove", name)
        found[file].unlink()
    click.echo(f"Removed {name}")


@trust.command()
@synchronous
async def recheck() -> None:
    """Have all signatures looked at once more, since whom the hub trusts has changed; the hub does it as it runs."""
    async with opened() as hub:
        await record(hub, "trust-recheck", "")
        async with hub.database.write() as connection:
            count = await check_all_again(connection)
    click.echo(f"{count} documents will be looked at")
