"""`renkei user`: people, one account each."""

import secrets
import sys

import click

from app.access.caller import ROLES
from app.access.enrol import Invalid, enrol_account
from app.access.passwords import WeakPassword, check_rule
from app.cli.running import opened, synchronous

PEOPLE: list[str] = [role for role in ROLES if role != "system"]
"""The roles of people."""


@click.group()
def user() -> None:
    """Add people: doctors, nurses, clerks, the secretariat, auditors."""


@user.command("add")
@click.argument("name")
@click.option("--organisation", required=True, metavar="SLUG", help="The site the person belongs to.")
@click.option("--title", required=True, help="The person's name.")
@click.option("--role", required=True, type=click.Choice(PEOPLE))
@click.option("--password-stdin", is_flag=True, help="Read the first password from standard input.")
@synchronous
async def add(name: str, organisation: str, title: str, role: str, password_stdin: bool) -> None:
    """Add a person; NAME is what the person signs in with. The first sign-in changes the password."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
    async with opened() as hub:
        try:
            check_rule(password, name)
            await enrol_account(hub, name=name, title=title, organisation=organisation, role=role, password=password)
        except (Invalid, WeakPassword) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Added {name}" if password_stdin else f"Added {name}; first password: {password}")
