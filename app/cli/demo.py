"""`renkei demo` and `renkei seed`: the made-up region."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import click

from app.access.directory import AlreadyThere
from app.cli.serve import run_server
from app.db.migrate import upgrade
from app.demo.load import PASSWORD, LoadRefused, load
from app.demo.region import Region, region
from app.main import create_app
from app.settings import settings

LOADED = "demo-loaded"
"""A file beside the demo's database: the load came to its end."""


async def _load(found: Region) -> None:
    app = create_app(settings())
    last = ""
    async for step in load(app, found):
        if step.text != last and last:
            click.echo("", err=True)
        last = step.text
        click.echo(f"\r  {step.text}: {step.done} of {step.of}", nl=False, err=True)
    click.echo("", err=True)


def _seed(found: Region) -> None:
    try:
        asyncio.run(_load(found))
    except AlreadyThere as error:
        raise click.ClickException(f"The hub is not empty: {error}") from error
    except LoadRefused as error:
        raise click.ClickException(f"The hub refused a part of the demo: {error}") from error


def _sign_ins(found: Region) -> None:
    click.echo(f"\n  {settings().address}\n")
    click.echo(f"  Sign in with one of these names; the password of each is {PASSWORD}\n")
    names = {site.slug: site.name for site in found.sites}
    for account in found.accounts:
        click.echo(f"    {account.user:<20} {account.role:<12} {account.name}  {names[account.site]}")
    click.echo("\n  Systems: " + " ".join(client.client_id for client in found.clients))
    port = f" RENKEI_PORT={settings().port}" if "port" in settings().model_fields_set else ""
    click.echo(f"    export RENKEI_HOME={settings().home}{port}")
    click.echo('    curl -H "Authorization: Bearer $(renkei token demo-hospital-a)" \\')
    click.echo(f"         {settings().address}/fhir/Patient\n")
    click.echo("  Everybody here is made up. Ctrl-C ends the hub; `renkei demo` starts it again.\n")


@click.command()
@click.option("--seed", default=20260401, show_default=True, help="Another region for another number.")
def seed(seed: int) -> None:
    """Load the made-up region into an empty hub, through its own doors."""
    _seed(region(seed))


@click.command()
@click.option("--load-only", is_flag=True, help="Load and print the sign-ins, but do not serve.")
def demo(load_only: bool) -> None:
    """Start a hub with a made-up region on this machine.

    Its folder is var/demo, or RENKEI_HOME; the region is loaded at the first start.
    """
    os.environ.setdefault("RENKEI_HOME", "var/demo")
    os.environ.setdefault("RENKEI_COOKIE_SECURE", "false")
    # One step: whoever looks at a made-up region has no device to set up first.
    os.environ.setdefault("RENKEI_SECOND_FACTOR", "optional")
    settings.cache_clear()
    home, found = settings().home, region()
    if not (home / LOADED).exists():
        _empty(home)
        upgrade(settings())
        click.echo("Loading the region:", err=True)
        _seed(found)
        (home / LOADED).touch()
    _sign_ins(found)
    sys.stdout.flush()
    if not load_only:
        run_server()


def _empty(home: Path) -> None:
    """Remove what an interrupted load of the demo left; nothing but a demo's folder is touched."""
    if (home / "renkei.sqlite3").exists() and not settings().is_postgresql:
        if home.resolve() != Path("var/demo").resolve():
            raise click.ClickException(f"{home} holds a hub that is no demo; choose another RENKEI_HOME")
        shutil.rmtree(home)
