"""What a person sees who opens a disc: INDEX.HTM and README.TXT, in Japanese and English; nothing on them is run.

IHE PDI: https://www.ihe.net/uploadedFiles/Documents/Radiology/IHE_RAD_TF_Vol3.pdf (4.47)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import ClassVar

CRLF = "\r\n"


@dataclass(slots=True)
class Line:
    """A series on the pages, as the first image of it says."""

    TAGS: ClassVar[tuple[int, ...]] = (
        *(0x00100010, 0x00100020, 0x00100030, 0x00080020, 0x00081030, 0x00080060, 0x0008103E),
    )
    """Patient's name, number and birth date; study date and description; modality; series description."""

    folder: str
    name: str
    number: str
    born: str
    date: str
    study: str
    modality: str
    series: str
    images: int = field(default=0, kw_only=True)
    picture: str = field(default="", kw_only=True)

    @property
    def person(self) -> str:
        """The name in all its groups."""
        return " / ".join(one.replace("^", " ").strip() for one in self.name.split("=") if one.strip(" ^"))


_COLUMNS = ("", "患者 Patient", "番号 ID", "生年月日 Born", "検査日 Date", "検査 Study", "種別 Modality", "画像 Images")
_STYLE = "body{font-family:sans-serif;margin:1em}table{border-collapse:collapse}td,th{border:1px solid;padding:.3em}"


_LACKS = "This disc is not complete: MISSING.TXT names the images that could not be had ({})."
_LACKS_JA = "この媒体は完全ではありません。取得できなかった画像 ({} 件) は MISSING.TXT をご覧ください。"


def index_page(lines: Sequence[Line], region: str, day: str, missing: int = 0) -> bytes:
    """Return INDEX.HTM; `missing` images are not on the disc."""
    lacks = f"<p><strong>{_LACKS_JA.format(missing)}<br>{_LACKS.format(missing)}</strong></p>" if missing else ""
    head = "".join(f"<th>{escape(one)}</th>" for one in _COLUMNS)
    rows = CRLF.join(_row(one) for one in lines)
    parts = (
        '<!DOCTYPE html><html lang="ja"><head><meta charset="utf-8"><title>DICOM</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>医用画像 Medical images</h1><p>{escape(region)} {escape(day)}</p>{lacks}",
        "<p>画像は DICOM 形式です。DICOM 画像を表示できるソフトウェアで DICOMDIR を開いてください。<br>",
        "The images are in the DICOM format. Open DICOMDIR with a DICOM viewer.</p>",
        f"<table><tr>{head}</tr>{CRLF}{rows}</table>",
        '<p><a href="README.TXT">README.TXT</a></p></body></html>',
    )
    return CRLF.join(parts).encode("utf-8", "replace")


def _row(one: Line) -> str:
    picture = f'<img src="{escape(one.picture)}" alt="">' if one.picture else ""
    study = " ".join(part for part in (one.study, one.series) if part)
    images = f'{one.images} <a href="{escape(one.folder)}">{escape(one.folder)}</a>'
    said = (one.person, one.number, one.born, one.date, study, one.modality)
    cells = (picture, *(escape(text) for text in said), images)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def readme(lines: Sequence[Line], region: str, day: str, missing: int = 0) -> bytes:
    """Return README.TXT: UTF-8 with a mark at its beginning, by which editors know it."""
    images = sum(one.images for one in lines)
    written = (
        "This disc holds medical images in the DICOM format (IHE PDI).",
        f"It was made on {day} by the health information exchange: {region}",
        f"Series: {len(lines)}  Images: {images}",
        *([_LACKS.format(missing)] if missing else []),
        "DICOMDIR lists the images. INDEX.HTM shows what is on the disc. There is no program on it.",
        "The images hold personal health information: keep the disc safe.",
        "",
        "この媒体には DICOM 形式の医用画像 (IHE PDI) が入っています。",
        f"作成日 {day}  作成 {region}",
        f"シリーズ {len(lines)}  画像 {images}",
        *([_LACKS_JA.format(missing)] if missing else []),
        "画像の一覧は DICOMDIR、内容の説明は INDEX.HTM です。プログラムは入っていません。",
        "個人の医療情報です。取り扱いに注意してください。",
    )
    return (CRLF.join(written) + CRLF).encode("utf-8-sig")
