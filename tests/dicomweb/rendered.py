"""Pictures: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.3.5.html."""

from io import BytesIO

import numpy as np
from PIL import Image

from tests.dicomweb.sample import EDGE, Sample
from tests.dicomweb.server import Server, expect, expect_status, kind_of, parts_of
from tests.dicomweb.suite import check


def _picture(server: Server, path: str, accept: str = "image/png") -> np.ndarray:
    response = server.get(path, accept)
    expect_status(response, 200)
    expect(kind_of(response) == accept, f"it is {kind_of(response)}")
    return np.asarray(Image.open(BytesIO(response.content)).convert("L")).astype(int)


@check("rendered")
def an_instance_and_a_frame_are_shown_as_jpeg_and_png(server: Server, sample: Sample) -> None:
    for place in (f"{sample.instance}/rendered", f"{sample.movie}/frames/2/rendered"):
        for accept in ("image/jpeg", "image/png"):
            expect(_picture(server, place, accept).shape == (EDGE, EDGE), "it has another size")


@check("rendered")
def a_frame_is_the_one_that_is_named(server: Server, sample: Sample) -> None:
    means = [_picture(server, f"{sample.movie}/frames/{number}/rendered").mean() for number in (1, 2, 3)]

    expect(means == sorted(means) and means[0] < means[2], f"greys of {means}")


@check("rendered")
def a_window_counts(server: Server, sample: Sample) -> None:
    dark = _picture(server, f"{sample.instance}/rendered?window=2000,100,linear")
    bright = _picture(server, f"{sample.instance}/rendered?window=-2000,100,linear")

    expect(dark.max() == 0 and bright.min() == 255, f"{dark.max()} and {bright.min()}")


@check("rendered")
def a_viewport_bounds_the_size(server: Server, sample: Sample) -> None:
    shape = _picture(server, f"{sample.instance}/rendered?viewport=16,8").shape

    expect(shape == (8, 8), f"{shape}")


@check("rendered")
def a_viewport_cuts_out_a_region(server: Server, sample: Sample) -> None:
    window = "window=200,1000,linear"
    whole = _picture(server, f"{sample.instance}/rendered?{window}")
    part = _picture(server, f"{sample.instance}/rendered?{window}&viewport=16,16,0,16,16,16")

    expect(part.shape == (16, 16), f"{part.shape}")
    expect(np.abs(part - whole[16:, :16]).max() <= 1, "another region")


@check("rendered")
def quality_changes_the_size_of_a_jpeg(server: Server, sample: Sample) -> None:
    sizes = [len(server.get(f"{sample.instance}/rendered?quality={one}", "image/jpeg").content) for one in (10, 100)]

    expect(sizes[0] < sizes[1], f"{sizes} bytes")


@check("rendered")
def a_series_is_shown_in_parts(server: Server, sample: Sample) -> None:
    response = server.get(f"{sample.place}/rendered", 'multipart/related; type="image/jpeg"')

    expect_status(response, 200)
    expect(len(parts_of(response)) == 3, f"{len(parts_of(response))} parts")


@check("rendered")
def thumbnails_of_every_level_are_given(server: Server, sample: Sample) -> None:
    for place in (f"/studies/{sample.study}", sample.place, sample.instance, f"{sample.movie}/frames/1"):
        expect_status(server.get(f"{place}/thumbnail", "image/jpeg"), 200)


@check("rendered")
def another_kind_of_picture_is_not_acceptable(server: Server, sample: Sample) -> None:
    expect_status(server.get(f"{sample.instance}/rendered", "image/tiff"), 406)


@check("rendered")
def a_wrong_parameter_is_refused(server: Server, sample: Sample) -> None:
    for query in ("window=a,b,linear", "viewport=0,0", "quality=0", "window=1,2,cubic"):
        expect_status(server.get(f"{sample.instance}/rendered?{query}", "image/jpeg"), 400)
