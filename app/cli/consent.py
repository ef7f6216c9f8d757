"""`renkei consent`: the consents of a patient, from the command line."""

from datetime import datetime, timedelta

import click
import orjson

from app.access.caller import Caller
from app.access.directory import find_organisation, organisations
from app.audit.record import Event
from app.audit.review import Question as AuditQuestion
from app.audit.review import Reviewer
from app.cli.running import opened, synchronous
from app.clock import instant as instant_of
from app.consent.break_glass.cases import listed
from app.consent.break_glass.cases import waiting as waits
from app.consent.break_glass.monthly import month_of
from app.consent.break_glass.monthly import to_csv as to_cases_csv
from app.consent.explain.asked import Question, answer
from app.consent.explain.told import told
from app.consent.third_party import parties_of, provisions, to_csv
from app.consent.write import consent_resource, current_consents, withdraw
from app.portal.dates import to_microseconds
from app.records.inside import inside_request, write_new_as
from fhir.errors import FhirError


@click.group()
def consent() -> None:
    """Record, list and withdraw the consents of a patient."""


@consent.command("add")
@click.argument("patient")
@click.option("--site", required=True, metavar="SLUG", help="The site at which the patient consents.")
@click.option("--to", "receivers", multiple=True, metavar="SLUG", help="A site that may see; without any, all may.")
@click.option("--deny", is_flag=True, help="Exclude instead of permit.")
@synchronous
async def add(patient: str, site: str, receivers: tuple[str, ...], deny: bool) -> None:
    """Record a consent of PATIENT, the id of the site's Patient."""
    async with opened() as hub:
        organisation = await find_organisation(hub.database.reader, site)
        resource = consent_resource(patient, organisation.reference, receivers, permit=not deny, now=hub.clock())
        try:
            stored = await write_new_as(hub, organisation, orjson.dumps(resource))
        except FhirError as error:
            raise click.ClickException(error.diagnostics) from error
    click.echo(f"Recorded Consent/{stored.id}")


@consent.command("list")
@click.argument("patient")
@click.option("--site", required=True, metavar="SLUG", help="The site of the Patient.")
@synchronous
async def list_(patient: str, site: str) -> None:
    """List the consents of PATIENT."""
    async with opened() as hub:
        organisation = await find_organisation(hub.database.reader, site)
        request = await inside_request(hub, organisation, "GET", "/fhir/Consent")
        for one in await current_consents(request, patient):
            click.echo(f"{one['id']}\t{one['status']}\t{one.get('provision', {}).get('type', '-')}")


@consent.command("withdraw")
@click.argument("id")
@click.option("--site", required=True, metavar="SLUG", help="The site that keeps the consent.")
@synchronous
async def withdraw_(id: str, site: str) -> None:
    """Withdraw the consent ID; it counts from the next request on."""
    async with opened() as hub:
        organisation = await find_organisation(hub.database.reader, site)
        try:
            await withdraw(await inside_request(hub, organisation, "PUT", "/fhir/Consent"), id)
        except FhirError as error:
            raise click.ClickException(error.diagnostics) from error
    click.echo(f"Withdrew Consent/{id}")


@consent.command("explain")
@click.argument("record")
@click.option("--to", "site", default="", metavar="SLUG", help="The site of who would see.")
@click.option("--account", default="", metavar="NAME", help="The account of who would see.")
@click.option("--role", default="", help="The role; the account's, or that of a system.")
@click.option("--purpose", default="", help="The purpose of use; that of the role.")
@click.option("--at", "at", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="As of an earlier instant.")
@synchronous
async def explain(record: str, site: str, account: str, role: str, purpose: str, at: datetime | None) -> None:
    """Say why somebody may, or may not, see RECORD (Type/id): the rule, the labels, and each provision's word."""
    async with opened() as hub:
        office = Caller(0, "", "", "", "secretariat", "HOPERAT", "renkei")
        instant = round(at.timestamp() * 1_000_000) if at else 0
        question = Question(record, site, account, role, purpose, instant)
        try:
            found, facts = await answer(hub, office, question)
        except FhirError as error:
            raise click.ClickException(error.diagnostics) from error
        asked = Event(hub.clock(), "R", "operation", client="renkei")
        await hub.audit.append([await told(hub, asked, record, facts)])
    click.echo(f"{'seen' if found.seen else 'hidden'}\t{found.rule}\t{found.category}\t{' '.join(found.labels)}")
    for word in found.words:
        click.echo(f"{word.consent}\t{word.provision}\t{word.effect}\t{word.state}")


@consent.command("cases")
@click.option("--month", default="", metavar="2026-04", help="The cases of this month, as CSV; all, without it.")
@click.option("--waiting", is_flag=True, help="What nobody has looked at or closed: site, number, state; no names.")
@synchronous
async def cases(month: str, waiting: bool) -> None:
    """List the cases of break-glass: of a month with all that is known, or what waits for somebody."""
    async with opened() as hub:
        reader, now = hub.database.reader, hub.clock()
        if waiting:
            for slug, number, state, at in await waits(reader):
                click.echo(f"{slug}\t{number}\t{state}\t{instant_of(at)}")
            return
        try:
            begins, ends = month_of(month)
        except FhirError as error:
            raise click.ClickException(error.diagnostics) from error
        office = Caller(0, "", "", "", "secretariat", "HOPERAT", "renkei")
        found = await listed(reader, office, begins=begins, ends=ends)
        days = hub.settings.break_glass_review_days
        click.echo(to_cases_csv(found, now=now, days=days), nl=False)


@consent.command("provided")
@click.option(
    "--site", default="", metavar="SLUG", help="Provided by the site or to it; without it, all of the region."
)
@click.option("--patient", default="", metavar="ID", help="About this Patient alone.")
@click.option("--from", "begins", type=click.DateTime(["%Y-%m-%d"]), help="From this day on.")
@click.option("--to", "ends", type=click.DateTime(["%Y-%m-%d"]), help="Until this day, inclusive.")
@synchronous
async def provided(site: str, patient: str, begins: datetime | None, ends: datetime | None) -> None:
    """Write the records of provision to third parties as CSV: who was given what of whom, when, by which consent."""
    async with opened() as hub:
        await hub.leader.integrate_all()
        reader = hub.database.reader
        reference = (await find_organisation(reader, site)).reference if site else ""
        question = AuditQuestion(
            patient=f"Patient/{patient.removeprefix('Patient/')}" if patient else "",
            site=reference,
            begins=to_microseconds(begins.date()) if begins else 0,
            ends=to_microseconds(ends.date() + timedelta(days=1)) if ends else 2**62,
        )
        walk = provisions(
            reader,
            Reviewer(hub.audit.keys),
            question,
            parties_of(await organisations(reader)),
            now=hub.clock(),
            implied=hub.settings.consent != "explicit",
        )
        click.echo(to_csv(()), nl=False)
        async for one in walk:
            click.echo(to_csv([one], header=False), nl=False)
