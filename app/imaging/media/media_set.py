"""Images given out as a disc: a ZIP with a DICOMDIR, an INDEX.HTM and a README.TXT, made while it leaves.

IHE PDI (HS009) on the general-purpose profiles of PS3.11 D, which take every transfer syntax; names as PS3.10 8.2 has
them. An instance is read when its turn has come, so that memory holds a piece of it and the lines of the DICOMDIR.
https://dicom.nema.org/medical/dicom/current/output/chtml/part11/chapter_D.html
"""

import logging
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from app.hub import Hub
from app.imaging.media.pages import Line, index_page, readme
from app.imaging.media.zip_out import Outlet
from app.imaging.parts import PIECE_BYTES
from app.imaging.pixels import Damaged, present, stored_bytes, stored_frames, transcoded
from app.imaging.sources.failures import SourceFailed
from app.portal.dates import moment
from dicom.failures import InvalidInstance
from dicom.media.directory import Directory
from dicom.part10 import Part10, read_part10
from dicom.store.read import InstanceRow
from dicom.tasks import before_pixels
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, TRANSFER_SYNTAXES
from dicom.values import text
from fhir.errors import FhirError, NotAcceptable, NotFound, TooLarge

MOST_INSTANCES = 50_000
"""Of a disc."""
HEADER_BYTES = 64 * 1024 * 1024
"""An instance without pixels that is larger is on the disc and not in its DICOMDIR."""
THUMBNAIL_EDGE = 160

