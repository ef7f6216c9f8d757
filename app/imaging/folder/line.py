"""The line to the hub for images: STOW-RS, streamed from the disk, and the answer told file by file.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson

from app.exchange.ssmix2.gateway.hub_line import Answered, HubLine, NotTaken, failed, finding
from app.imaging.folder.walk import PIECE_BYTES, Image
from dicom.multipart import closing, content_type, part_head

DOOR = "/dicomweb/studies"
SCOPE = "system/ImagingStudy.cu"
DICOM = "application/dicom"

_FAILED, _STORED, _INSTANCE, _REASON, _WORDS = "00081198", "00081199", "00081155", "00081197", "00000902"


class StowLine(HubLine):
    """The line to one hub; as for `HubLine`, whose scope is that of STOW-RS."""

    scope = SCOPE

    async def send(self, images: Sequence[Image]) -> list[Answered]:
        """Send images and return what became of each, in their order.

        Raises:
            LineDown: it is to be sent again later; perhaps the hub has some of it.
            NotTaken: it is to be sent in smaller batches, so that the answer tells of which file it speaks.
            NotLetIn: the gateway is refused.
            OSError: a file is not there any more, or was written to since it was read.
        """
        changed = next((one for one in images if not one.is_there()), None)
        if changed is not None:
            # However often it were sent as it was, the request would never be whole.
            raise OSError(f"{changed.row.path} has changed since it was read")
        boundary = secrets.token_hex(16)
        heads = [part_head(boundary, DICOM, one.row.size) for one in images]
        length = sum(map(len, heads)) + sum(one.row.size for one in images) + len(closing(boundary))
        headers = {
            "content-type": content_type(DICOM, boundary),
            "content-length": str(length),
            "accept": "application/dicom+json",
        }
        response = await self.post(DOOR, lambda: _body(images, heads, boundary), headers)
        if response.status_code in (400, 413, 415, 422):
            raise NotTaken(response.text[:300])
        if response.status_code not in (200, 202, 409):
            raise failed(response)
        return _answers(images, orjson.loads(response.content))


async def _body(images: Sequence[Image], heads: Sequence[bytes], boundary: str) -> AsyncIterator[bytes]:
    for image, head in zip(images, heads, strict=True):
        yield head
        left = image.row.size
        with image.place.open("rb") as file:
            while left and (piece := file.read(min(PIECE_BYTES, left))):
                left -= len(piece)
                yield piece
        if left:
            raise OSError(f"{image.row.path} was cut short while it was sent")
    yield closing(boundary)


def _items(answer: Mapping[str, Any], tag: str) -> list[Mapping[str, Any]]:
    return list(answer.get(tag, {}).get("Value", ()))


def _one(item: Mapping[str, Any], tag: str) -> Any:
    found = item.get(tag, {}).get("Value", ())
    return found[0] if found else ""


def _answers(images: Sequence[Image], answer: Mapping[str, Any]) -> list[Answered]:
    """Return what became of each image.

    Raises:
        NotTaken: the answer does not say it of one of them, by its SOP Instance UID.
    """
    stored = {_one(item, _INSTANCE) for item in _items(answer, _STORED)}
    refused = {_one(item, _INSTANCE): item for item in _items(answer, _FAILED)}
    if len(images) == 1:
        # Whatever it is called in the answer, it is this one.
        if stored:
            return [Answered(images[0].row.path, "done", ())]
        return [Answered(images[0].row.path, "refused", [_finding(item) for item in refused.values()])]
    uids = [one.sop_instance_uid for one in images]
    if len(set(uids)) < len(uids) or not all((uid in stored) != (uid in refused) for uid in uids):
        raise NotTaken("the answer does not tell of which file it speaks")
    return [
        Answered(one.row.path, "done", ())
        if one.sop_instance_uid in stored
        else Answered(one.row.path, "refused", [_finding(refused[one.sop_instance_uid])])
        for one in images
    ]


def _finding(item: Mapping[str, Any]) -> dict[str, Any]:
    code = _one(item, _REASON)
    return finding(f"{_one(item, _WORDS)} ({code:04X})" if isinstance(code, int) else str(_one(item, _WORDS)))
