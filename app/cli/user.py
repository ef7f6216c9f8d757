"""`renkei user`: people, one account each; their rights, requested, granted and confirmed as in the portal."""

import secrets
import sys
from datetime import date, timedelta

import click

from app.access.caller import ROLES
from app.access.directory import find_organisation
from app.access.enrol import Invalid, enrol_account
from app.access.passwords import WeakPassword, check_rule
from app.access.person_tables import FOR_EVER
from app.access.rights import decide, listed
from app.access.rights.actor import actor
from app.access.rights.leave import leave as end_rights
from app.access.rights.request import Wish, request_change, request_new, request_stand_in
from app.access.rights.reset import reset_password
from app.access.sections import sections
from app.cli.running import opened, synchronous
from app.portal.accounts.listed import as_csv
from app.portal.dates import moment, to_microseconds

PEOPLE: list[str] = [role for role in ROLES if role != "system"]
"""The roles of people."""

_AS = click.option("--as", "as_name", required=True, metavar="NAME", help="The account in whose name this is done.")
_WHY = click.option("--why", required=True, metavar="TEXT", help="The reason; it goes into the audit log.")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def user() -> None:
    """People and their rights: doctors, nurses, clerks, the secretariat, auditors."""


def _end(day: date | None, never: int) -> int:
    """Return the instant after a last day in Japan."""
    return to_microseconds(day + timedelta(days=1)) if day else never


@user.command("add")
@click.argument("name")
@click.option("--organisation", required=True, metavar="SLUG", help="The site the person belongs to.")
@click.option("--title", required=True, help="The person's name.")
@click.option("--role", required=True, type=click.Choice(PEOPLE))
@click.option("--head", is_flag=True, help="The person heads the site and confirms the rights of its people.")
@click.option("--password-stdin", is_flag=True, help="Read the first password from standard input.")
@synchronous
async def add(name: str, organisation: str, title: str, role: str, head: bool, password_stdin: bool) -> None:
    """Add a person; NAME is what the person signs in with. The first sign-in changes the password."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
    async with opened() as hub:
        try:
            check_rule(password, name)
            await enrol_account(
                hub, name=name, title=title, organisation=organisation, role=role, password=password, head=head
            )
        except (Invalid, WeakPassword) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Added {name}" if password_stdin else f"Added {name}; first password: {password}")


@user.command("list")
@click.option("--organisation", default="", metavar="SLUG", help="Only the people of this site.")
@click.option("--due", is_flag=True, help="Only those whose rights are to be confirmed again.")
@click.option("--csv", "as_table", is_flag=True, help="As CSV, with more columns.")
@synchronous
async def list_(organisation: str, due: bool, as_table: bool) -> None:
    """List people and their rights, also of those who have left."""
    async with opened() as hub:
        reader, now = hub.database.reader, hub.clock()
        key = (await find_organisation(reader, organisation)).key if organisation else listed.EVERY
        found = list(await listed.rights(reader, now, key))
        if due:
            found = list(listed.due(found, now, hub.settings.confirm_days))
        if as_table:
            click.echo(as_csv(found, now), nl=False)
            return
        for one in found:
            head = " (head)" if one.head else ""
            last = f" until {moment(one.end - 1):%Y-%m-%d}" if one.end else ""
            line = (one.name, one.organisation_slug, f"{one.role}{head}", f"{one.state(now)}{last}", one.title)
            click.echo("\t".join(line))


@user.command("roles")
def roles() -> None:
    """Print what each role sees (r), sees of every site (R) and writes (w), by section of the data."""
    click.echo("\t".join(["section", *ROLES]))
    for row in sections():
        cells = [("R" if one.everywhere else "r" if one.sees else "-") + ("w" if one.writes else "") for one in row]
        click.echo("\t".join([row[0].name, *cells]))


@user.command("request")
@click.argument("name")
@click.option("--organisation", required=True, metavar="SLUG", help="The site the person belongs to.")
@click.option("--title", required=True, help="The person's name.")
@click.option("--role", required=True, type=click.Choice(PEOPLE))
@click.option("--head", is_flag=True, help="The person heads the site.")
@click.option("--until", type=_DAY, help="The last day of these rights.")
@click.option("--change", is_flag=True, help="The person has an account: change its rights.")
@_AS
@_WHY
@synchronous
async def request(
    name: str,
    organisation: str,
    title: str,
    role: str,
    head: bool,
    until: date | None,
    change: bool,
    as_name: str,
    why: str,
) -> None:
    """Request rights for a person, as a site's clerk or head does."""
    async with opened() as hub:
        place = await find_organisation(hub.database.reader, organisation)
        wish = Wish(name, title, place, role, head, _end(until, FOR_EVER))
        caller = await actor(hub, as_name)
        key = await (request_change if change else request_new)(hub, caller, wish, why)
    click.echo(f"Request {key}")


