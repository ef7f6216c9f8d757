"""`renkei mllp-source`: who may send HL7 v2 messages, and from where."""

from pathlib import Path

import click

from app.access.bound import NotBound
from app.cli.bound import known_by, thumbprint_of
from app.cli.recorded import record
from app.cli.running import opened, synchronous
from app.consent.purposes import NUMBERS
from app.exchange.mllp.source import Binding, add_source, remove_source, sources

_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("mllp-source")
def mllp_source() -> None:
    """Say who may send HL7 v2 messages by MLLP, and from where."""


@mllp_source.command("add")
@click.argument("name")
@click.option("--client", required=True, metavar="ID", help="The client of a site whose rights the messages have.")
@click.option("--network", default="", help="The address, or the network, that it sends from: 10.1.2.3 or 10.1.2.0/24.")
@click.option("--certificate", type=_PATH, help="Its client certificate, PEM.")
@click.option("--thumbprint", "shown", default="", metavar="SHA256", help="The same by its SHA-256 as base64url.")
@click.option("--subject", default="", help="The subject of its certificate: CN=ehr,O=Hospital A.")
@click.option("--application", default="", help="MSH-3 of its messages; without it any.")
@click.option("--facility", default="", help="MSH-4 of its messages; without it any.")
@click.option("--purpose", default="TREAT", show_default=True, help="The purpose of use of its queries.")
@synchronous
async def add(
    name: str,
    client: str,
    network: str,
    certificate: Path | None,
    shown: str,
    subject: str,
    application: str,
    facility: str,
    purpose: str,
) -> None:
    """Add a source, NAME; what is not said of it is not asked for."""
    if certificate is not None:
        shown = thumbprint_of(certificate)
    if purpose not in NUMBERS:
        raise click.ClickException(f"{purpose!r} is no purpose of use")
    binding = Binding(name, client, network, shown, subject, application, facility, purpose)
    async with opened() as hub:
        try:
            async with hub.database.write() as connection:
                await add_source(connection, binding)
        except NotBound as error:
            raise click.ClickException(str(error)) from error
        await record(hub, "admin", f"source {name} of HL7 messages added: {client}")
    click.echo(f"Added {name}: {known_by(binding)}")


@mllp_source.command("list")
@synchronous
async def list_() -> None:
    """List the sources."""
    async with opened() as hub:
        for one in await sources(hub.database.reader):
            names = f"{one.application or '*'}\t{one.facility or '*'}"
            click.echo(f"{one.name}\t{one.client}\t{known_by(one)}\t{names}\t{one.purpose}")


@mllp_source.command("remove")
@click.argument("name")
@synchronous
async def remove(name: str) -> None:
    """Remove a source: its connections end with their next message."""
    async with opened() as hub:
        async with hub.database.write() as connection:
            await remove_source(connection, name)
        await record(hub, "admin", f"source {name} of HL7 messages removed")
    click.echo(f"Removed {name}")
