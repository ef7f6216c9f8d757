import re

from app.demo.pdf import page


def test_every_offset_of_the_table_points_at_its_object():
    found = page(["画像診断報告書", "所見なし"])

    table = found[found.index(b"xref\n0 8\n") :]
    offsets = [int(offset) for offset in re.findall(rb"(\d{10}) 00000 n", table)]
    assert len(offsets) == 7
    for number, offset in enumerate(offsets, 1):
        assert found[offset:].startswith(f"{number} 0 obj\n".encode())


def test_the_file_begins_ends_and_starts_where_it_says():
    found = page(["一行"])

    start = int(found.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert found.startswith(b"%PDF-1.5\n")
    assert found[start:].startswith(b"xref\n")
    assert found.endswith(b"%%EOF\n")


def test_the_stream_is_as_long_as_it_says_and_holds_the_text():
    found = page(["東雲", "𠮷"])

    length, stream = re.search(rb"<< /Length (\d+) >>\nstream\n(.*?)\nendstream", found).groups()
    assert int(length) == len(stream)
    assert "東雲".encode("utf-16-be").hex().encode() in stream
    assert b"d842dfb7" in stream
