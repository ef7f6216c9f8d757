import random
from io import BytesIO

import pytest

from dicom.multipart import (
    MalformedMultipart,
    TooLarge,
    boundary_of,
    closing,
    content_type,
    part_head,
    read_parts,
    write_parts,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def received(body, boundary="B", size=None, max_part_bytes=1000, max_request_bytes=100_000):
    async def chunks():
        step = size or len(body) or 1
        for start in range(0, len(body), step):
            yield body[start : start + step]

    limits = {"max_part_bytes": max_part_bytes, "max_request_bytes": max_request_bytes}
    parts = [part async for part in read_parts(chunks(), boundary, BytesIO, **limits)]
    for part in parts:
        assert part.size == len(part.file.getvalue())
    return [(dict(part.headers), part.file.getvalue()) for part in parts]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, None])
@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--B\r\n\r\nabc\r\n--B--", [({}, b"abc")]),
        (b"\r\n--B\r\nContent-Type: application/dicom\r\n\r\nabc\r\n--B--\r\nepilogue",
         [({"content-type": "application/dicom"}, b"abc")]),
        (b"preamble\r\n--B \t\r\nA: 1\r\nB:2\r\n\r\nx\r\n--B\r\n\r\ny\r\n--B--",
         [({"a": "1", "b": "2"}, b"x"), ({}, b"y")]),
        (b"--B\r\n\r\n\r\n--B--", [({}, b"")]),
        (b"--B\r\n\r\n--B--", [({}, b"")]),
        (b"--B\r\n\r\n\r\n\r\n--B--", [({}, b"\r\n")]),
        (b"--B\r\n\r\na\r\n-B\r\n--\r\n--C\r\n--B--", [({}, b"a\r\n-B\r\n--\r\n--C")]),
        (b"--B\r\nContent-Type: multipart/related;\r\n type=x\r\n\r\n.\r\n--B--",
         [({"content-type": "multipart/related; type=x"}, b".")]),
        (b"--B--", []),
    ],
    ids=["plain", "first line break and epilogue", "preamble, blanks, two parts", "empty", "empty, short",
         "a line break", "almost a boundary", "folded header", "no part"],
)  # fmt: skip
async def test_a_body_is_divided_however_it_arrives(body, parts, size):
    assert await received(body, size=size) == parts


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body ends before its closing boundary"),
        (b"no boundary at all", "the body ends before its closing boundary"),
        (b"--B\r\n\r\nabc", "the body ends before its closing boundary"),
        (b"--B\r\n\r\nabc\r\n--B", "the body ends before its closing boundary"),
        (b"--B\r\n\r\nabc\r\n--B\r\n", "the body ends before its closing boundary"),
        (b"--Bogus\r\n\r\nabc\r\n--B--", "a boundary is followed by other text"),
        (b"--B\r\nheader\r\n\r\nabc\r\n--B--", "the header of a part is malformed"),
        (b"--B\r\nA: " + b"x" * 20_000, "the header of a part is too long"),
        (b"--B" + b" " * 20_000, "a boundary line does not end"),
    ],
)
async def test_a_broken_body_is_refused(body, reason):
    with pytest.raises(MalformedMultipart) as caught:
        await received(body)

    assert str(caught.value) == reason


async def test_a_part_that_is_too_long_is_refused_before_it_is_complete():
    with pytest.raises(TooLarge, match="a part has more than 1000 bytes"):
        await received(b"--B\r\n\r\n" + b"x" * 1100, size=50)


async def test_a_request_that_is_too_long_is_refused():
    with pytest.raises(TooLarge, match="the request has more than 20 bytes"):
        await received(b"--B\r\n\r\nabc\r\n--B\r\n\r\nabc\r\n--B--", size=10, max_request_bytes=20)


async def test_a_preamble_takes_no_memory_and_no_part():
    assert await received(b"x" * 50_000 + b"\r\n--B\r\n\r\nabc\r\n--B--", size=100) == [({}, b"abc")]


async def test_random_bytes_come_through_whole():
    source = random.Random(7)
    contents = [source.randbytes(source.randrange(900)) for _ in range(40)]
    parts = [(part_head("b1", "application/dicom", len(one)), one) for one in contents]
    body = b"".join(write_parts(parts, "b1"))

    found = await received(body, "b1", size=977)

    assert [content for _, content in found] == contents


async def test_what_is_written_says_what_it_is():
    head = part_head(
        "B",
        "application/octet-stream",
        3,
        transfer_syntax="1.2.840.10008.1.2.1",
        location="https://hub/frames/1",
    )

    ((headers, content),) = await received(head + b"abc" + closing("B"))

    assert content == b"abc"
    assert headers == {
        "content-type": "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
        "content-length": "3",
        "content-location": "https://hub/frames/1",
    }


def test_an_answers_content_type_can_be_read_back():
    written = content_type("application/dicom", "b1", "1.2.840.10008.1.2.1")

    assert written == (
        'multipart/related; type="application/dicom"; transfer-syntax="1.2.840.10008.1.2.1"; boundary=b1'
    )
    assert boundary_of(written) == "b1"
    assert content_type("application/dicom", "b1") == 'multipart/related; type="application/dicom"; boundary=b1'


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/related; boundary=abc", "abc"),
        ('Multipart/Related; type="application/dicom"; boundary="a:b c?"', "a:b c?"),
    ],
)
def test_a_boundary_may_be_quoted(header, boundary):
    assert boundary_of(header) == boundary


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "the content type is not multipart/related"),
        ("application/dicom", "the content type is not multipart/related"),
        ("multipart/form-data; boundary=a", "the content type is not multipart/related"),
        ("multipart/related", "the content type has no usable boundary"),
        ('multipart/related; boundary=""', "the content type has no usable boundary"),
        ('multipart/related; boundary="' + "a" * 71 + '"', "the content type has no usable boundary"),
        ('multipart/related; boundary="a\r\n"', "the content type has no usable boundary"),
    ],
)
def test_a_content_type_without_a_boundary_is_refused(header, reason):
    with pytest.raises(MalformedMultipart) as caught:
        boundary_of(header)

    assert str(caught.value) == reason
