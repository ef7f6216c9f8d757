"""A manifest read from a Key Object Selection: the plain one of XDS-I.b, and that of MADO with its description.

IHE RAD TF-3: 4.68.4.1.2.3 and MADO 6.X.2. What the evidence references counts; the descriptive tree adds to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone

from dicom.concept import Code
from dicom.failures import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, InvalidInstance
from dicom.indexing import date, time
from dicom.instants import JAPAN_MINUTES, instant
from dicom.manifest import codes
from dicom.manifest.items import Items, whole
from dicom.manifest.model import Issued, Manifest, ManifestInstance, ManifestRequest, ManifestSeries
from dicom.names import person_name
from dicom.part10 import Instance
from dicom.reports.kinds import KEY_OBJECT_SELECTION

MAX_REGIONS = 100
"""Regions, modalities and procedures that are kept of one manifest."""

_CONTENT = 0x0040A730
_REFERENCED_SOP = 0x00081199
_EVIDENCE = 0x0040A375
_SERIES = 0x00081115
_PRIVATE_DISPLAY_URI = 0x000D0001
_DISPLAY_URI = 0x0040E012


def is_manifest(instance: Instance) -> bool:
    """Whether an instance is a Key Object Selection whose title says that it is a manifest of a study."""
    if instance.sop_class_uid != KEY_OBJECT_SELECTION:
        return False
    title = Items(instance.file, instance.file.data_set).concept()
    return title is not None and (title.value, title.scheme) in codes.TITLES


def read_kos(instance: Instance) -> Manifest:
    """Return what a manifest says.

    Args:
        instance: A Key Object Selection.

    Raises:
        InvalidInstance: it is no manifest, or refers to nothing, to another study, or twice to one instance.
    """
    if not is_manifest(instance):
        raise _mismatch("the instance is no manifest of a study")
    root = Items(instance.file, instance.file.data_set)
    study = instance.study_instance_uid
    evidence = [one for one in root.items(_EVIDENCE) if one.uid(0x0020000D) == study]
    if not evidence:
        raise _mismatch("the manifest refers to nothing of its study")
    described = _described(root)
    series = tuple(_series(one, described) for item in evidence for one in item.items(_SERIES))
    _check(series)
    offset = root.text(0x00080201)
    return Manifest(
        uid=instance.sop_instance_uid,
        created=_created(root, offset),
        study_instance_uid=study,
        series=series,
        title=root.concept() or codes.MANIFEST,
        patient_id=root.issued(0x00100020, 0x00100024, 0x00100021),
        other_patient_ids=_other_ids(root),
        patient_name=person_name(root.text(0x00100010)),
        patient_birth_date=date(root.text(0x00100030)),
        patient_sex=root.text(0x00100040)[:16],
        study_date=date(root.text(0x00080020)),
        study_time=time(root.text(0x00080030)),
        timezone_offset_from_utc=offset,
        study_description=root.text(0x00081030),
        accession=root.issued(0x00080050, 0x00080051),
        requests=tuple(_requests(root)),
        modalities=described.modalities or tuple(dict.fromkeys(one.modality for one in series if one.modality)),
        regions=described.regions,
        procedures=described.procedures,
        display_uri=next((uri for one in evidence if (uri := _display_uri(one))), ""),
        manufacturer=root.text(0x00080070),
        device=root.text(0x00081090),
        institution=root.text(0x00080080),
    )


def _mismatch(reason: str) -> InvalidInstance:
    return InvalidInstance(reason, DATA_SET_DOES_NOT_MATCH_SOP_CLASS)


def _check(series: tuple[ManifestSeries, ...]) -> None:
    names = [one.series_instance_uid for one in series]
    uids = [instance.sop_instance_uid for one in series for instance in one.instances]
    if not uids or not all(one.instances for one in series):
        raise _mismatch("the manifest has a series without instances, or none at all")
    if not all(names) or not all(uids):
        raise _mismatch("the manifest refers to something without a UID")
    if len(set(names)) != len(names) or len(set(uids)) != len(uids):
        raise _mismatch("the manifest refers twice to one series or instance")


def _created(root: Items, offset: str) -> datetime:
    found = instant(
        date(root.text(0x00080023)), time(root.text(0x00080033)), offset, default_offset_minutes=JAPAN_MINUTES
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        return epoch if found is None else (epoch + timedelta(microseconds=found)).astimezone(zone(offset))
    except OverflowError:
        # The first or the last day there is, which lies outside of the calendar in another zone.
        return epoch


def zone(offset: str) -> timezone:
    """Return the zone of a Timezone Offset From UTC, `+0900`; Japan's when it is none."""
    sign, digits = offset[:1], offset[1:]
    sound = sign in ("+", "-") and len(digits) == 4 and digits.isascii() and digits.isdigit()
    minutes = int(digits[:2]) * 60 + int(digits[2:]) if sound else JAPAN_MINUTES
    # FHIR writes offsets up to 14:00, as the calendar has them.
    minutes = minutes if minutes <= 840 else JAPAN_MINUTES
    return timezone(timedelta(minutes=-minutes if sign == "-" else minutes))


