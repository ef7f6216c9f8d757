"""Accept lists and transfer syntaxes: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.7.html."""

from io import BytesIO

import imagecodecs
import numpy as np
import pydicom

from tests.dicomweb.sample import EDGE, Sample
from tests.dicomweb.server import Server, expect, expect_status, kind_of, parts_of
from tests.dicomweb.suite import check

PREFIX = "1.2.840.10008.1.2"
_DECODERS = {
    ".4.70": imagecodecs.jpegsof3_decode,
    ".4.80": imagecodecs.jpegls_decode,
    ".4.90": imagecodecs.jpeg2k_decode,
    ".4.201": imagecodecs.htj2k_decode,
}


@check("negotiation")
def frames_are_given_to_whoever_names_nothing(server: Server, sample: Sample) -> None:
    for accept in (None, "*/*", 'multipart/related; type="*/*"'):
        response = server.get(f"{sample.instance}/frames/1", accept)
        expect_status(response, 200)


@check("negotiation")
def the_type_parameter_needs_no_quotation_marks(server: Server, sample: Sample) -> None:
    for accept in (
        "multipart/related; type=application/octet-stream",
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        "multipart/related;type=application/octet-stream",
    ):
        expect_status(server.get(f"{sample.instance}/frames/1", accept), 200)


@check("negotiation")
def of_a_list_what_can_be_given_is_given(server: Server, sample: Sample) -> None:
    lists = (
        "application/dicom+json, multipart/related; type=application/octet-stream",
        'image/gif, multipart/related; type="video/mp4", multipart/related; type="application/octet-stream"',
    )
    for accept in lists:
        response = server.get(f"{sample.instance}/frames/1", accept)
        expect_status(response, 200)
        expect(kind_of(response) == "multipart/related", f"it is {kind_of(response)}")


@check("negotiation")
def the_best_liked_form_is_given(server: Server, sample: Sample) -> None:
    response = server.get(f"{sample.instance}/rendered", "image/jpeg; q=0.1, image/png; q=0.9")

    expect_status(response, 200)
    expect(kind_of(response) == "image/png", f"it is {kind_of(response)}")


@check("negotiation")
def the_accept_parameter_goes_before_the_header(server: Server, sample: Sample) -> None:
    response = server.get(f"{sample.instance}/rendered?accept=image/png", "image/jpeg")

    expect_status(response, 200)
    expect(kind_of(response) == "image/png", f"it is {kind_of(response)}")


@check("negotiation")
def what_cannot_be_given_is_not_acceptable(server: Server, sample: Sample) -> None:
    for place, accept in (
        (sample.instance, "text/plain"),
        (f"{sample.instance}/metadata", "text/html"),
        (f"{sample.instance}/rendered", "video/mp4"),
        (f"{sample.instance}/frames/1", 'multipart/related; type="video/mp4"'),
        (sample.instance, 'multipart/related; type="application/dicom"; transfer-syntax=1.2.3.4'),
    ):
        expect_status(server.get(place, accept), 406)


def _expect_syntax(server: Server, sample: Sample, syntax: str) -> None:
    accept = f'multipart/related; type="application/dicom"; transfer-syntax={PREFIX}{syntax}'
    response = server.get(sample.instance, accept)
    expect_status(response, 200)
    ((_, content),) = parts_of(response)
    ds = pydicom.dcmread(BytesIO(content))
    expect(ds.file_meta.TransferSyntaxUID == PREFIX + syntax, f"it is {ds.file_meta.TransferSyntaxUID}")
    if syntax in _DECODERS:
        stream = next(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=1))
        pixels = np.asarray(_DECODERS[syntax](stream)).view("<i2").reshape(EDGE, EDGE)
    else:
        pixels = ds.pixel_array
    expect(np.array_equal(pixels, sample.pixels(0)), "the pixels are others")


@check("negotiation")
def instances_are_given_in_explicit_vr_little_endian(server: Server, sample: Sample) -> None:
    _expect_syntax(server, sample, ".1")


@check("negotiation")
def instances_are_given_in_implicit_vr_little_endian(server: Server, sample: Sample) -> None:
    _expect_syntax(server, sample, "")


@check("negotiation")
def instances_are_given_deflated(server: Server, sample: Sample) -> None:
    _expect_syntax(server, sample, ".1.99")


@check("negotiation")
def instances_are_given_in_rle(server: Server, sample: Sample) -> None:
    _expect_syntax(server, sample, ".5")


@check("negotiation")
def instances_are_given_in_jpeg_lossless(server: Server, sample: Sample) -> None:
    _expect_syntax(server, sample, ".4.70")


@check("negotiation")
def instances_are_given_in_jpeg_ls(server: Server, sample: Sample) -> None:
    _expect_syntax(server, sample, ".4.80")


@check("negotiation")
def instances_are_given_in_jpeg_2000(server: Server, sample: Sample) -> None:
    _expect_syntax(server, sample, ".4.90")


@check("negotiation")
def instances_are_given_in_htj2k(server: Server, sample: Sample) -> None:
    _expect_syntax(server, sample, ".4.201")


@check("negotiation")
def eight_bits_are_given_in_jpeg_baseline(server: Server, sample: Sample) -> None:
    accept = f'multipart/related; type="application/dicom"; transfer-syntax={PREFIX}.4.50'
    response = server.get(sample.movie, accept)

    expect_status(response, 200)
    ds = pydicom.dcmread(BytesIO(parts_of(response)[0][1]))
    expect(ds.get("LossyImageCompression") == "01", "it does not say that it is lossy")


@check("negotiation")
def frames_are_compressed_when_their_media_type_is_asked_for(server: Server, sample: Sample) -> None:
    for kind, syntax in (("image/jls", ".4.80"), ("image/jp2", ".4.90"), ("image/dicom-rle", ".5")):
        response = server.get(
            f"{sample.instance}/frames/1", f'multipart/related; type="{kind}"; transfer-syntax={PREFIX}{syntax}'
        )
        expect_status(response, 200)
        ((found, _),) = parts_of(response)
        expect(found.startswith(kind), f"the part is {found}")
