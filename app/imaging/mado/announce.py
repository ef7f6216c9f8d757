"""The entries by which the manifests of a study are found that are made on demand: one a form, each naming the other.

They hold nothing, and lead to `$manifest` itself.
https://profiles.ihe.net/ITI/TF/Volume3/ch-4.1.html (On-Demand Document Entry)
"""

import logging
from dataclasses import dataclass
from typing import Any

import orjson

from app.imaging.mado.documents import FORMS, Described, document_reference, on_demand_number
from app.imaging.mado.gather import gather, site_of
from app.records.own import custody, find_own, take_back, token
from app.records.prepare import prepare
from app.records.put_together import labels_together, name_parts
from app.records.row_ids import new_id
from app.records.writing import Writing
from fhir.documents.provenance import MADE_OF
from fhir.errors import NotFound, NotSupported
from fhir.store.categories import Category
from fhir.store.connection import Visibility
from fhir.store.labels import codings
from fhir.store.stored import Stored

_OF_THE_HUB = ("id", "meta")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """The DocumentReferences of a manifest, by form, and whether one of them is new."""

    documents: dict[str, Stored]
    is_new: bool


async def announce_where_wanted(writing: Writing, study: Stored) -> None:
    """Make the manifests of a study known that has grown, where the region wants that.

    Whoever stores images may hold a scope for them alone, but it is the region that decides this. What is too large for
    a manifest is stored all the same, and known by those that it had.
    """
    request = writing.request
    if request.hub.settings.manifests_on_demand and request.authority.may_write(Category.DOCUMENT):
        try:
            await announce(writing, study, custody(writing))
        except (NotFound, NotSupported) as error:
            logger.warning("No manifest of ImagingStudy/%s is made known: %s", study.id, error)


async def announce(writing: Writing, study: Stored, visibility: Visibility) -> Kept:
    """Gather the entries on demand of a study in a transaction; what they say already is not written again."""
    request = writing.request
    site = await site_of(writing.connection, study)
    manifest = await gather(request.hub, writing.connection, visibility, study, site)
    labels = await labels_together(writing, [study])
    found = {form: await find_own(writing, "DocumentReference", _known_by(study, form)) for form in FORMS}
    new = {form: new_id(request.hub) for form in FORMS if not found[form]}
    ids = {form: found[form][0].id if found[form] else new[form][1] for form in FORMS}
    address = f"{request.hub.settings.fhir_address}/ImagingStudy/{study.id}/$manifest"
    documents = {}
    for form, other in zip(FORMS, reversed(FORMS), strict=True):
        described = Described(
            number=on_demand_number(study.id, form),
            address=f"{address}?form={form}",
            other=f"DocumentReference/{ids[other]}",
        )
        body = document_reference(
            manifest, form, described, patient=patient_of(study), site=site, labels=codings(labels)
        )
        documents[form] = await write_entry(writing, body, labels, ids[form], new.get(form), found[form])
    if new:
        await name_parts(writing, [*documents.values()], [study], labels)
    return Kept(documents, bool(new))


async def withdraw(writing: Writing, study: Stored) -> None:
    """Gather the deletion of the entries on demand of a study that is deleted; what is kept as it was stays."""
    entries = [
        entry for form in FORMS for entry in await find_own(writing, "DocumentReference", _known_by(study, form))
    ]
    await take_back(writing, entries, MADE_OF)


def _known_by(study: Stored, form: str) -> tuple[str, str]:
    return "identifier", token("urn:ietf:rfc:3986", on_demand_number(study.id, form))


async def write_entry(
    writing: Writing, body: dict[str, Any], labels: int, id_: str, new: tuple[int, str] | None, found: Any
) -> Stored:
    """Gather a DocumentReference: a new one, or the next version of one that says something else."""
    authority = writing.request.authority
    if new is not None:
        prepared = prepare(orjson.dumps(body), authority)
        return await writing.create(prepared, row=new[0], id_=id_, inherited_labels=labels)
    current: Stored = found[0]
    said = {name: value for name, value in orjson.loads(current.body).items() if name not in _OF_THE_HUB}
    if said == {**body, "date": said.get("date")}:
        return current
    # The labels that it has stay; those of the study reach it by the Provenance.
    return await writing.update(prepare(orjson.dumps({"id": id_, **body}), authority), id_)


def patient_of(study: Stored) -> str:
    """Return the reference of the Patient of an ImagingStudy."""
    return str(orjson.loads(study.body)["subject"]["reference"])
