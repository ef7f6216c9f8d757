"""The Image Pixel module's numbers, and whether the pixel data is as long as they say.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.7.6.3.html
"""

from dataclasses import dataclass, replace

from dicom.failures import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, InvalidInstance

MAX_FRAMES = 1_000_000
"""Whole-slide images reach some hundred thousand tiles."""


@dataclass(frozen=True, slots=True)
class ImagePixel:
    """What is needed to make an array of a frame's bytes."""

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    pixel_representation: int
    """1: two's complement."""
    planar_configuration: int
    """1: all red, then all green, then all blue."""
    photometric_interpretation: str
    number_of_frames: int
    floating_point: bool = False
    """Float or Double Float Pixel Data."""
    word_swapped: bool = False
    """Big-endian words of more than eight bits."""

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame (PS3.5 8.1.1); 4:2:2 keeps two of three samples (PS3.3 C.7.6.3.1.2)."""
        samples = 2 if self.photometric_interpretation == "YBR_FULL_422" else self.samples_per_pixel
        return self.rows * self.columns * samples * self.bits_allocated

    @property
    def whole_triplets_bits(self) -> int:
        """Bits of a native frame in which each pixel has all its samples."""
        return self.rows * self.columns * self.samples_per_pixel * self.bits_allocated

    def of_length(self, length: int) -> "ImagePixel":
        """Return the numbers of native pixel data of so many bytes.

        Writers that inflate a JPEG forget that what was 4:2:2 is whole triplets now.
        """
        whole = (self.whole_triplets_bits * self.number_of_frames + 7) // 8
        is_whole = self.photometric_interpretation == "YBR_FULL_422" and whole <= length <= whole + 1
        return replace(self, photometric_interpretation="YBR_FULL") if is_whole else self


def check(image: ImagePixel) -> None:
    """Refuse numbers that no image can have.

    Raises:
        InvalidInstance: A number is missing (0) or outside what PS3.3 allows.
    """
    wrong = (
        ("Rows or Columns", not (0 < image.rows <= 65535 and 0 < image.columns <= 65535)),
        ("Samples per Pixel", image.samples_per_pixel not in (1, 3, 4)),
        ("Bits Allocated", image.bits_allocated not in (1, 8, 16, 24, 32, 40, 48, 56, 64)),
        ("Bits Stored", not 0 < image.bits_stored <= image.bits_allocated),
        ("Number of Frames", not 0 < image.number_of_frames <= MAX_FRAMES),
    )
    for name, is_wrong in wrong:
        if is_wrong:
            raise InvalidInstance(f"{name} is missing or impossible", DATA_SET_DOES_NOT_MATCH_SOP_CLASS)


def check_length(image: ImagePixel, length: int) -> None:
    """Refuse native pixel data that is not as long as its image.

    Args:
        image: The numbers of the Image Pixel module.
        length: Bytes of the pixel data.

    Raises:
        InvalidInstance: A frame is missing, or more than padding is too much.
    """
    needed = (image.frame_bits * image.number_of_frames + 7) // 8
    if length < needed:
        raise InvalidInstance(
            f"the pixel data has {length} bytes where {needed} are needed", DATA_SET_DOES_NOT_MATCH_SOP_CLASS
        )
    # Real writers pad to disk blocks; as much as another frame cannot be padding.
    if length - needed >= max(2, image.frame_bits // 8):
        raise InvalidInstance(
            f"the pixel data has {length} bytes where {needed} are described",
            DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
        )
