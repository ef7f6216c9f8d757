"""Grants about single resources: how a row stands to the resource that a provision's `data` names.

https://hl7.org/fhir/R4/valueset-consent-data-meaning.html. A row stands to it as the version says that is current, by
itself or through what it belongs with: the bytes of a document go with the document, a Provenance with its target.

Each way is one flat subquery: SQLite's parser has a low ceiling, and this is asked wherever a row is decided about.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, FromClause, and_, exists, literal, or_, select

from app.access.tables import epoch
from app.consent.tables import ANY, AUTHORED_BY, DEPENDENTS, INSTANCE, RELATED
from fhir.belonging import ATTACHED
from fhir.search.internal import ATTACHES, AUTHOR_PARAMETERS, BELONGS_WITH, DESCRIBES, EXTRACTED_FROM, TARGET
from fhir.search.internal import AUTHORED_BY as AUTHORED
from fhir.store.categories import Category
from fhir.store.in_order import in_order
from fhir.store.tables import index_reference, resource, resource_id
from fhir.store.types import NUMBERS

_AUTHORS = [literal(number) for number in (AUTHORED, *sorted(AUTHOR_PARAMETERS))]
_POINTERS = [literal(BELONGS_WITH), literal(TARGET)]


RECORDED = "grants of data"
"""The counter that is 1 once a grant about single resources was recorded anywhere in the region."""

ARE_RECORDED = select(epoch.c.value).where(epoch.c.name == RECORDED)
"""The statement of that counter. Until it is 1 no decision asks about single resources, which is its dearest part."""


_IMAGING_STUDY = literal(NUMBERS["ImagingStudy"])
_ATTACHED = [literal(NUMBERS[name]) for name in ATTACHED]


def _rows(alias: FromClause) -> list[ColumnElement[int]]:
    """Return the rows of the resources that a row is, or goes with.

    An image goes with its study, which has its ImagingStudy's number; and with what the hub tells of the image alone,
    as the DiagnosticReport of a structured report, which has the image's.
    """
    if "row" in alias.c:
        return [alias.c.row]
    names = ("study", "id") if "series" in alias.c else ("study",) if "study" in alias.c else ("id",)
    return [alias.c[name] for name in names]


def _is(grant: FromClause, alias: FromClause) -> ColumnElement[bool]:
    """Return whether the row is the target."""
    named = resource_id.alias()
    found = exists().where(
        grant.c.data != AUTHORED_BY,
        named.c.hash == grant.c.target,
        named.c.patient_key == alias.c.patient_key,
        named.c.row.in_(_rows(alias)),
    )
    return found.correlate_except(named)


def _means(grant: FromClause, said: FromClause) -> tuple[tuple[ColumnElement[bool], ...], ...]:
    """Return the ways in which a reference is of the kind that a grant asks for.

    It asks for any, for an author, or for what something belongs with. Each way is for a subquery of its own.
    """
    return (
        (grant.c.data != INSTANCE, grant.c.data != AUTHORED_BY),
        (grant.c.data == AUTHORED_BY, said.c.parameter.in_(_AUTHORS)),
        (grant.c.data == INSTANCE, said.c.parameter.in_(_POINTERS)),
    )


def _current(said: FromClause, now: FromClause) -> ColumnElement[bool]:
    return and_(now.c.patient_key == said.c.patient_key, now.c.row == said.c.row, now.c.version == said.c.version)


def _refers(grant: FromClause, alias: FromClause) -> list[ColumnElement[bool]]:
    """Return the ways in which the row refers to the target."""
    said, now = index_reference.alias("d_said"), resource.alias("d_now")
    found = (
        select(literal(1))
        .select_from(in_order(said, now, _current(said, now)))
        .where(
            said.c.patient_key == alias.c.patient_key,
            said.c.row.in_(_rows(alias)),
            said.c.target_hash == grant.c.target,
        )
    )
    return [exists(found.where(*way).correlate_except(said, now)) for way in _means(grant, said)]


def _belongs(grant: FromClause, alias: FromClause) -> list[ColumnElement[bool]]:
    """Return the ways in which what the row belongs with refers to the target."""
    pointer, owner = index_reference.alias("d_pointer"), resource_id.alias("d_owner")
    said, now = index_reference.alias("d_said"), resource.alias("d_now")
    to_owner = and_(owner.c.hash == pointer.c.target_hash, owner.c.patient_key == pointer.c.patient_key)
    of_owner = and_(said.c.patient_key == owner.c.patient_key, said.c.row == owner.c.row)
    found = (
        select(literal(1))
        .select_from(in_order(in_order(in_order(pointer, owner, to_owner), said, of_owner), now, _current(said, now)))
        .where(
            pointer.c.patient_key == alias.c.patient_key,
            pointer.c.row.in_(_rows(alias)),
            pointer.c.parameter.in_(_POINTERS),
            said.c.target_hash == grant.c.target,
        )
    )
    # A single resource is what a grant of one is about, and not what that belongs with.
    ways = _means(grant, said)[:2]
    return [exists(found.where(*way).correlate_except(pointer, owner, said, now)) for way in ways]


def _is_referred_to(grant: FromClause, alias: FromClause) -> ColumnElement[bool]:
    """Return whether the target refers to the row.

    A visit refers to whose it is: who excludes the visit does not hide the person.
    """
    target, own = resource_id.alias("d_target"), resource_id.alias("d_own")
    said, now = index_reference.alias("d_said"), resource.alias("d_now")
    to_now = and_(now.c.patient_key == target.c.patient_key, now.c.row == target.c.row)
    of_now = and_(said.c.patient_key == now.c.patient_key, said.c.row == now.c.row, said.c.version == now.c.version)
    to_own = and_(own.c.hash == said.c.target_hash, own.c.patient_key == said.c.patient_key)
    found = (
        select(literal(1))
        .select_from(in_order(in_order(in_order(target, now, to_now), said, of_now), own, to_own))
        .where(
            grant.c.data == RELATED,
            alias.c.category != int(Category.IDENTITY),
            target.c.hash == grant.c.target,
            target.c.patient_key == alias.c.patient_key,
            own.c.row.in_(_rows(alias)),
        )
    )
    return exists(found.correlate_except(own, said, now, target))


def _tells(alias: FromClause, told: FromClause) -> list[ColumnElement[bool]]:
    """Return that a note is of an ImagingStudy of the site that tells of the study that a row is, or is in.

    The hub's own ImagingStudy is one of these rows, and has the number of the study.
    """
    is_study = [alias.c.type == _IMAGING_STUDY] if "type" in alias.c else []
    return [*is_study, told.c.parameter == literal(DESCRIBES), told.c.target_hash == _rows(alias)[0]]


def _by_site(grant: FromClause, alias: FromClause) -> list[ColumnElement[bool]]:
    """Return the ways in which an ImagingStudy that the site has written of the row's study stands to the target."""
    told, of = index_reference.alias("d_told"), resource.alias("d_of")
    found = in_order(told, of, _current(told, of))
    return _stands(grant, of, found, _tells(alias, told), told)


