"""ImagingStudies that a site writes itself: with an Endpoint of a registered source, their instances are references.

The hub's own ImagingStudy, which it keeps in step, is not made beside one of the site's: one for each study.
https://hl7.org/fhir/R4/imagingstudy.html
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import BigInteger, Integer, bindparam, select

from app.db import WriteConnection
from app.imaging.custody import Custody
from app.imaging.hold import hold
from app.imaging.imaging_study import DICOM_UID, clinical_date, study_uid
from app.imaging.labels import studies_of, widen_row, widen_study
from app.imaging.sources.fhir_facts import facts_of_study
from app.imaging.sources.references import MOST_REFERENCES, reference
from app.imaging.sources.source import Registered
from app.imaging.told_by import note_told_by, note_written
from app.records.labelled import pass_labels_on, widen
from app.records.row_ids import id_of
from app.records.writing import Writing
from dicom.failures import InvalidInstance
from dicom.store.batch import Batch
from dicom.store.write import FixedColumns, store_instance
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import parameters
from fhir.store.categories import Category
from fhir.store.read import read
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_TOKEN, index_token, resource
from fhir.store.types import NUMBERS

if TYPE_CHECKING:
    from app.records.request import Request

WADO_RS = "dicom-wado-rs"

_BY_STUDY = (
    select(*(resource.c[name] for name in ("labels", "id", "patient_key", "row", "version")))
    .select_from(index_token)
    .join(resource, CURRENT_TOKEN)
    .where(
        index_token.c.parameter == parameters("ImagingStudy")["identifier"].id,
        index_token.c.code_hash == bindparam("code_hash", type_=BigInteger),
        index_token.c.system_hash == bindparam("system_hash", type_=BigInteger),
        resource.c.type == NUMBERS["ImagingStudy"],
        resource.c.deleted == 0,
        resource.c.custodian == bindparam("custodian", type_=Integer),
        resource.c.row != bindparam("row", type_=BigInteger),
    )
)

logger = logging.getLogger(__name__)


async def labels_by_site(writing: Writing, uid: str, row: int) -> int | None:
    """Return the labels of the ImagingStudy that the site itself has of a study; None when it has none.

    That it tells of the study is noted.

    Args:
        writing: The transaction.
        uid: The StudyInstanceUID.
        row: Of the study, and of the hub's own ImagingStudy if there is one.
    """
    rows = await _by_site(writing.connection, writing.request.authority.custodian, uid, row)
    labels = 0
    for one, *_ in rows:
        labels |= one
    # What is said of them alone, as in a Consent, is said of the study.
    await note_told_by(writing.connection, [(key, own, version) for _, _, key, own, version in rows], row)
    return labels if rows else None


async def _by_site(connection: WriteConnection, custodian: int, uid: str, row: int) -> Sequence[Sequence[Any]]:
    """Return labels, id, patient key, row and version of each ImagingStudy that a site itself has of a study."""
    values = {"code_hash": hash64(f"urn:oid:{uid}"), "system_hash": hash64(DICOM_UID), "row": row}
    return await connection.fetch(_BY_STUDY, values | {"custodian": custodian})


async def hide_study(
    connection: WriteConnection, custodian: int, place: tuple[int, int], uid: str, labels: int
) -> list[Stored]:
    """Give a study labels: its images and its ImagingStudies, the hub's own and the site's.

    Args:
        connection: Inside the write transaction.
        custodian: The site.
        place: Patient key and row of the study.
        uid: The StudyInstanceUID.
        labels: As bits; none is ever taken away.

    Returns:
        The ImagingStudies that have labels now that they did not have.
    """
    await widen_row(connection, *place, labels)
    by_site = await _by_site(connection, custodian, uid, place[1])
    ids = [id_of(place[1]), *(id_ for _, id_, *_ in by_site)]
    found = [await read(connection, Custody(custodian), "ImagingStudy", id_) for id_ in ids]
    return [await widen(connection, one, labels) for one in found if one is not None and labels & ~one.labels]


async def label_described(connection: WriteConnection, labelled: Iterable[Stored]) -> list[Stored]:
    """Hide the hub's own ImagingStudy of a study with the one that the site writes, or the other way round.

    Args:
        connection: Inside the write transaction.
        labelled: What was written or given labels, with all that it has now.

    Returns:
        The ImagingStudies that have labels now that they did not have, and what takes them from those.
    """
    found: list[Stored] = []
    for one in labelled:
        if one.type != "ImagingStudy" or one.deleted or not one.body:
            continue
        uid = study_uid(orjson.loads(one.body))
        for study in await studies_of(connection, one.custodian, uid) if uid else ():
            labels = one.labels | study.labels
            if labels:
                place = study.patient_key, study.row
                found += await hide_study(connection, one.custodian, place, uid, labels)
    return [*found, *await pass_labels_on(connection, found)]


async def refer_images(request: "Request", connection: WriteConnection, written: Sequence[Stored]) -> None:
    """Know the instances of the ImagingStudies among `written` that say that they are at a source of their site.

    Which studies they tell of is noted, whether their images are there or anywhere.
    """
    for one in written:
        if one.type == "ImagingStudy" and not one.deleted and one.body:
            body = orjson.loads(one.body)
            uid = study_uid(body)
            if not uid:
                continue
            if one.labels:
                await widen_study(connection, one.custodian, uid, one.labels)
            sources = await request.hub.sources.of_site(one.custodian)
            if sources:
                await _refer(request, connection, one, body, sources)
    await note_written(connection, written)


async def _refer(
    request: "Request",
    connection: WriteConnection,
    study: Stored,
    body: Mapping[str, Any],
    sources: Sequence[Registered],
) -> None:
    places = await _places(connection, study, body, sources)
    if not places:
        return
    await hold(connection, study.custodian)
    patient_id = str(body.get("subject", {}).get("reference", "")).rpartition("/")[2]
    patient = await read(connection, Custody(study.custodian), "Patient", patient_id)
    resource_of = orjson.loads(patient.body) if patient is not None and patient.body else {}
    found = list(islice(facts_of_study(body, resource_of), MOST_REFERENCES))
    batch = Batch(connection, study.custodian)
    await batch.read_ahead(facts for facts, _ in found)
    for facts, endpoints in found:
        source = next((places[one] for one in endpoints if one in places), None)
        made = reference(facts, source, "") if source is not None else None
        if made is None:
            continue
        fixed = FixedColumns(
            *(study.patient_key, study.custodian, study.custodian, int(Category.IMAGING), study.labels),
            clinical_date(facts.study),
        )
        try:
            await store_instance(
                *(batch, fixed, made.extracted),
                digest="",
                size=0,
                now=request.now,
                new_row=request.hub.new_row,
            )
        except InvalidInstance as error:
            logger.warning("An instance of an ImagingStudy is not referred to: %s", error.reason)
        # SQLite answers in the event loop; whoever looks at images meanwhile gets a turn.
        await asyncio.sleep(0)
    await batch.flush()


async def _places(
    connection: WriteConnection, study: Stored, body: Mapping[str, Any], sources: Sequence[Registered]
) -> dict[str, int]:
    """Return which source each Endpoint that the ImagingStudy names is, by its reference."""
    named = {one for of in (body, *body.get("series", ())) for one in _references(of)}
    contained = {f"#{one.get('id')}": one for one in body.get("contained", ()) if one.get("resourceType") == "Endpoint"}
    found: dict[str, int] = {}
    for name in sorted(named)[:100]:
        endpoint = contained.get(name)
        if endpoint is None and name.startswith("Endpoint/"):
            kept = await read(connection, Custody(study.custodian), "Endpoint", name.split("/")[1])
            endpoint = orjson.loads(kept.body) if kept is not None and kept.body else None
        if endpoint is not None and endpoint.get("connectionType", {}).get("code") == WADO_RS:
            address = str(endpoint.get("address", ""))
            source = next((one.source.key for one in sources if one.source.is_at(address)), None)
            if source is not None:
                found[name] = source
    return found


def _references(of: Mapping[str, Any]) -> list[str]:
    return [str(one["reference"]) for one in of.get("endpoint", ()) if one.get("reference")]
