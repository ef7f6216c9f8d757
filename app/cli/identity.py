"""`renkei identity`: which Patients of the sites are one person; the review queue, links and their history."""

import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import click

from app.access import epoch
from app.access.caller import Caller
from app.access.directory import organisations
from app.backup.events import account
from app.cli.running import opened, synchronous
from app.clock import instant
from app.consent.visibility import EVERYTHING_VISIBLE
from app.hub import Hub
from app.identity import decision
from app.identity.candidates import Candidate, read_candidates
from app.identity.decide import Grade
from app.identity.history import history
from app.identity.match import judge
from app.identity.person import members, person_of
from app.identity.queue import State, length, queue
from app.identity.rebuild import rebuild
from app.records.events import events
from app.records.request import FhirRequest, replayed
from fhir.errors import FhirError

_REASON = click.option("--reason", required=True, help="Why, in words; it stays in the history.")


@asynccontextmanager
async def _asking() -> AsyncIterator[tuple[Hub, FhirRequest]]:
    """Open the hub with a request in the secretariat's name; what it discloses is recorded, refusals are messages."""
    async with opened() as hub:
        offices = [one for one in await organisations(hub.database.reader) if one.kind == "secretariat"]
        if not offices:
            raise click.ClickException("The region has no secretariat yet: renkei organisation add --kind secretariat")
        office, who = offices[0], account()
        caller = Caller(
            *(office.key, office.slug, office.title, office.reference, "secretariat", "HOPERAT", "renkei"),
            user=who,
            user_title=who,
            epoch=await epoch.current(hub.database.reader),
        )
        scope: dict[str, Any] = {"method": "POST", "path": "renkei identity", "query_string": b"", "headers": []}
        request = FhirRequest(hub, scope, replayed(b""), caller)
        request.interaction, request.action = "search-type", "E"
        try:
            yield hub, request
        except FhirError as error:
            raise click.ClickException(error.diagnostics) from error
        if not request.recorded:
            await hub.audit.append(await events(request, request.record.disclosed, 200))


def _shown(one: Candidate) -> str:
    names = [name.whole for name in (*one.traits.kanji[:1], *one.traits.kana[:1])]
    names += [" ".join(sorted(words)) for words in one.traits.letters[:1]]
    return f"Patient/{one.stored.id}\t{' '.join(names)}\t{one.traits.birth or '-'}\t{one.traits.sex or '-'}"


async def _patients(hub: Hub, request: FhirRequest, keys: Sequence[int]) -> dict[int, Candidate]:
    found = await read_candidates(hub.database.reader, request.visibility, list(dict.fromkeys(keys)))
    request.record.disclosed += [one.stored for one in found]
    return {one.key: one for one in found}


@click.group()
def identity() -> None:
    """See and decide which Patients of the sites are one person."""


@identity.command("queue")
@click.option("--later", is_flag=True, help="Those that were put off, instead of those that wait.")
@click.option("--count", default=20, show_default=True, type=click.IntRange(1, 500), help="How many.")
@synchronous
async def queue_(later: bool, count: int) -> None:
    """List the pairs of Patients that wait for a decision, the surest first."""
    state = State.LATER if later else State.OPEN
    async with _asking() as (hub, request):
        waiting = await queue(hub.database.reader, request.visibility, state, limit=count)
        total = await length(hub.database.reader, request.visibility, state)
        people = await _patients(hub, request, [key for pair in waiting for key in (pair.one, pair.other)])
    for pair in waiting:
        click.echo(f"{'doubt' if pair.grade is Grade.NO else pair.grade.code}\t{pair.points}\t{pair.reason or '-'}")
        for key in (pair.one, pair.other):
            click.echo(f"  {_shown(people[key])}")
    click.echo(f"{len(waiting)} of {total}", err=True)


