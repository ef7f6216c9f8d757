"""What is written into a rendered picture: whose it is, and how it was made.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.3.5.html#sect_8.3.5.1.1
"""

from collections.abc import Collection, Sequence

from PIL import Image, ImageDraw, ImageFont

from dicom.names import person_name, romanised
from dicom.part10 import Part10
from dicom.values import text

PATIENT, TECHNIQUE = "patient", "technique"

_PATIENT_NAME = 0x00100010
_PATIENT = (("", 0x00100020), ("Born ", 0x00100030), ("Sex ", 0x00100040), ("Taken ", 0x00080020))
_TECHNIQUE = (
    *(("", 0x00080060), ("", 0x0008103E), ("Slice ", 0x00180050), ("kVp ", 0x00180060), ("mA ", 0x00181151)),
    *(("TR ", 0x00180080), ("TE ", 0x00180081), ("Series ", 0x00200011), ("Image ", 0x00200013)),
)


def lines(file: Part10, kinds: Collection[str]) -> list[list[str]]:
    """Return the lines of each kind that is asked for, in Latin letters; first PATIENT, then TECHNIQUE.

    The name is its alphabetic group, or made of its kana: what the picture's font cannot write is left out.
    """
    return [_patient(file) if PATIENT in kinds else [], _told(file, _TECHNIQUE) if TECHNIQUE in kinds else []]


def _patient(file: Part10) -> list[str]:
    name = person_name(text(file.data, file.data_set, _PATIENT_NAME, file.codecs))
    shown = name.alphabetic if name.alphabetic.isascii() else ""
    written = shown or romanised(name.phonetic or name.alphabetic)
    return [one for one in (_latin(written.replace("^", " ").strip()), *_told(file, _PATIENT)) if one]


def _told(file: Part10, rows: Sequence[tuple[str, int]]) -> list[str]:
    found = [(words, _latin(text(file.data, file.data_set, tag, file.codecs))) for words, tag in rows]
    return [words + one for words, one in found if one]


def _latin(written: str) -> str:
    return "".join(one for one in written if 32 <= ord(one) < 127)[:64].strip()


def write_lines(shown: Image.Image, corners: Sequence[Sequence[str]]) -> None:
    """Write lines into the upper left corner of a picture, and the next ones into its upper right one."""
    size = max(8, min(shown.size) // 32)
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(shown)
    white, black = (255, 0) if shown.mode == "L" else ((255, 255, 255), (0, 0, 0))
    for corner, anchor, left in zip(corners, ("la", "ra"), (2, shown.width - 2), strict=False):
        for number, line in enumerate(corner):
            place = left, 2 + number * (size + 2)
            draw.text(place, line, fill=white, font=font, anchor=anchor, stroke_width=1, stroke_fill=black)
