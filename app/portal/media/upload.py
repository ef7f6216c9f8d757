"""A disc comes in by the browser: a ZIP, some files or a folder of them; spooled to disk, and read beside the requests.

https://www.rfc-editor.org/rfc/rfc7578
"""

import asyncio
import shutil
import zipfile
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from starlette.requests import Request
from starlette.responses import Response

from app.blobs import Incoming
from app.hub import Hub
from app.imaging.media.entries import MOST_FILES
from app.imaging.media.job import INTERACTION, PORTAL, a_job, begin, begun_by, new_disc
from app.imaging.media.zip_out import Outlet
from app.portal.forms import FORM_BYTES, Form, check_token, one
from app.portal.gate import Visit, moved, view
from app.portal.media.discs import show_discs
from app.portal.multipart import boundary_of, field_of
from app.portal.page import Page
from app.records.jobs.queue import TooMany
from dicom.multipart import MalformedMultipart, TooLarge, read_parts
from fhir import errors

MEMORY_BYTES = 1_000_000
"""A larger file of a form waits on the disk."""

_ZIP = b"PK\x03\x04"


@dataclass(slots=True)
class _Upload:
    """The files of a form, as one ZIP: the one that was sent, or one made of those that were."""

    hub: Hub
    incoming: Incoming | None = None
    title: str = ""
    count: int = 0
    _first: IO[bytes] | None = None
    _archive: zipfile.ZipFile | None = None
    _opened: list[IO[bytes]] = field(default_factory=list)

    def open(self) -> IO[bytes]:
        """Return where the next part goes."""
        file = cast("IO[bytes]", SpooledTemporaryFile(MEMORY_BYTES, dir=str(self.hub.settings.home)))  # noqa: SIM115
        self._opened.append(file)
        return file

    def add(self, name: str, file: IO[bytes]) -> None:
        """Add a file.

        Raises:
            TooLarge: there are too many.
        """
        self.count += 1
        if self.count > MOST_FILES:
            raise TooLarge(f"there are more than {MOST_FILES} files")
        if self.count == 1:
            # It may be a ZIP, which is kept as it is if it is the only one.
            self.title, self._first = name, file
            return
        if self._archive is None:
            self._archive = self._packed()
        self._pack(name, file)

    def close_part(self, file: IO[bytes]) -> None:
        """Remove what a part was spooled to, unless it is the first file."""
        if file is not self._first:
            file.close()
            self._opened.remove(file)

    def _packed(self) -> zipfile.ZipFile:
        self.incoming = self.hub.blobs.incoming()
        self._archive = zipfile.ZipFile(Outlet(self.incoming.write), "w")
        if self._first is not None:
            self._pack(self.title, self._first)
        return self._archive

    def _pack(self, name: str, file: IO[bytes]) -> None:
        assert self._archive is not None  # noqa: S101 - made by the caller
        file.seek(0)
        with self._archive.open(zipfile.ZipInfo(name or "-"), "w", force_zip64=True) as target:
            shutil.copyfileobj(file, target)

    def finish(self) -> Incoming | None:
        """Return the ZIP; None when there was no file."""
        if self._archive is None and self._first is not None:
            self._first.seek(0)
            if self._first.read(len(_ZIP)) == _ZIP:
                self.incoming = self.hub.blobs.incoming()
                self._first.seek(0)
                while piece := self._first.read(MEMORY_BYTES):
                    self.incoming.write(piece)
                return self.incoming
            self._archive = self._packed()
        if self._archive is not None:
            self._archive.close()
            self.title = f"{self.title} (+{self.count - 1})" if self.count > 1 else self.title
        return self.incoming

    def discard(self) -> None:
        """Remove everything that is still there."""
        for file in self._opened:
            file.close()
        if self.incoming is not None:
            self.incoming.discard()


async def _read(request: Request, secret: str, upload: _Upload) -> Form:
    """Read the form; its token stands before its files.

    Raises:
        Forbidden: it is not of this session.
        TooLarge: it is larger than a disc may be.
        InvalidValue: it is no form.
    """
    form: Form = {}
    boundary = boundary_of(request.headers.get("content-type", ""))
    most = upload.hub.settings.stow_bytes
    checked = False
    try:
        async for part in read_parts(
            request.stream(), boundary, upload.open, max_part_bytes=most, max_request_bytes=most
        ):
            file = cast("IO[bytes]", part.file)
            name, file_name = field_of("; " + part.headers.get("content-disposition", ""))
            if file_name is None:
                file.seek(0)
                form.setdefault(name, []).append(file.read(FORM_BYTES).decode("utf-8", "replace").replace("\0", ""))
            if not checked:
                check_token(form, secret)
                checked = True
            if file_name is not None and part.size:
                # Gigabytes are copied: other requests go on meanwhile.
                await asyncio.to_thread(upload.add, file_name.encode("latin-1").decode("utf-8", "replace"), file)
            upload.close_part(file)
    except TooLarge as error:
        raise errors.TooLarge(str(error)) from error
    except MalformedMultipart as error:
        raise errors.InvalidValue(str(error)) from error
    check_token(form, secret)
    return form


async def _begin(visit: Visit, upload: _Upload) -> Page | Response:
    hub, caller = visit.hub, visit.caller
    incoming = await asyncio.to_thread(upload.finish)
    if incoming is None:
        return await show_discs(visit, problem="empty")
    digest = await hub.blobs.keep(caller.organisation, incoming)
    title = one(visit.form, "title") or upload.title
    disc = new_disc(*(hub, caller.organisation, title), upload=digest, by=caller.user, by_title=caller.user_title)
    told = begun_by(hub, caller, disc, network=visit.fhir.network, path="/media")
    try:
        job = a_job(disc, client=PORTAL, purpose=caller.purpose)
        await begin(hub, disc, job, told, upload_bytes=incoming.size)
    except TooMany:
        return await show_discs(visit, problem="many")
    visit.fhir.recorded = True
    hub.discs_wait.set()
    return moved(f"/media/{disc.number}")


async def upload_disc(request: Request) -> Response:
    """Take a disc in."""
    upload = _Upload(request.app.state.hub)

    async def read(web: Request, secret: str) -> Form:
        return await _read(web, secret, upload)

    async def work(visit: Visit) -> Page | Response:
        return await _begin(visit, upload)

    try:
        return await view(request, "media", work, interaction=INTERACTION, action="C", read=read)
    finally:
        upload.discard()
