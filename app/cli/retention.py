"""`renkei retention`: what is kept no longer by the region's rules; shown, then removed."""

from collections import Counter
from collections.abc import Mapping

import click

from app.access.directory import Organisation, organisations
from app.cli.recorded import record
from app.cli.running import opened, synchronous
from app.clock import instant
from app.hub import Hub
from app.records.retention.due import due
from app.records.retention.remove import remove_due
from app.records.retention.rules import Rule, WrongRule, rules
from app.subject_rights.held import waiting_patients


@click.group()
def retention() -> None:
    """End the keeping of clinical records by rule: see what would go, then remove it for good."""


def _rules(hub: Hub) -> dict[str, Rule]:
    try:
        found = rules(hub.settings.retention)
    except WrongRule as error:
        raise click.ClickException(f"RENKEI_RETENTION: {error}") from error
    if not found:
        raise click.ClickException("Nothing goes without a rule: RENKEI_RETENTION is empty")
    return found


async def _sites(hub: Hub) -> Mapping[int, Organisation]:
    return {one.key: one for one in await organisations(hub.database.reader)}


@retention.command("list")
@click.option("--each", is_flag=True, help="Name each resource, not only how many of which kind and site there are.")
@synchronous
async def list_(each: bool) -> None:
    """Show what would go: by site and rule how many resources. Nothing is changed."""
    async with opened() as hub:
        known, sites, counts = _rules(hub), await _sites(hub), Counter[tuple[str, str, str]]()
        reader = hub.database.reader
        held = await waiting_patients(reader)
        async for some in due(reader, known, now=hub.clock(), held=held):
            for one in some:
                slug = sites[one.custodian].slug
                counts[slug, one.rule.what, one.type] += 1
                if each:
                    click.echo(f"{slug}\t{one.rule.what}\t{one.type}/{one.id}\t{instant(one.at)}")
        await record(hub, "retention", f"Looked for what is kept no longer: {counts.total()} resources")
    if not each:
        for (slug, what, type_name), count in sorted(counts.items()):
            click.echo(f"{slug}\t{what}\t{type_name}\t{count}")
    click.echo(
        f"{counts.total()} resources would go; of {len(held)} patients with a waiting request none does", err=True
    )


@retention.command("remove")
@click.confirmation_option(prompt="What the rules say is over can never be read again. Remove it?")
@synchronous
async def remove() -> None:
    """Remove it, patient by patient, all versions for good; an interrupted run goes on when it is started again."""
    async with opened() as hub:
        known, sites, count = _rules(hub), await _sites(hub), 0
        reader, now = hub.database.reader, hub.clock()
        words = ", ".join(sorted(hub.settings.retention.replace(" ", "").split(",")))
        await record(hub, "retention", f"The removal of what is kept no longer begins: {words}")
        async for some in due(reader, known, now=now, held=await waiting_patients(reader)):
            for custodian in sorted({one.custodian for one in some}):
                count += await remove_due(hub, sites[custodian], [one for one in some if one.custodian == custodian])
            click.echo(f"\r{count} resources", nl=False, err=True)
        await record(hub, "retention", f"The removal of what is kept no longer ends: {count} resources")
    click.echo(f"\n{count} resources are removed", err=True)
