"""`renkei client`: systems and apps, and how each proves who it is."""

from pathlib import Path

import click

from app.access import directory, register
from app.access.directory import AlreadyThere, Unknown
from app.access.enrol import Invalid, client_key_path, disable_client, enrol_client
from app.access.oauth.keys import make_key
from app.cli.running import opened, synchronous
from app.settings import settings

_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def client() -> None:
    """Add systems (EHRs, PACS, gateways) and apps."""


@client.command("add")
@click.argument("id")
@click.option("--organisation", required=True, metavar="SLUG", help="The site it belongs to.")
@click.option("--title", default="", help="Its name as people read it.")
@click.option("--role", default="system", show_default=True, help="What a system may see and write.")
@click.option("--kind", default="system", show_default=True, type=click.Choice(register.KINDS), help="What it is.")
@click.option(
    "--authentication",
    default="private_key_jwt",
    show_default=True,
    type=click.Choice(register.AUTHENTICATIONS),
    help="How it proves who it is; `none` for an app without a secret. A secret is made here, and shown once.",
)
@click.option("--jwks", type=_PATH, help="Its public keys (JWK set). Without it a key is made, for `renkei token`.")
@click.option("--jwks-url", default="", metavar="URL", help="Where its public keys are, instead.")
@click.option("--redirect-uri", multiple=True, metavar="URL", help="Where an app is answered; may be there again.")
@click.option("--scopes", default="", help="What it may ask for, with spaces between. Without it the kind's own.")
@click.option("--launch-url", default="", metavar="URL", help="Where an EHR opens an app.")
@click.option("--certificate", default="", metavar="SHA256", help="The client certificate its tokens are bound to.")
@synchronous
async def add(
    id: str,
    organisation: str,
    title: str,
    role: str,
    kind: str,
    authentication: str,
    jwks: Path | None,
    jwks_url: str,
    redirect_uri: tuple[str, ...],
    scopes: str,
    launch_url: str,
    certificate: str,
) -> None:
    """Add a client; ID is its client_id."""
    keys = jwks.read_text() if jwks else None  # noqa: ASYNC240 - nothing else runs in this command
    by_key = authentication == "private_key_jwt"
    if not by_key and (keys or jwks_url):
        raise click.ClickException(f"A client with keys proves who it is by private_key_jwt, not by {authentication}")
    shown, hashed = await register.new_secret() if authentication == "client_secret_basic" else ("", "")
    try:
        registered: directory.Registered = register.checked(
            id=id,
            kind=kind,
            authentication=authentication,
            redirects=redirect_uri,
            scopes=" ".join(scopes.split()),
            jwks=keys or "",
            jwks_url=jwks_url,
            launch_url=launch_url,
            certificate=certificate,
            secret=hashed,
        )
        made = by_key and keys is None and not jwks_url
        async with opened() as hub:
            await enrol_client(
                hub,
                id=id,
                title=title or id,
                organisation=organisation,
                role=role,
                jwks=None if made else keys or '{"keys":[]}',
                registered=registered,
            )
            where = f"; its private key is {client_key_path(hub.settings, id)}" if made else ""
    except (Invalid, register.Invalid, AlreadyThere, Unknown) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Added {id}{where}" + (f"; its secret: {shown}" if shown else ""))


@client.command("disable")
@click.argument("id")
@synchronous
async def disable(id: str) -> None:
    """Disable a client: its tokens, and what people allowed it, end at once."""
    async with opened() as hub:
        try:
            await disable_client(hub, id)
        except Unknown as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Disabled {id}")


@client.command("rotate-key")
def rotate_key() -> None:
    """Make a new key that identity tokens are signed with; the one before stays published."""
    click.echo(f"Identity tokens are signed with {make_key(settings())} from now on")
