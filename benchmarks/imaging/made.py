"""The studies that both servers are given, the same in every run: one of large slices, many of one small image."""

from collections.abc import Iterator
from dataclasses import dataclass

from dicom.phantom import CT, Patient, Study, instances, uid

EDGE = 512
SLICES = 300
PATIENTS = 5_000
NAMES = ("Yamada^Tarou", "Satou^Hanako", "Suzuki^Ichirou", "Takahashi^Yuki", "Tanaka^Kenji")
KANJI = ("山田^太郎", "佐藤^花子", "鈴木^一郎", "高橋^由紀", "田中^健二")
BOUNDARY = "b0undary"
CONTENT_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'

_HEAD = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
_END = f"--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True, slots=True)
class Small:
    """A study of one image of eight by eight pixels, for searches."""

    number: int

    @property
    def patient_id(self) -> str:
        """Ten studies belong to one patient."""
        return f"P{self.number % PATIENTS:08d}"

    @property
    def date(self) -> str:
        """Some forty studies a day, over three and a half years."""
        day = self.number // 40
        return f"{2021 + day // 336}{day % 336 // 28 + 1:02d}{day % 28 + 1:02d}"

    @property
    def name(self) -> str:
        """One of a few, padded to one length in bytes."""
        which = self.number % PATIENTS % len(NAMES)
        return f"{NAMES[which]}={KANJI[which]}"

    @property
    def uid(self) -> str:
        """Of the study."""
        return f"1.2.392.200036.9999.1.{self.number:09d}"


def large(seed: int = 1, slices: int = SLICES) -> list[bytes]:
    """Return the files of a CT study of 525 KB a slice."""
    patient = Patient("LARGE", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600102", "M")
    return list(instances(Study(seed, patient, CT, slices=slices, edge=EDGE)))


def series_of_large(seed: int = 1) -> tuple[str, str]:
    """Return the StudyInstanceUID and the SeriesInstanceUID of the large study."""
    return uid(seed, "study"), uid(seed, "series", CT.name)


def small(numbers: range) -> Iterator[bytes]:
    """Yield the file of each small study: one file in which names and numbers are exchanged."""
    template = _template()
    for number in numbers:
        one = Small(number)
        values = {
            _NAME: one.name.encode(),
            _PATIENT: one.patient_id.encode(),
            _STUDY: one.uid.encode(),
            _SERIES: f"1.2.392.200036.9999.2.{number:09d}".encode(),
            _INSTANCE: f"1.2.392.200036.9999.3.{number:09d}".encode(),
            _DATE: one.date.encode(),
            _ACCESSION: f"A{number:08d}".encode(),
        }
        made = template
        for mark, value in values.items():
            made = made.replace(mark, value.ljust(len(mark)) if mark == _NAME else value)
        yield made


_NAME, _PATIENT, _ACCESSION = b"N" * 40, b"PXXXXXXXX", b"AXXXXXXXX"
_STUDY, _SERIES, _INSTANCE = (f"1.2.392.200036.9999.{which}.777777777".encode() for which in (1, 2, 3))
_DATE = b"18880808"


def _template() -> bytes:
    """Return a file with marks where the values go, each as long as the value."""
    patient = Patient(_PATIENT.decode(), _NAME.decode(), "19600102", "M")
    study = Study(7, patient, CT, edge=8, date=_DATE.decode(), accession_number=_ACCESSION.decode())
    (made,) = instances(study)
    replaced = {uid(7, "study"): _STUDY, uid(7, "series", "CT"): _SERIES, uid(7, "CT", 0): _INSTANCE}
    from io import BytesIO

    from pydicom import dcmread

    ds = dcmread(BytesIO(made))
    by_value = {old: new.decode() for old, new in replaced.items()}
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, by_value[getattr(ds, keyword)])
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def body(files: list[bytes]) -> bytes:
    """Return the body of a STOW-RS request."""
    return b"".join(part for file in files for part in (_HEAD, file, b"\r\n")) + _END
