"""Documents as content folders of an extended store: what DocumentReferences refer to, and documents of FHIR."""

import mimetypes
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from app.exchange.hl7v2.from_fhir.values import at_17
from app.exchange.hl7v2.from_fhir.written import NO_ORDER, Resource
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.document import LOINC
from app.exchange.ssmix2.export.folder import EXTENDED, Out
from app.exchange.ssmix2.export.naming import free_name
from app.exchange.ssmix2.path import folders_of
from fhir import exact

Read = Callable[[str], Awaitable[Resource | None]]
"""Returns a resource by its name, `Binary/4711`; None where there is none."""

_UNSAFE = re.compile(r"[^0-9A-Za-z\u3040-\u30ff\u4e00-\u9fff._-]+")


def kind_folder(concept: Mapping[str, Any]) -> str:
    """Return the name of the folder of a kind of documents: local code, name, system, standard code, name, system."""
    codings = concept.get("coding", ())
    standard: Mapping[str, Any] = next((one for one in codings if one.get("system") == LOINC), {})
    local = next((one for one in codings if one is not standard), standard)
    title = concept.get("text") or local.get("display") or standard.get("display") or "文書"
    code = _safe(local.get("code") or "DOC")
    if not standard:
        return f"{code}^{_safe(title)}^99RENKEI"
    return f"{code}^{_safe(title)}^99RENKEI^{_safe(standard['code'])}^{_safe(standard.get('display') or title)}^LN"


async def document(
    reference: Resource, name: str, patient: str, source: Source, taken: set[str], read: Read
) -> tuple[list[Out], str]:
    """Return the files of a document, and why there are none.

    Args:
        reference: A DocumentReference.
        name: What it is called, `DocumentReference/4711`.
        patient: The patient's number.
        source: The site.
        taken: The names that are taken in this patient's stores.
        read: Reads a Binary.
    """
    parts: list[tuple[str, bytes, str]] = []
    for place, content in enumerate(reference.get("content", ()), start=1):
        attachment = content.get("attachment", {})
        covered, octets = await _octets(attachment, read)
        if octets is None:
            return [], f"attachment {place} is not in the hub"
        parts.append((_file_name(attachment, place), octets, covered))
    if not parts:
        return [], "the document has no content"
    at = reference.get("date", "") or reference.get("context", {}).get("period", {}).get("start", "")
    folder = _folder(patient, kind_folder(reference.get("type", {})), at_17(at or "1900", source), taken)
    made = [(title, octets, tuple(filter(None, (name, covered)))) for title, octets, covered in parts]
    return [Out(f"{folder}/{title}", octets, "made", covers) for title, octets, covers in made], ""


def bundle(document_: Resource, name: str, patient: str, source: Source, taken: set[str]) -> list[Out]:
    """Return a document of FHIR as a content folder of one file."""
    entries = document_.get("entry") or [{}]
    first: Resource = entries[0].get("resource", {})
    at = document_.get("timestamp", "") or first.get("date", "")
    folder = _folder(patient, kind_folder(first.get("type", {})), at_17(at or "1900", source), taken)
    return [Out(f"{folder}/document.json", exact.write(document_), "made", (name,))]


def _folder(patient: str, kind: str, occurred: str, taken: set[str]) -> str:
    name = free_name(patient, (occurred[:8], kind.split("^")[0], NO_ORDER, occurred, "-"), taken)
    return "/".join((EXTENDED, *folders_of(patient), name.day, kind, str(name)))


async def _octets(attachment: Mapping[str, Any], read: Read) -> tuple[str, bytes | None]:
    """Return the Binary that an attachment refers to, and its bytes."""
    data, url = attachment.get("data"), str(attachment.get("url", ""))
    covered = ""
    if data is None and url.startswith("Binary/"):
        covered = "/".join(url.split("/")[:2])
        binary = await read(covered)
        data = binary.get("data", "") if binary is not None else None
    try:
        return covered, None if data is None else b64decode(data)
    except Base64Error:
        return covered, None


def _file_name(attachment: Mapping[str, Any], place: int) -> str:
    title = _safe(attachment.get("title", "")).strip("._")
    ending = mimetypes.guess_extension(attachment.get("contentType", "").partition(";")[0]) or ".bin"
    if not title:
        return f"{place}{ending}"
    return title if "." in title else f"{title}{ending}"


def _safe(text: str) -> str:
    return _UNSAFE.sub("-", text)[:60]