@identity.command()
@click.argument("patient")
@synchronous
async def show(patient: str) -> None:
    """Show the person that PATIENT is: its Patients, and what was done, by whom and why."""
    async with _asking() as (hub, request):
        key = await decision.key_of(request, patient)
        person = await person_of(hub.database.reader, key) or key
        people = await _patients(hub, request, await members(hub.database.reader, person))
        done = await history(hub.database.reader, key, person)
    for one in people.values():
        click.echo(_shown(one))
    for event in done:
        undone = f"\tundone by {event.undone}" if event.undone else ""
        click.echo(f"{event.id}\t{instant(event.at)}\t{event.act.name.lower()}\t{event.actor}\t{event.reason}{undone}")


@identity.command()
@click.argument("one")
@click.argument("other")
@synchronous
async def explain(one: str, other: str) -> None:
    """Say how two Patients compare: each rule that spoke, its weight, and the grade."""
    async with _asking() as (hub, request):
        keys = [await decision.key_of(request, id_) for id_ in (one, other)]
        found = await read_candidates(hub.database.reader, EVERYTHING_VISIBLE, keys)
    if len(found) < len(set(keys)):
        raise click.ClickException("One of the two was deleted")
    match = judge(found[0].traits, found[-1])
    for rule, weight in match.evidence:
        click.echo(f"{weight:+d}\t{rule}")
    click.echo(f"{match.points:+d}\t{match.grade.code}{f' ({match.rule})' if match.rule else ''}")


@identity.command("link")
@click.argument("one")
@click.argument("other")
@_REASON
@synchronous
async def link_(one: str, other: str, reason: str) -> None:
    """Make the persons of two Patients one; it can be taken back."""
    async with _asking() as (_, request):
        await decision.link_patients(request, one, other, reason)
    click.echo(f"Linked Patient/{one} and Patient/{other}")


@identity.command("break")
@click.argument("patient")
@_REASON
@synchronous
async def break_(patient: str, reason: str) -> None:
    """Take PATIENT out of its person; it is not linked again until that is allowed."""
    async with _asking() as (_, request):
        await decision.break_patient(request, patient, reason)
    click.echo(f"Patient/{patient} stands alone")


@identity.command("never")
@click.argument("one")
@click.argument("other")
@_REASON
@synchronous
async def never_(one: str, other: str, reason: str) -> None:
    """Note that two Patients are different persons: they are never linked, nor asked about again."""
    async with _asking() as (_, request):
        await decision.never_patients(request, one, other, reason)
    click.echo(f"Patient/{one} and Patient/{other} are different persons")


@identity.command("allow")
@click.argument("one")
@click.argument("other")
@_REASON
@synchronous
async def allow_(one: str, other: str, reason: str) -> None:
    """Take back that two Patients are different persons."""
    async with _asking() as (_, request):
        await decision.allow_patients(request, one, other, reason)
    click.echo(f"Patient/{one} and Patient/{other} may be linked")


@identity.command("undo")
@click.argument("event", type=int)
@_REASON
@synchronous
async def undo_(event: int, reason: str) -> None:
    """Take a link or a break back exactly: EVENT is its number in `renkei identity show`."""
    async with _asking() as (_, request):
        await decision.undo_event(request, event, reason)
    click.echo(f"Took event {event} back")


@identity.command("rebuild")
@click.option("--again", is_flag=True, help="Begin anew instead of going on where an interrupted run stopped.")
@synchronous
async def rebuild_(again: bool) -> None:
    """Match all stored Patients anew, after an upgrade; the hub may go on serving."""
    begun, total, moved = time.monotonic(), 0, 0
    async with _asking() as (_, request):
        async for batch in rebuild(request, again=again):
            total, moved = total + batch.patients, moved + batch.moved
            click.echo(f"\r{total} Patients", nl=False, err=True)
        request.recorded = True
    sys.stderr.write("\n")
    click.echo(f"{total} Patients, {moved} of them linked, in {time.monotonic() - begun:.1f} s", err=True)
