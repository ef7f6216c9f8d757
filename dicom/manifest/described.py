"""What a manifest tells of an instance beyond what a search index holds, read off its DICOM JSON.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_F.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dicom.concept import Code
from dicom.manifest import codes
from dicom.manifest.items import MAX_TEXT, issued
from dicom.manifest.model import Issued, ManifestRequest
from dicom.reports.values import Model, items, values


@dataclass(frozen=True, slots=True)
class Told:
    """What one instance tells."""

    patient_id: Issued
    accession: Issued
    requests: tuple[ManifestRequest, ...]
    procedures: tuple[Code, ...]
    region: Code | None
    """From its Anatomic Region Sequence, else from Body Part Examined."""
    high_level: Code | None
    """In which high-level anatomic region it lies, as far as Body Part Examined is known."""
    title: Code | None
    """Of a Key Object Selection."""
    description: str
    """Of a Key Object Selection."""


def told(model: Model) -> Told:
    """Return what the DICOM JSON of an instance tells; whatever it does not have is empty."""
    examined = _text(model, "00180015")
    accession = _issued(model, "00080050", "00080051")
    return Told(
        patient_id=_issued(model, "00100020", "00100024", "00100021"),
        accession=accession,
        requests=tuple(_requests(model, accession)),
        procedures=tuple(_codes(model, "00081032")) or tuple(_codes(model, "00321064")),
        region=next(_codes(model, "00082218"), None) or codes.body_part(examined),
        high_level=codes.high_level(examined),
        title=next(_codes(model, "0040A043"), None),
        description=next(_descriptions(model), ""),
    )


def _text(model: Model, tag: str) -> str:
    found = next(iter(values(model, tag)), "")
    text = found if isinstance(found, str) else ""
    return "".join(one for one in text if one.isprintable()).strip()[:MAX_TEXT]


def _codes(model: Model, tag: str) -> Iterator[Code]:
    for one in items(model, tag):
        value = _text(one, "00080100") or _text(one, "00080119") or _text(one, "00080120")
        found = Code(value, _text(one, "00080102"), _text(one, "00080104"))
        if found:
            yield found


def _issued(model: Model, tag: str, issuer: str, name: str = "") -> Issued:
    value = _text(model, tag)
    item: Model = next(iter(items(model, issuer)), {})
    stated = _text(model, name) if name else _text(item, "00400031")
    return issued(value, _text(item, "00400032"), _text(item, "00400033"), stated)


def _requests(model: Model, accession: Issued) -> Iterator[ManifestRequest]:
    """Yield the requests of Request Attributes Sequence (0040,0275), else the one that the study itself names."""
    for one in items(model, "00400275") or [model]:
        found = ManifestRequest(
            accession=_issued(one, "00080050", "00080051") or accession,
            placer=_issued(one, "00402016", "00400026"),
            filler=_issued(one, "00402017", "00400027"),
            procedure_id=_text(one, "00401001"),
            description=_text(one, "00321060"),
        )
        if found != ManifestRequest():
            yield found


def _descriptions(model: Model) -> Iterator[str]:
    for item in items(model, "0040A730"):
        if any(one.value == codes.KEY_OBJECT_DESCRIPTION.value for one in _codes(item, "0040A043")):
            yield _text(item, "0040A160")
