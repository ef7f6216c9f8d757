"""A source asked by DIMSE, where it has no web: C-FIND for what there is, C-GET or C-MOVE for instances.

pynetdicom works in threads; each question has one association of its own. What a source sends is written as it was
encoded, behind a File Meta Information of the hub's.
https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.4.3.html
"""

import asyncio
from collections.abc import Callable, Mapping
from errno import EADDRINUSE
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # they are made when the module is loaded
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from app.blobs import Incoming
from app.imaging.sources.failures import NotThere, SourceBusy, SourceFailed, Untrue
from app.imaging.sources.line import Line
from app.imaging.sources.metrics import OCTETS
from app.imaging.sources.source import ImagingSource
from app.imaging.sources.tls import tls_for, tls_of, unreachable
from dicom.services.entity import BoundedEntity
from dicom.services.statuses import OUT_OF_RESOURCES, PENDING, PENDING_UNSUPPORTED, SUCCESS
from dicom.store.read import InstanceRow
from dicom.store.refer import Reference
from dicom.transfer_syntaxes import TRANSFER_SYNTAXES

CONNECT_SECONDS = 5.0
NETWORK_SECONDS = 30.0

MOST_FOUND = 20_000
"""Matches of one C-FIND; more are called off."""

_SO_FAR_WELL = (PENDING, PENDING_UNSUPPORTED, SUCCESS)


class _Kept:
    """What a C-STORE of the source has brought: the one instance that was asked for."""

    def __init__(self, incoming: Incoming, sop_instance_uid: str, most_bytes: int) -> None:
        self._incoming = incoming
        self._uid = sop_instance_uid
        self._most = most_bytes
        self.closed = False
        self.too_large = False

    def store(self, event: Any) -> int:
        """Answer a C-STORE: write the instance, once, and nothing else."""
        if self.closed or self._incoming.size or str(event.request.AffectedSOPInstanceUID) != self._uid:
            return OUT_OF_RESOURCES
        data = event.encoded_dataset(include_meta=True)
        if len(data) > self._most:
            self.too_large = True
            return OUT_OF_RESOURCES
        self._incoming.write(data)
        return SUCCESS


async def get_instance(line: Line, row: InstanceRow | Reference, incoming: Incoming, *, most_bytes: int) -> None:
    """Write one instance as the source sends it into `incoming`; whether it is the right one, the caller looks at.

    Args:
        line: To the source; inside its `asking`.
        row: What is asked for.
        incoming: An empty file.
        most_bytes: Of the instance.

    Raises:
        SourceFailed: it is not to be had, or too large.
    """
    source = line.source
    kept = _Kept(incoming, row.sop_instance_uid, most_bytes)
    ask = _c_move if source.get_by == "c-move" else _c_get
    await _asked(line, lambda address, opened: ask(source, address, row, kept, opened), kept)
    OCTETS.labels(source.name).inc(incoming.size)
    if kept.too_large:
        raise Untrue(f"The imaging source {source.name} sends more than {most_bytes} bytes")
    if not incoming.size:
        raise NotThere(f"The imaging source {source.name} does not send it")