@user.command("lost-device")
@click.argument("name")
@_AS
@_WHY
@synchronous
async def lost_device(name: str, as_name: str, why: str) -> None:
    """Request a temporary code for a person whose device is lost, as the head of a site does."""
    async with opened() as hub:
        caller = await actor(hub, as_name)
        found = await listed.right(hub.database.reader, name, hub.clock())
        place = await find_organisation(hub.database.reader, found.organisation_slug)
        key = await request_stand_in(hub, caller, found, place, why)
    click.echo(f"Request {key}")


@user.command("requests")
@synchronous
async def requests() -> None:
    """List the requests that somebody has to decide on."""
    async with opened() as hub:
        for one in await listed.open_requests(hub.database.reader):
            head = " (head)" if one.head else ""
            line = (one.key, one.state, one.kind, one.name, f"{one.role}{head}", one.organisation_title)
            click.echo("\t".join(map(str, (*line, one.requested.by, one.requested.why))))


@user.command("grant")
@click.argument("number", type=int)
@_AS
@_WHY
@synchronous
async def grant(number: int, as_name: str, why: str) -> None:
    """Grant a request, as the secretariat does. What is printed is shown once."""
    async with opened() as hub:
        shown = await decide.grant(hub, await actor(hub, as_name), number, why)
    click.echo(f"Granted {number}" + (f"; one-time password or code: {shown}" if shown else ""))


@user.command("refuse")
@click.argument("number", type=int)
@_AS
@_WHY
@synchronous
async def refuse(number: int, as_name: str, why: str) -> None:
    """Refuse a request."""
    async with opened() as hub:
        await decide.refuse(hub, await actor(hub, as_name), number, why)
    click.echo(f"Refused {number}")


@user.command("confirm")
@click.argument("number_or_name")
@_AS
@synchronous
async def confirm(number_or_name: str, as_name: str) -> None:
    """Confirm a granted request, or a person's rights once more, as the head of a site does."""
    async with opened() as hub:
        caller = await actor(hub, as_name)
        if number_or_name.isdigit():
            await decide.confirm(hub, caller, int(number_or_name))
        else:
            await decide.confirm_again(hub, caller, number_or_name)
    click.echo(f"Confirmed {number_or_name}")


@user.command("leave")
@click.argument("name")
@click.option("--until", type=_DAY, help="The last day; without it the rights end now.")
@_AS
@_WHY
@synchronous
async def leave(name: str, until: date | None, as_name: str, why: str) -> None:
    """End a person's rights: sessions and second factors go at once, the name is never used again."""
    async with opened() as hub:
        await end_rights(hub, await actor(hub, as_name), name, why, ends=_end(until, 0))
    click.echo(f"Ended {name}")


@user.command("reset")
@click.argument("name")
@_AS
@_WHY
@synchronous
async def reset(name: str, as_name: str, why: str) -> None:
    """Give a person a one-time password, as the secretariat does."""
    async with opened() as hub:
        password = await reset_password(hub, await actor(hub, as_name), name, why)
    click.echo(f"One-time password of {name}: {password}")
