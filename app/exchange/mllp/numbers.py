"""Whose numbers PID-3 and MRG-1 hold: a source writes about the patients of its own site alone (ITI-8, ITI-30)."""

from dataclasses import dataclass, field

from app.db import DatabaseConnection
from app.exchange.domains import owner_of
from app.exchange.hl7v2.coding_systems import coding_systems
from app.exchange.hl7v2.message import Message, Repetition, Segment
from app.exchange.hl7v2.to_fhir.source import Source as Site
from app.exchange.mllp.acknowledge import MISSING, UNKNOWN_KEY, refused
from app.exchange.mllp.authority import own_system, system_of
from app.exchange.mllp.source import Source
from app.hub import Hub


@dataclass(frozen=True, slots=True)
class Number:
    """A patient number of a site.

    Attributes:
        system: Its system, which is the site's own.
        value: The number.
        repetition: Which repetition of its field it is.
    """

    system: str
    value: str
    repetition: int

    @property
    def identifier(self) -> dict[str, str]:
        """The same as an identifier of FHIR."""
        return {"system": self.system, "value": self.value}


@dataclass(frozen=True, slots=True)
class OfSite(Site):
    """A site whose patients have numbers of another system than that of its institution."""

    numbers: str = field(default="")

    @property
    def patient_system(self) -> str:
        """The system of its patients' numbers."""
        return self.numbers or super(OfSite, self).patient_system


def site_of(hub: Hub, source: Source, number: Number) -> OfSite:
    """Return what a message of a source does not say about its site."""
    slug = source.caller.organisation_slug
    systems = coding_systems(hub.settings.coding_systems, slug)
    custodian = source.caller.organisation_reference.partition("/")[2]
    return OfSite(custodian, source.number or slug, systems, numbers=number.system)


def _is_own_name(namespace: str, message: Message, source: Source) -> bool:
    """Return whether a namespace that is no system names the sender itself."""
    own = {message.header.text(3), message.header.text(4), source.caller.organisation_slug, source.number}
    return namespace in own - {""}


async def own_numbers(
    connection: DatabaseConnection, message: Message, source: Source, segment: Segment, field: int
) -> list[Number]:
    """Return the numbers of a field that are the site's own, in their order.

    Raises:
        Refused: there is none, or none of them is the site's.
    """
    stated = segment.repetitions(field)
    if not any(one.text(1).strip() for one in stated):
        raise refused(MISSING, f"{segment.name}-{field}, the patient's number, is missing", *_place(segment, field))
    found = []
    for position, one in enumerate(stated, start=1):
        system = await _own_system(connection, message, source, one)
        if system and one.text(1).strip():
            found.append(Number(system, one.text(1).strip(), position))
    if not found:
        text = "The assigning authority is not this site's"
        raise refused(UNKNOWN_KEY, text, *_place(segment, field), 1, 4)
    return found


def _place(segment: Segment, field: int) -> tuple[str | int, ...]:
    return segment.name, segment.index, field


async def _own_system(connection: DatabaseConnection, message: Message, source: Source, one: Repetition) -> str:
    """Return the system of a number, empty when it is not one of the site's own."""
    namespace = one.text(4, 1).strip()
    system = system_of(one, 4, source)
    if not system and namespace and not one.text(4, 2) and _is_own_name(namespace, message, source):
        return own_system(source)
    if not system:
        return ""
    return system if await owner_of(connection, system) == source.caller.organisation else ""


def with_first(message: Message, segment: Segment, field: int, repetition: int) -> Message:
    """Return a message of which one repetition of a field comes first: by it the patient is known."""
    if repetition == 1:
        return message
    fields = list(segment.fields)
    parts = list(fields[field].split(segment.separators.repetition))
    stated = [number for number, part in enumerate(parts) if Repetition(part, segment.separators)]
    chosen = stated[repetition - 1]
    fields[field] = segment.separators.repetition.join([parts[chosen], *parts[:chosen], *parts[chosen + 1 :]])
    changed = Segment(segment.name, segment.index, segment.separators.field.join(fields), segment.separators)
    segments = tuple(changed if one is segment else one for one in message.segments)
    named = {name: tuple(changed if one is segment else one for one in found) for name, found in message.named.items()}
    return Message(segments, message.separators, message.charset, message.findings, message.replaced, named)
