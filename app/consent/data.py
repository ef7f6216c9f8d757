"""Grants about single resources: how a row stands to the resource that a provision's `data` names.

https://hl7.org/fhir/R4/valueset-consent-data-meaning.html. A row stands to it as the version says that is current, by
itself or through what it belongs with: the bytes of a document go with the document, a Provenance with its target.
"""

from sqlalchemy import ColumnElement, FromClause, and_, column, exists, literal, or_, table

from app.consent.tables import ANY, AUTHORED_BY, DEPENDENTS, INSTANCE, RELATED
from fhir.search.internal import AUTHOR_PARAMETERS
from fhir.search.internal import AUTHORED_BY as AUTHORED

IS, REFERS, IS_REFERRED_TO = 1, 2, 3
"""In `way`: the row is the target, refers to it, or the target refers to the row."""

standing = table("resource_standing", *(column(name) for name in ("patient_key", "row", "way", "parameter", "target")))
"""A view: SQLite's parser has too low a ceiling for it to be written out wherever a row is decided about."""

_AUTHORS = [literal(number) for number in (AUTHORED, *sorted(AUTHOR_PARAMETERS))]


def _row(alias: FromClause) -> ColumnElement[int]:
    """Return the row of the resource that a row is, or whose image it is: a study has its ImagingStudy's number."""
    return next(alias.c[name] for name in ("row", "study", "id") if name in alias.c)


def of_data(grant: FromClause, alias: FromClause) -> ColumnElement[bool]:
    """Return whether a grant that is about single resources is about the row of `alias`; true for any other grant."""
    at = standing.alias()
    found = exists().where(
        at.c.patient_key == alias.c.patient_key,
        at.c.row == _row(alias),
        at.c.target == grant.c.target,
        or_(
            and_(at.c.way == IS, grant.c.data.in_([literal(INSTANCE), literal(RELATED), literal(DEPENDENTS)])),
            and_(at.c.way == REFERS, grant.c.data.in_([literal(RELATED), literal(DEPENDENTS)])),
            and_(at.c.way == REFERS, grant.c.data == AUTHORED_BY, at.c.parameter.in_(_AUTHORS)),
            and_(at.c.way == IS_REFERRED_TO, grant.c.data == RELATED),
        ),
    )
    return or_(grant.c.data == ANY, found.correlate_except(at))