def sound_offset(offset: str) -> str:
    """Return a Timezone Offset From UTC as the calendar has it; `+0900` when it is none."""
    minutes = int(zone(offset).utcoffset(None).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def _other_ids(root: Items) -> tuple[Issued, ...]:
    main = root.issued(0x00100020, 0x00100024, 0x00100021)
    found = (one.issued(0x00100020, 0x00100024, 0x00100021) for one in root.items(0x00101002))
    return tuple(dict.fromkeys(one for one in found if one and one != main))


def _requests(root: Items) -> Iterator[ManifestRequest]:
    for one in root.items(0x0040A370):
        found = ManifestRequest(
            accession=one.issued(0x00080050, 0x00080051),
            placer=one.issued(0x00402016, 0x00400026),
            filler=one.issued(0x00402017, 0x00400027),
            procedure_id=one.text(0x00401001),
            description=one.text(0x00321060),
        )
        if found != ManifestRequest():
            yield found


def _display_uri(study: Items) -> str:
    for block in range(0x10, 0x100):
        if study.text(0x000D0000 | block) == "IHE_MADO_PRIVATE":
            return study.text(_PRIVATE_DISPLAY_URI | block << 8)
    return study.text(_DISPLAY_URI)


def _series(item: Items, described: "_Described") -> ManifestSeries:
    uid = item.uid(0x0020000E)
    found = [ManifestInstance(one.uid(0x00081150), one.uid(0x00081155)) for one in item.items(_REFERENCED_SOP)]
    series = ManifestSeries(
        series_instance_uid=uid,
        instances=tuple(found),
        retrieve_url=item.text(0x00081190),
        retrieve_location_uid=item.text(0x0040E011),
        retrieve_ae_title=item.text(0x00080054),
    )
    group = described.groups.get(uid)
    return series if group is None else group.add_to(series)


@dataclass(slots=True)
class _Group:
    """What an Image Library Group tells of its series."""

    concepts: list[tuple[Code, Items]]
    entries: dict[str, list[tuple[Code, Items]]]

    def add_to(self, series: ManifestSeries) -> ManifestSeries:
        modality = _coded(self.concepts, codes.MODALITY)
        return replace(
            series,
            modality=(modality.value or modality.meaning) if modality else "",
            number=whole(_told(self.concepts, codes.SERIES_NUMBER)),
            description=_told(self.concepts, codes.SERIES_DESCRIPTION),
            date=date(_told(self.concepts, codes.SERIES_DATE)),
            time=time(_told(self.concepts, codes.SERIES_TIME)),
            region=_coded(self.concepts, codes.TARGET_REGION),
            instances=self._instances(series.instances),
        )

    def _instances(self, instances: tuple[ManifestInstance, ...]) -> tuple[ManifestInstance, ...]:
        # Some writers list what they tell of instances beside the references and not below them, in the same order.
        numbers = [one for one in self.concepts if one[0].value == codes.INSTANCE_NUMBER.value]
        flat = [[one] for one in numbers] if len(numbers) == len(instances) else [[] for _ in instances]
        if len(instances) == 1:
            flat = [self.concepts]
        return tuple(
            _with_description(one, self.entries.get(one.sop_instance_uid) or beside)
            for one, beside in zip(instances, flat, strict=True)
        )


@dataclass(slots=True)
class _Described:
    """What the descriptive tree tells."""

    modalities: tuple[str, ...] = ()
    regions: tuple[Code, ...] = ()
    procedures: tuple[Code, ...] = ()
    groups: dict[str, _Group] = field(default_factory=dict)


def _with_description(instance: ManifestInstance, concepts: list[tuple[Code, Items]]) -> ManifestInstance:
    return replace(
        instance,
        number=whole(_told(concepts, codes.INSTANCE_NUMBER)),
        number_of_frames=whole(_told(concepts, codes.NUMBER_OF_FRAMES)),
        title=_coded(concepts, codes.DOCUMENT_TITLE),
        description=_told(concepts, codes.KEY_OBJECT_DESCRIPTION),
    )


def _described(root: Items) -> _Described:
    found = _Described()
    top = list(root.items(_CONTENT))
    # A root container inside the root is no valid document, and is written nevertheless.
    top += [below for one in top if _is(one, codes.MANIFEST_WITH_DESCRIPTION) for below in one.items(_CONTENT)]
    found.procedures = _codes(_concepts(top), codes.PROCEDURE_CODE)
    for library in (one for one in top if _is(one, codes.IMAGE_LIBRARY)):
        items = list(library.items(_CONTENT))
        concepts = _concepts(items)
        found.modalities += tuple(one.value or one.meaning for one in _codes(concepts, codes.MODALITY))
        found.regions += _codes(concepts, codes.TARGET_REGION)
        for item in items:
            if _is(item, codes.IMAGE_LIBRARY_GROUP):
                below = list(item.items(_CONTENT))
                group = _Group(_concepts(below), dict(_entries(below)))
                found.groups.setdefault(_told(group.concepts, codes.SERIES_INSTANCE_UID), group)
    found.modalities = tuple(dict.fromkeys(found.modalities))[:MAX_REGIONS]
    found.regions = tuple(dict.fromkeys(found.regions))[:MAX_REGIONS]
    return found


def _entries(items: list[Items]) -> Iterator[tuple[str, list[tuple[Code, Items]]]]:
    """Yield what is told of each instance below its reference, by SOP Instance UID (TID 1601)."""
    for item in items:
        uid = item.first(_REFERENCED_SOP).uid(0x00081155)
        if uid:
            yield uid, _concepts(list(item.items(_CONTENT)))


def _is(item: Items, concept: Code) -> bool:
    found = item.concept()
    return found is not None and (found.value, found.scheme) == (concept.value, concept.scheme)


def _concepts(items: list[Items]) -> list[tuple[Code, Items]]:
    return [(name, one) for one in items if (name := one.concept()) is not None]


def _coded(concepts: list[tuple[Code, Items]], wanted: Code) -> Code | None:
    return next(iter(_codes(concepts, wanted)), None)


def _codes(concepts: list[tuple[Code, Items]], wanted: Code) -> tuple[Code, ...]:
    found = (item.code(0x0040A168) for name, item in concepts if name.value == wanted.value)
    return tuple(dict.fromkeys(code for code in found if code is not None))[:MAX_REGIONS]


def _told(concepts: list[tuple[Code, Items]], wanted: Code) -> str:
    """Return what a text, a number, a date, a time or a UID says; empty when it is not there."""
    for name, item in concepts:
        if name.value == wanted.value:
            stated = (item.text(tag) for tag in (0x0040A160, 0x0040A121, 0x0040A122, 0x0040A124))
            return next((one for one in stated if one), "") or item.first(0x0040A300).text(0x0040A30A)
    return ""