async def find(line: Line, level: str, keys: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what a C-FIND at a level of the Study Root finds, as DICOM JSON.

    Args:
        line: To the source; inside its `asking`.
        level: `STUDY`, `SERIES` or `IMAGE`.
        keys: What is matched and asked for, by keyword.

    Raises:
        SourceFailed: the source does not answer, or not with success.
    """
    query = Dataset()
    query.SpecificCharacterSet = "ISO_IR 192"
    query.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(query, keyword, value or None)
    found: list[dict[str, Any]] = []

    def ask(address: str, opened: list[Association]) -> None:
        model = StudyRootQueryRetrieveInformationModelFind
        association = _associated(line.source, address, opened, [build_context(model)])
        for status, identifier in association.send_c_find(query, model):
            if not status or status.Status not in _SO_FAR_WELL:
                raise SourceFailed.because(line.source.name, "find")
            if identifier is not None:
                found.append(_model(line.source, identifier))
            if len(found) >= MOST_FOUND:
                raise Untrue(f"The imaging source {line.source.name} finds more than {MOST_FOUND}")

    await _asked(line, ask, None)
    return found


def _model(source: ImagingSource, identifier: Dataset) -> dict[str, Any]:
    try:
        found: dict[str, Any] = identifier.to_json_dict(suppress_invalid_tags=True)
    except Exception as error:
        # Whatever a stranger encodes wrongly, the library says so in a way of its own.
        raise Untrue(f"The imaging source {source.name} finds something that cannot be read") from error
    return found


async def _asked(line: Line, ask: Callable[[str, list[Association]], None], kept: _Kept | None) -> None:
    address = await line.address(line.source.host, line.source.port)
    opened: list[Association] = []
    try:
        await asyncio.get_running_loop().run_in_executor(line.threads, ask, address, opened)
    finally:
        if kept is not None:
            # Whoever asked is gone: what still comes belongs to nobody.
            kept.closed = True
        for one in opened:
            if not one.is_released:
                await asyncio.to_thread(one.abort)


def _entity(source: ImagingSource) -> BoundedEntity:
    entity = BoundedEntity(source.called_as, seconds=NETWORK_SECONDS)
    entity.connection_timeout, entity.acse_timeout = CONNECT_SECONDS, CONNECT_SECONDS
    entity.dimse_timeout = float(source.seconds)
    return entity


def _associated(
    source: ImagingSource,
    address: str,
    opened: list[Association],
    contexts: list[Any],
    handlers: list[Any] | None = None,
    roles: list[Any] | None = None,
) -> Association:
    tls = tls_of(source) if source.authority or source.certificate else None
    connected: list[Any] = []
    association = _entity(source).associate(
        *(address, source.port),
        contexts=contexts,
        ae_title=source.ae_title,
        evt_handlers=[*(handlers or []), (evt.EVT_CONN_OPEN, connected.append)],
        ext_neg=roles or [],
        tls_args=(tls, source.host) if tls else None,
    )
    opened.append(association)
    if not association.is_established:
        if tls is not None and tls.failure is not None:
            raise SourceFailed.because(source.name, *unreachable(tls.failure))
        if not connected:
            raise SourceFailed.because(source.name, "unreachable", "ConnectError")
        raise SourceFailed.because(source.name, "association", _refusal(association))
    return association


def _refusal(association: Association) -> str:
    """Return why an association was refused, in the words of PS3.8 9.3.4; nothing when nobody said so."""
    answer = association.acceptor.primitive if association.is_rejected else None
    return f": {answer.reason_str}" if answer is not None else ""


def _asked_for(row: InstanceRow | Reference) -> Dataset:
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    query.StudyInstanceUID = row.study_instance_uid
    query.SeriesInstanceUID = row.series_instance_uid
    query.SOPInstanceUID = row.sop_instance_uid
    return query


def _stored_by(kept: _Kept) -> list[Any]:
    return [(evt.EVT_C_STORE, kept.store)]


def _c_get(
    source: ImagingSource, address: str, row: InstanceRow | Reference, kept: _Kept, opened: list[Association]
) -> None:
    model = StudyRootQueryRetrieveInformationModelGet
    # A context for each syntax: the source sends what it has, and converts nothing.
    stored = [build_context(row.sop_class_uid, uid) for uid in TRANSFER_SYNTAXES]
    handlers = _stored_by(kept)
    roles = [build_role(row.sop_class_uid, scp_role=True)]
    association = _associated(source, address, opened, [build_context(model), *stored], handlers, roles)
    for status, _ in association.send_c_get(_asked_for(row), model):
        _check(source, status)
    association.release()


def _c_move(
    source: ImagingSource, address: str, row: InstanceRow | Reference, kept: _Kept, opened: list[Association]
) -> None:
    model = StudyRootQueryRetrieveInformationModelMove
    waiting = _entity(source)
    waiting.add_supported_context(row.sop_class_uid, list(TRANSFER_SYNTAXES))
    waiting.require_called_aet = True
    waiting.require_calling_aet = [source.ae_title]
    waiting.maximum_associations = 2
    host, _, port = source.listen.rpartition(":")
    secured, handlers = tls_for(source), _stored_by(kept)
    try:
        server = waiting.start_server((host, int(port)), block=False, evt_handlers=handlers, ssl_context=secured)
    except OSError as error:
        if error.errno != EADDRINUSE:
            raise SourceFailed.because(source.name, "listen", error.strerror) from error
        # Another process of the hub waits there.
        raise SourceBusy(f"Another question to the imaging source {source.name} is under way") from error
    try:
        association = _associated(source, address, opened, [build_context(model)])
        for status, _ in association.send_c_move(_asked_for(row), source.called_as, model):
            _check(source, status)
        association.release()
    finally:
        server.shutdown()  # type: ignore[union-attr] # a server that does not block


def _check(source: ImagingSource, status: Dataset) -> None:
    """Refuse the status of a sub-operation that failed; an unsound one says nothing."""
    if not status:
        raise SourceFailed.because(source.name, "ends")
    if status.Status in _SO_FAR_WELL:
        return
    raise NotThere(f"The imaging source {source.name} does not send it: status {status.Status:04X}")
