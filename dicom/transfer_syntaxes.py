"""The transfer syntaxes the hub reads, and how each is written down.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/chapter_10.html (media types: PS3.18 8.7.3)
"""

from dataclasses import dataclass

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"

COMPRESSED = (RLE_LOSSLESS, JPEG_LOSSLESS, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, HTJ2K_LOSSLESS, JPEG_BASELINE)
"""Those that are made of others, the lossless ones first: image/jpeg alone means a lossless one (PS3.18 8.7.3.3.2)."""
MADE = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, *COMPRESSED)
"""All that are made of others."""


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """One row of PS3.6 table A-1 with what a reader needs to know of it."""

    uid: str
    name: str
    codec: str | None = None
    """The family of the compressed frames; None for native pixels."""
    media_type: str = "application/octet-stream"
    """What WADO-RS calls one frame of it (PS3.18 table 8.7.3-5)."""
    implicit_vr: bool = False
    big_endian: bool = False
    deflated: bool = False

    @property
    def encapsulated(self) -> bool:
        """Whether PixelData is a sequence of fragments."""
        return self.codec is not None


_PREFIX = "1.2.840.10008.1.2.4."

TRANSFER_SYNTAXES: dict[str, TransferSyntax] = {
    row.uid: row
    for row in (
        TransferSyntax(IMPLICIT_VR_LITTLE_ENDIAN, "Implicit VR Little Endian", implicit_vr=True),
        TransferSyntax(EXPLICIT_VR_LITTLE_ENDIAN, "Explicit VR Little Endian"),
        TransferSyntax(DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, "Deflated Explicit VR Little Endian", deflated=True),
        TransferSyntax(EXPLICIT_VR_BIG_ENDIAN, "Explicit VR Big Endian", big_endian=True),
        TransferSyntax(RLE_LOSSLESS, "RLE Lossless", "rle", "image/dicom-rle"),
        TransferSyntax(JPEG_BASELINE, "JPEG Baseline (Process 1)", "jpeg", "image/jpeg"),
        TransferSyntax(_PREFIX + "51", "JPEG Extended (Process 2 & 4)", "jpeg", "image/jpeg"),
        TransferSyntax(_PREFIX + "57", "JPEG Lossless (Process 14)", "ljpeg", "image/jpeg"),
        TransferSyntax(_PREFIX + "70", "JPEG Lossless (Process 14, Selection Value 1)", "ljpeg", "image/jpeg"),
        TransferSyntax(_PREFIX + "80", "JPEG-LS Lossless", "jpegls", "image/jls"),
        TransferSyntax(_PREFIX + "81", "JPEG-LS Near-lossless", "jpegls", "image/jls"),
        TransferSyntax(_PREFIX + "90", "JPEG 2000 Lossless", "jpeg2k", "image/jp2"),
        TransferSyntax(_PREFIX + "91", "JPEG 2000", "jpeg2k", "image/jp2"),
        TransferSyntax(_PREFIX + "92", "JPEG 2000 Part 2 Lossless", "jpeg2k", "image/jpx"),
        TransferSyntax(_PREFIX + "93", "JPEG 2000 Part 2", "jpeg2k", "image/jpx"),
        TransferSyntax(_PREFIX + "201", "HTJ2K Lossless", "htj2k", "image/jphc"),
        TransferSyntax(_PREFIX + "202", "HTJ2K Lossless RPCL", "htj2k", "image/jphc"),
        TransferSyntax(_PREFIX + "203", "HTJ2K", "htj2k", "image/jphc"),
        TransferSyntax(_PREFIX + "100", "MPEG2 Main Profile / Main Level", "video", "video/mpeg"),
        TransferSyntax(_PREFIX + "101", "MPEG2 Main Profile / High Level", "video", "video/mpeg"),
        TransferSyntax(_PREFIX + "102", "MPEG-4 AVC/H.264 High Profile / Level 4.1", "video", "video/mp4"),
        TransferSyntax(_PREFIX + "103", "MPEG-4 AVC/H.264 BD-compatible", "video", "video/mp4"),
        TransferSyntax(_PREFIX + "104", "MPEG-4 AVC/H.264 Level 4.2 2D", "video", "video/mp4"),
        TransferSyntax(_PREFIX + "105", "MPEG-4 AVC/H.264 Level 4.2 3D", "video", "video/mp4"),
        TransferSyntax(_PREFIX + "106", "MPEG-4 AVC/H.264 Stereo / Level 4.2", "video", "video/mp4"),
        TransferSyntax(_PREFIX + "107", "HEVC/H.265 Main Profile / Level 5.1", "video", "video/mp4"),
        TransferSyntax(_PREFIX + "108", "HEVC/H.265 Main 10 Profile / Level 5.1", "video", "video/mp4"),
    )
}
