"""`renkei dicom-node`: which DICOM applications may call, as which client, and where they are called."""

from pathlib import Path

import click

from app.access.bound import NotBound
from app.cli.bound import known_by, thumbprint_of
from app.cli.recorded import record
from app.cli.running import opened, synchronous
from app.imaging.dimse.node import Binding, add_node, nodes, remove_node

_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("dicom-node")
def dicom_node() -> None:
    """Say which DICOM applications may call, and where they are called."""


@dicom_node.command("add")
@click.argument("name")
@click.option("--client", required=True, metavar="ID", help="The client of a site whose rights it has.")
@click.option("--title", required=True, help="Its AE title.")
@click.option("--network", default="", help="The address, or the network, that it calls from: 10.1.2.3 or 10.1.2.0/24.")
@click.option("--certificate", type=_PATH, help="Its client certificate, PEM.")
@click.option("--thumbprint", "shown", default="", metavar="SHA256", help="The same by its SHA-256 as base64url.")
@click.option("--subject", default="", help="The subject of its certificate: CN=pacs,O=Hospital A.")
@click.option("--purpose", default="TREAT", show_default=True, help="The purpose of use of what it asks.")
@click.option("--host", default="", help="Where the hub calls it: as the destination of a C-MOVE, and to report.")
@click.option("--port", default=0, help="Its port there.")
@click.option("--tls", "secured", is_flag=True, help="The hub calls it by TLS.")
@synchronous
async def add(
    name: str,
    client: str,
    title: str,
    network: str,
    certificate: Path | None,
    shown: str,
    subject: str,
    purpose: str,
    host: str,
    port: int,
    *,
    secured: bool,
) -> None:
    """Add a node, NAME; what is not said of it is not asked for."""
    if certificate is not None:
        shown = thumbprint_of(certificate)
    binding = Binding(name, client, title, network, shown, subject, purpose, host, port, int(secured))
    async with opened() as hub:
        try:
            async with hub.database.write() as connection:
                await add_node(connection, binding)
        except NotBound as error:
            raise click.ClickException(str(error)) from error
        await record(hub, "admin", f"DICOM node {name} added: {client}")
    click.echo(f"Added {name}: {binding.title} {known_by(binding)}")


@dicom_node.command("list")
@synchronous
async def list_() -> None:
    """List the nodes."""
    async with opened() as hub:
        for one in await nodes(hub.database.reader):
            there = f"{one.host}:{one.port}{' tls' if one.secured else ''}" if one.host else "-"
            click.echo(f"{one.name}\t{one.client}\t{one.title} {known_by(one)}\t{there}\t{one.purpose}")


@dicom_node.command("remove")
@click.argument("name")
@synchronous
async def remove(name: str) -> None:
    """Remove a node: its associations end with their next message."""
    async with opened() as hub:
        async with hub.database.write() as connection:
            await remove_node(connection, name)
        await record(hub, "admin", f"DICOM node {name} removed")
    click.echo(f"Removed {name}")
