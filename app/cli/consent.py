"""`renkei consent`: the consents of a patient, from the command line."""

from datetime import datetime, timedelta

import click
import orjson

from app.access.directory import find_organisation, organisations
from app.audit.review import Question, Reviewer
from app.cli.running import opened, synchronous
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
        question = Question(
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
