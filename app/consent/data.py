"""Grants about single resources: how a row stands to the resource that a provision's `data` names.

https://hl7.org/fhir/R4/valueset-consent-data-meaning.html. A row stands to it as the version says that is current, by
itself or through what it belongs with: the bytes of a document go with the document, a Provenance with its target.

Each way is one flat subquery: SQLite's parser has a low ceiling, and this is asked wherever a row is decided about.
"""

from sqlalchemy import ColumnElement, FromClause, and_, exists, literal, or_, select

from app.access.tables import epoch
from app.consent.tables import ANY, AUTHORED_BY, INSTANCE, RELATED
from fhir.search.internal import AUTHOR_PARAMETERS, BELONGS_WITH, TARGET
from fhir.search.internal import AUTHORED_BY as AUTHORED
from fhir.store.categories import Category
from fhir.store.in_order import in_order
from fhir.store.tables import index_reference, resource, resource_id

_AUTHORS = [literal(number) for number in (AUTHORED, *sorted(AUTHOR_PARAMETERS))]
_POINTERS = [literal(BELONGS_WITH), literal(TARGET)]


RECORDED = "grants of data"
"""The counter that is 1 once a grant about single resources was recorded anywhere in the region."""

ARE_RECORDED = select(epoch.c.value).where(epoch.c.name == RECORDED)
"""The statement of that counter. Until it is 1 no decision asks about single resources, which is its dearest part."""


def _row(alias: FromClause) -> ColumnElement[int]:
    """Return the row of the resource that a row is, or whose image it is: a study has its ImagingStudy's number."""
    return next(alias.c[name] for name in ("row", "study", "id") if name in alias.c)


def _is(grant: FromClause, alias: FromClause) -> ColumnElement[bool]:
    """Return whether the row is the target."""
    named = resource_id.alias()
    found = exists().where(
        grant.c.data != AUTHORED_BY,
        named.c.hash == grant.c.target,
        named.c.patient_key == alias.c.patient_key,
        named.c.row == _row(alias),
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
            said.c.row == _row(alias),
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
            pointer.c.row == _row(alias),
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
            own.c.row == _row(alias),
        )
    )
    return exists(found.correlate_except(own, said, now, target))


def of_data(grant: FromClause, alias: FromClause) -> ColumnElement[bool]:
    """Return whether a grant that is about single resources is about the row of `alias`; true for any other grant."""
    ways = (
        *(_is(grant, alias), *_refers(grant, alias)),
        *(*_belongs(grant, alias), _is_referred_to(grant, alias)),
    )
    return or_(grant.c.data == ANY, *ways)
