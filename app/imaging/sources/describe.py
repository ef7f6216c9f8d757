"""The headers of references, fetched from their source when somebody first asks for them, and kept from then on.

WADO-RS metadata of the series where the source has it; else each instance is fetched, and its header rendered here.
BulkDataURIs of the source are never followed: they become addresses below the hub's own service.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from app.imaging.hold import hold
from app.imaging.imaging_study import clinical_date
from app.imaging.sources.failures import SourceFailed, Untrue
from app.imaging.sources.instance import prove
from app.imaging.sources.source import ImagingSource
from app.imaging.sources.web import fetch_head, fetch_json
from app.imaging.undescribed.note import Undescribed, note
from dicom.failures import InvalidInstance
from dicom.head import Head, TooLong
from dicom.json_model import bulk_data_root
from dicom.model_facts import NotAModel, facts_of, localised, text_of
from dicom.store.read import InstanceRow, ModelRow, read_instances
from dicom.store.refer import settle
from dicom.store.told import Word, is_image, tell
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN

if TYPE_CHECKING:
    from app.hub import Hub
    from app.imaging.request import DicomRequest

SOP_INSTANCE_UID, SERIES_INSTANCE_UID, STUDY_INSTANCE_UID = 0x00080018, 0x0020000E, 0x0020000D

MOST_RENDERED = 2_000
"""Instances that are fetched for their headers in one request, of a source without metadata."""

logger = logging.getLogger(__name__)

Place = tuple[int, str, str]
"""Patient key, study and series of some references."""


async def with_headers(request: "DicomRequest", rows: Sequence[ModelRow]) -> list[ModelRow]:
    """Return the rows with the whole headers of the references among them; those that cannot be had are left out.

    Args:
        request: Whose access to them is recorded.
        rows: What the request's caller may see.

    Raises:
        SourceFailed: there is nothing else than what cannot be had.
    """
    wanted: dict[Place, list[ModelRow]] = {}
    for row in rows:
        if row.source is not None and row.described is None:
            wanted.setdefault((row.patient_key, row.study_instance_uid, row.series_instance_uid), []).append(row)
    if not wanted:
        return list(rows)
    models: dict[str, bytes] = {}
    failure: SourceFailed | None = None
    for some in wanted.values():
        try:
            models |= await _described(request, some)
        except SourceFailed as error:
            failure = error
    missing = {row.sop_instance_uid for some in wanted.values() for row in some} - models.keys()
    found = [
        row._replace(model=models[row.sop_instance_uid]) if row.sop_instance_uid in models else row
        for row in rows
        if row.sop_instance_uid not in missing
    ]
    if not found:
        raise failure or SourceFailed("The headers cannot be had from the imaging source")
    return found


async def _described(request: "DicomRequest", rows: Sequence[ModelRow]) -> dict[str, bytes]:
    """Return the headers of references in one series, by SOP Instance UID; they are kept as well."""
    hub = request.hub
    instances = await read_instances(
        request.record.connection, request.visibility, rows[0].study_instance_uid, rows[0].series_instance_uid
    )
    wanted = {row.sop_instance_uid for row in rows}
    mine = [one for one in instances if one.source is not None and one.sop_instance_uid in wanted]
    if not mine:
        return {}
    source = (await hub.held.registered(mine[0])).source
    models = await _by_web(hub, source, mine) if source.get_by == "web" else {}
    left = [one for one in mine if one.sop_instance_uid not in models][:MOST_RENDERED]
    failure: SourceFailed | None = None
    for start in range(0, len(left), source.at_once):
        some = left[start : start + source.at_once]
        found = await asyncio.gather(*(_header(hub, source, one) for one in some), return_exceptions=True)
        for one, model in zip(some, found, strict=True):
            if isinstance(model, SourceFailed):
                logger.warning("A header cannot be had: %s", model)
                failure = model
            elif isinstance(model, BaseException):
                raise model
            else:
                models[one.sop_instance_uid] = model
        if failure is not None and not models:
            raise failure
    await _keep(hub, mine, models)
    return {uid: orjson.dumps(model) for uid, model in models.items()}


async def _header(hub: "Hub", source: ImagingSource, row: InstanceRow) -> dict[str, Any]:
    """Return the header of an instance of a source: its beginning alone is fetched, where the whole is not to be kept.

    Raises:
        SourceFailed: it is not to be had, or is another's.
    """
    if source.get_by == "web" and not source.days and not hub.held.has(row):
        line = hub.held.line(source)
        try:
            async with line.asking():
                head = await fetch_head(line, f"/{row.path}")
                return await asyncio.to_thread(_proven, head, source, row)
        except TooLong:
            logger.info("An instance of %s is fetched for its header", source.name)
    held = await hub.held.hold(row)
    return await asyncio.to_thread(held.header)


def _proven(head: Head, source: ImagingSource, row: InstanceRow) -> dict[str, Any]:
    try:
        prove(head.instance(), source, row)
        return head.model()
    except InvalidInstance as error:
        raise Untrue(f"The imaging source {source.name} sends no sound instance") from error


async def _by_web(hub: "Hub", source: ImagingSource, rows: Sequence[InstanceRow]) -> dict[str, dict[str, Any]]:
    """Return what the source's metadata says of instances; nothing if it has no such service."""
    first = rows[0]
    path = f"/studies/{first.study_instance_uid}/series/{first.series_instance_uid}/metadata"
    line = hub.held.line(source)
    try:
        async with line.asking():
            found = await fetch_json(line, source.wado, path)
    except Untrue as error:
        logger.info("Metadata are made of instances: %s", error)
        return {}
    wanted = {row.sop_instance_uid: row for row in rows}
    models: dict[str, dict[str, Any]] = {}
    for model in found:
        row = wanted.get(text_of(model, SOP_INSTANCE_UID))
        if row is not None and _is_of(model, row):
            root = bulk_data_root(row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)
            try:
                models[row.sop_instance_uid] = localised(model, root)
            except NotAModel:
                logger.warning("The imaging source %s sends metadata that are none", source.name)
    return models


def _is_of(model: Mapping[str, Any], row: InstanceRow) -> bool:
    stated = text_of(model, STUDY_INSTANCE_UID), text_of(model, SERIES_INSTANCE_UID)
    return stated == (row.study_instance_uid, row.series_instance_uid)


async def _keep(hub: "Hub", rows: Sequence[InstanceRow], models: Mapping[str, dict[str, Any]]) -> None:
    now = hub.clock()
    async with hub.database.write() as connection:
        await hold(connection, rows[0].custodian)
        for row in rows:
            model = models.get(row.sop_instance_uid)
            if model is None:
                continue
            facts = facts_of(model)
            about = facts.instance
            columns = dict.fromkeys(("pixel_offset", "pixel_length", "frames")) | {
                "digest": "",
                "size": 0,
                "transfer_syntax_uid": EXPLICIT_VR_LITTLE_ENDIAN,
                "model": orjson.dumps(model),
                "source": row.source,
                "described": now,
                "number_of_frames": about.number_of_frames or (1 if about.rows else row.number_of_frames),
                "rows": about.rows,
                "columns": about.columns,
                "bits_allocated": about.bits_allocated,
                "instance_number": about.instance_number,
            }
            await settle(connection, row.patient_key, row.id, columns)
            word = Word(facts, clinical_date(facts.study), is_image(about.sop_class_uid, about.rows, row.source, now))
            study = await tell(connection, row.custodian, word)
            if study is not None:
                grown = Undescribed(row.patient_key, study, row.custodian, row.study_instance_uid, since=0)
                await note(connection, grown)