def _by_document(grant: FromClause, alias: FromClause) -> list[ColumnElement[bool]]:
    """Return the ways in which a document of the row's site stands to the target that has the row's bytes attached."""
    if "type" not in alias.c:
        return []
    own, said, of = resource_id.alias("d_own"), index_reference.alias("d_attaches"), resource.alias("d_of")
    to_said = and_(said.c.parameter == literal(ATTACHES), said.c.target_hash == own.c.hash)
    found = in_order(in_order(own, said, to_said), of, _current(said, of))
    is_of_site = [
        alias.c.type.in_(_ATTACHED),
        own.c.patient_key == alias.c.patient_key,
        own.c.row == alias.c.row,
        of.c.custodian == alias.c.custodian,
    ]
    return _stands(grant, of, found, is_of_site, own, said)


def _stands(
    grant: FromClause, of: FromClause, found: FromClause, where: Sequence[ColumnElement[bool]], *inside: FromClause
) -> list[ColumnElement[bool]]:
    """Return the ways in which a resource is the target, or refers to it.

    Args:
        grant: The grant.
        of: The resource, the last of what is `found`.
        found: How it is reached.
        where: What leads to it.
        inside: What else is in `found`.
    """
    named, said = resource_id.alias("d_named"), index_reference.alias("d_says")
    to_named = and_(named.c.patient_key == of.c.patient_key, named.c.row == of.c.row)
    to_said = and_(_current(said, of), said.c.target_hash == grant.c.target)
    is_it = select(literal(1)).select_from(in_order(found, named, to_named)).where(*where)
    refers = select(literal(1)).select_from(in_order(found, said, to_said)).where(*where)
    ways = [is_it.where(grant.c.data != AUTHORED_BY, named.c.hash == grant.c.target)]
    ways += [refers.where(*way) for way in _means(grant, said)[:2]]
    return [exists(way.correlate_except(of, named, said, *inside)) for way in ways]


