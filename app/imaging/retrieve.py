"""WADO-RS retrieve of an instance, a series or a study, part by part from the blobs.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html
"""

from collections.abc import AsyncIterator, Sequence

from app.imaging import parts
from app.imaging.found import instances
from app.imaging.lacking import check_whole, is_partial
from app.imaging.made import given, syntaxes
from app.imaging.media.door import asks_for_disc, disc
from app.imaging.parts import head_of, pieces
from app.imaging.pixels import Damaged, present, stored_bytes, transcoded
from app.imaging.ranges import TAKEN, content_range, in_one_piece, wanted
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM, DicomResponse, Streamed, etag, headers, new_boundary, not_modified
from app.imaging.sources.retrieve import retrieve_with_references
from dicom.accept import Representation, choose
from dicom.multipart import closing, content_type
from dicom.store.read import InstanceRow
from fhir.errors import NotAcceptable


async def retrieve(request: DicomRequest) -> DicomResponse:
    """Answer the instances that the address names, as they are stored unless another syntax is asked for.

    Raises:
        NotFound: there are none for the caller.
        NotAcceptable: the caller takes no form in which they can be given.
        SourceFailed: the site that keeps them does not give them.
    """
    if asks_for_disc(request):
        return await disc(request)
    rows = await instances(request)
    if request.instance:
        rows = [await present(request.hub, row) for row in rows]
    elif any(row.source is not None for row in rows) or is_partial(request, rows):
        return await retrieve_with_references(request, rows, lambda row: _chosen(request, [row])[0])
    chosen = _chosen(request, rows)
    tag = etag((row.digest for row in rows), "\n".join(f"{one.transfer_syntax} {one.multipart}" for one in chosen))
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    if not chosen[0].multipart:
        return await _single(request, rows[0], chosen[0], tag)
    boundary = new_boundary()
    # Of what is made anew the length is not known yet.
    heads = [
        head_of(request, boundary, row, one.transfer_syntax, row.size) for row, one in zip(rows, chosen, strict=True)
    ]
    length, first = None, b""
    if all(_as_stored(row, one) for row, one in zip(rows, chosen, strict=True)):
        length = sum(map(len, heads)) + sum(row.size for row in rows) + len(closing(boundary))
    elif not _as_stored(rows[0], chosen[0]):
        # What cannot be given so is told before the answer has begun.
        first = await transcoded(request.hub, rows[0], chosen[0].transfer_syntax)
    body = _parts(request, rows, chosen, heads, boundary, first)
    return Streamed(body, 200, headers(content_type(DICOM, boundary), tag), length)


def _chosen(request: DicomRequest, rows: Sequence[InstanceRow]) -> list[Representation]:
    """Return the form in which each instance is given; those of one kind are chosen once."""
    known: dict[tuple[str, bool], Representation] = {}
    found = []
    for row in rows:
        kind = row.transfer_syntax_uid, row.number_of_frames is None
        if kind not in known:
            one = choose(request.accept, _offers(row, single=bool(request.instance)))
            known[kind] = Representation(DICOM, given(row, one.transfer_syntax), one.multipart)
        found.append(known[kind])
    return found


def _offers(row: InstanceRow, *, single: bool) -> list[Representation]:
    """Return what can be given of an instance: as stored first, then in the syntaxes that are made."""
    forms = (True, False) if single else (True,)
    return [Representation(DICOM, uid, multipart) for multipart in forms for uid in syntaxes(row)]


def _as_stored(row: InstanceRow, chosen: Representation) -> bool:
    return chosen.transfer_syntax == row.transfer_syntax_uid


async def _single(request: DicomRequest, row: InstanceRow, chosen: Representation, tag: bytes) -> DicomResponse:
    found = headers(f"{DICOM}; transfer-syntax={chosen.transfer_syntax}", tag)
    if not _as_stored(row, chosen):
        return in_one_piece(request, await transcoded(request.hub, row, chosen.transfer_syntax), found, tag)
    part = wanted(request, row.size, tag)
    if part is None:
        return Streamed(pieces(request.hub, row, range(row.size)), 200, [*found, TAKEN], row.size)
    return Streamed(pieces(request.hub, row, part), 206, [*found, TAKEN, content_range(part, row.size)], len(part))


async def _parts(
    request: DicomRequest,
    rows: Sequence[InstanceRow],
    chosen: Sequence[Representation],
    heads: Sequence[bytes],
    boundary: str,
    first: bytes,
) -> AsyncIterator[bytes]:
    hub = request.hub
    # The end of the body leaves with the last part: a small packet of its own may wait for the other side.
    ends = [b""] * (len(rows) - 1) + [closing(boundary)]
    for row, one, head, end in zip(rows, chosen, heads, ends, strict=True):
        try:
            if not _as_stored(row, one):
                data, first = first or await transcoded(hub, row, one.transfer_syntax), b""
                head = head.replace(b"Content-Length: %d\r\n" % row.size, b"Content-Length: %d\r\n" % len(data))
                yield b"".join((head, data, end))
            elif row.size <= parts.PIECE_BYTES:
                yield b"".join((head, await stored_bytes(hub, row), end))
            else:
                yield head
                async for piece in pieces(hub, row, range(row.size)):
                    yield piece
                yield end
        except (Damaged, NotAcceptable):
            # The length was told: nothing can be left out any more.
            check_whole(request, [row])
