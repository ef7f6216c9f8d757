"""`renkei client`: systems, which sign in with a key of theirs."""

from pathlib import Path

import click

from app.access.enrol import Invalid, client_key_path, enrol_client
from app.cli.running import opened, synchronous


@click.group()
def client() -> None:
    """Add systems: EHRs, PACS, gateways."""


@client.command("add")
@click.argument("id")
@click.option("--organisation", required=True, metavar="SLUG", help="The site it belongs to.")
@click.option("--title", default="", help="Its name as people read it.")
@click.option("--role", default="system", show_default=True, help="What it may see and write.")
@click.option(
    "--jwks",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its public keys (JWK set). Without it a key is made on this machine, for `renkei token`.",
)
@synchronous
async def add(id: str, organisation: str, title: str, role: str, jwks: Path | None) -> None:
    """Add a system; ID is its client_id."""
    async with opened() as hub:
        try:
            keys = jwks.read_text() if jwks else None  # noqa: ASYNC240 - nothing else runs in this command
            await enrol_client(hub, id=id, title=title or id, organisation=organisation, role=role, jwks=keys)
        except Invalid as error:
            raise click.ClickException(str(error)) from error
        where = "" if jwks else f"; its private key is {client_key_path(hub.settings, id)}"
    click.echo(f"Added {id}{where}")