def _site_is_referred_to(grant: FromClause, alias: FromClause) -> ColumnElement[bool]:
    """Return whether the target refers to an ImagingStudy that the site has written of the row's study."""
    target, own = resource_id.alias("d_target"), resource_id.alias("d_own")
    said, now = index_reference.alias("d_said"), resource.alias("d_now")
    told, of = index_reference.alias("d_told"), resource.alias("d_of")
    to_now = and_(now.c.patient_key == target.c.patient_key, now.c.row == target.c.row)
    to_own = and_(own.c.hash == said.c.target_hash, own.c.patient_key == said.c.patient_key)
    to_told = and_(told.c.patient_key == own.c.patient_key, told.c.row == own.c.row, *_tells(alias, told))
    found = in_order(in_order(in_order(target, now, to_now), said, _current(said, now)), own, to_own)
    found = in_order(in_order(found, told, to_told), of, _current(told, of))
    asked = select(literal(1)).select_from(found).where(grant.c.data == RELATED, target.c.hash == grant.c.target)
    return exists(asked.correlate_except(target, own, said, now, told, of))


def _is_hubs_own(grant: FromClause, alias: FromClause) -> list[ColumnElement[bool]]:
    """Return whether the row is an ImagingStudy that the site has written, and the target is the hub's own of it."""
    if "type" not in alias.c:
        return []
    named, told = resource_id.alias("d_named"), index_reference.alias("d_told")
    to_told = and_(told.c.parameter == literal(DESCRIBES), told.c.target_hash == named.c.row, _current(told, alias))
    asked = (
        select(literal(1))
        .select_from(in_order(named, told, to_told))
        .where(alias.c.type == _IMAGING_STUDY, grant.c.data != AUTHORED_BY, named.c.hash == grant.c.target)
    )
    return [exists(asked.correlate_except(named, told))]


def _is_made_of(grant: FromClause, alias: FromClause) -> list[ColumnElement[bool]]:
    """Return whether a Provenance of the row's site says that the row was extracted from the target, or made of it.

    So a manifest of a study goes with the study, and an entry with the document that it came in.
    """
    if "type" not in alias.c:
        return []
    own, said = resource_id.alias("d_own"), index_reference.alias("d_said")
    origin, now = index_reference.alias("d_origin"), resource.alias("d_now")
    to_said = and_(said.c.parameter == literal(TARGET), said.c.target_hash == own.c.hash)
    to_origin = and_(
        origin.c.parameter == literal(EXTRACTED_FROM),
        origin.c.target_hash == grant.c.target,
        *(origin.c[name] == said.c[name] for name in ("patient_key", "row", "version")),
    )
    asked = (
        select(literal(1))
        .select_from(in_order(in_order(in_order(own, said, to_said), origin, to_origin), now, _current(said, now)))
        .where(
            grant.c.data.in_([literal(RELATED), literal(DEPENDENTS)]),
            own.c.patient_key == alias.c.patient_key,
            own.c.row == alias.c.row,
            now.c.custodian == alias.c.custodian,
        )
    )
    return [exists(asked.correlate_except(own, said, origin, now))]


def of_data(grant: FromClause, alias: FromClause) -> ColumnElement[bool]:
    """Return whether a grant that is about single resources is about the row of `alias`; true for any other grant."""
    ways = (
        *(_is(grant, alias), *_refers(grant, alias)),
        *(*_belongs(grant, alias), _is_referred_to(grant, alias)),
        *(*_by_site(grant, alias), _site_is_referred_to(grant, alias), *_is_hubs_own(grant, alias)),
        *(*_is_made_of(grant, alias), *_by_document(grant, alias)),
    )
    return or_(grant.c.data == ANY, *ways)