MISSING = "These images could not be had when the disc was made / 次の画像は媒体の作成時に取得できませんでした"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a disc is to hold."""

    rows: Sequence[InstanceRow]
    """By study and series."""
    explicit: bool = False
    """Whether every image that can be is rewritten in Explicit VR Little Endian, for viewers that know nothing else."""
    thumbnails: bool = False
    """Whether INDEX.HTM shows a picture of each series."""


@dataclass(slots=True)
class _Making:
    """A ZIP that is being made."""

    hub: Hub
    wanted: Wanted
    directory: Directory
    date: tuple[int, int, int, int, int, int]
    pieces: list[bytes] = field(default_factory=list)
    lines: dict[str, Line] = field(default_factory=dict)
    """Of INDEX.HTM, by SeriesInstanceUID."""
    missing: list[str] = field(default_factory=list)
    """What could not be had: the place, the SOPInstanceUID, why."""

    def taken(self) -> bytes:
        """Return what was made since this was asked last."""
        made = b"".join(self.pieces)
        self.pieces.clear()
        return made


def check_size(rows: Sequence[InstanceRow]) -> None:
    """Refuse what is more than a disc may hold.

    Raises:
        NotFound: there is nothing.
        TooLarge: there is too much.
    """
    if not rows:
        raise NotFound("There is no such study, series or instance")
    if len(rows) > MOST_INSTANCES:
        raise TooLarge(f"A disc has at most {MOST_INSTANCES} images")


async def media_set(hub: Hub, wanted: Wanted) -> AsyncIterator[bytes]:
    """Yield the ZIP, in pieces.

    Raises:
        Damaged: the bytes of an instance end before it does; what has left by then is no whole ZIP.
    """
    made = moment(hub.clock())
    date = (max(made.year, 1980), made.month, made.day, made.hour, made.minute, made.second)
    making = _Making(hub, wanted, Directory(f"2.25.{hub.new_row()}"), date)
    with zipfile.ZipFile(Outlet(making.pieces.append), "w") as archive:
        for row, path in zip(wanted.rows, _paths(wanted.rows), strict=True):
            async for piece in _instance(making, archive, row, path):
                yield piece
        lines, missing = list(making.lines.values()), len(making.missing)
        region, day = hub.settings.region, made.date().isoformat()
        for name, data in (
            ("DICOMDIR", making.directory.encoded()),
            ("INDEX.HTM", index_page(lines, region, day, missing)),
            ("README.TXT", readme(lines, region, day, missing)),
        ):
            archive.writestr(_info(making, name), data)
            yield making.taken()
        if making.missing:
            archive.writestr(_info(making, "MISSING.TXT"), "\r\n".join([MISSING, *making.missing, ""]).encode())
    yield making.taken()


def _paths(rows: Sequence[InstanceRow]) -> list[str]:
    """Return the place of each instance: components of eight capitals and digits, numbered by study, series, image."""
    studies: dict[str, int] = {}
    series: dict[tuple[str, str], int] = {}
    within: dict[str, int] = {}
    images: dict[tuple[str, str], int] = {}
    found = []
    for row in rows:
        study = studies.setdefault(row.study_instance_uid, len(studies) + 1)
        key = row.study_instance_uid, row.series_instance_uid
        if key not in series:
            series[key] = within[key[0]] = within.get(key[0], 0) + 1
        images[key] = images.get(key, 0) + 1
        found.append(f"DICOM/ST{study:06d}/SE{series[key]:06d}/IM{images[key]:06d}")
    return found


def _info(making: _Making, path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, making.date)
    info.external_attr = 0o600 << 16
    return info


async def _instance(making: _Making, archive: zipfile.ZipFile, row: InstanceRow, path: str) -> AsyncIterator[bytes]:
    """Add an instance; yield the bytes of the ZIP as they come."""
    try:
        row = await present(making.hub, row)
        begun = await stored_bytes(making.hub, row, 0, min(PIECE_BYTES, row.size))
    except (SourceFailed, Damaged) as error:
        making.missing.append(f"{path}\t{row.sop_instance_uid}\t{error}")
        return
    hub, syntax = making.hub, row.transfer_syntax_uid
    whole = b""
    if making.wanted.explicit and syntax != EXPLICIT_VR_LITTLE_ENDIAN and TRANSFER_SYNTAXES[syntax].codec != "video":
        try:
            whole, syntax = await transcoded(hub, row), EXPLICIT_VR_LITTLE_ENDIAN
        except NotAcceptable:
            logger.warning("An instance is given out as it is stored: it cannot be rewritten")
    size = len(whole) or row.size
    with archive.open(_info(making, path), "w", force_zip64=size >= zipfile.ZIP64_LIMIT) as member:
        for start in range(0, size, PIECE_BYTES):
            length = min(PIECE_BYTES, size - start)
            if whole:
                begun = whole[start : start + length]
            elif start:
                begun = await stored_bytes(hub, row, start, length)
            member.write(begun)
            yield making.taken()
    file = await _header(hub, row)
    if file is not None:
        making.directory.add(file, path, has_pixels=_has_pixels(row), transfer_syntax_uid=syntax)
    _note(making, row, file, path)
    if making.wanted.thumbnails and making.lines[row.series_instance_uid].images == 1:
        await _thumbnail(making, archive, row, path)
    yield making.taken()


def _has_pixels(row: InstanceRow) -> bool:
    return row.frames is not None or (row.number_of_frames is not None and row.pixel_offset is None)


async def _header(hub: Hub, row: InstanceRow) -> Part10 | None:
    """Return the header of an instance, up to its pixels; None of one that is too large to be listed."""
    try:
        if row.pixel_offset is not None:
            return before_pixels(await stored_bytes(hub, row, 0, row.pixel_offset), row.transfer_syntax_uid)[0]
        return read_part10(await stored_bytes(hub, row)) if row.size <= HEADER_BYTES else None
    except InvalidInstance:
        logger.warning("An instance is given out without a line in the DICOMDIR")
        return None


def _note(making: _Making, row: InstanceRow, file: Part10 | None, path: str) -> None:
    """Count an instance in the line of its series."""
    line = making.lines.get(row.series_instance_uid)
    if line is None:
        said = [""] * len(Line.TAGS)
        if file is not None:
            said = [text(file.data, file.data_set, tag, file.codecs) for tag in Line.TAGS]
        name, number, born, date, study, modality, series = said
        folder = path.rpartition("/")[0]
        line = Line(folder, name, number, born, date, study, modality, series)
        making.lines[row.series_instance_uid] = line
    line.images += 1


async def _thumbnail(making: _Making, archive: zipfile.ZipFile, row: InstanceRow, path: str) -> None:
    """Add a picture of a series; one that cannot be made is left out."""
    line = making.lines[row.series_instance_uid]
    asked = {"media_type": "image/jpeg", "max_edge": THUMBNAIL_EDGE}
    try:
        place = await stored_frames(making.hub, row)
        picture = await place.picture(len(place) // 2, asked)
    except FhirError:
        return
    line.picture = f"IHE_PDI/{'/'.join(path.split('/')[1:3])}.JPG"
    archive.writestr(_info(making, line.picture), picture)
