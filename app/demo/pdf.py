"""A PDF by hand: one page of Japanese text, without a font file, the smallest a viewer shows.

The text is set in a CID font that every viewer has or replaces (ISO 32000-1, 9.7.5.2 Predefined CMaps).
"""

_OBJECTS = (
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    ("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 7 0 R /Resources << /Font << /F1 4 0 R >> >> >>"),
    (
        "<< /Type /Font /Subtype /Type0 /BaseFont /KozMinPr6N-Regular /Encoding /UniJIS-UTF16-H"
        " /DescendantFonts [5 0 R] >>"
    ),
    (
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /KozMinPr6N-Regular"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 6 >> /FontDescriptor 6 0 R >>"
    ),
    (
        "<< /Type /FontDescriptor /FontName /KozMinPr6N-Regular /Flags 4 /FontBBox [0 -200 1000 900]"
        " /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 >>"
    ),
)


def page(lines: list[str]) -> bytes:
    """Return a PDF of one A4 page.

    Args:
        lines: The text, 12 points, one line each; about 45 lines of 40 full-width characters fit.
    """
    shown = " ".join(f"<{line.encode('utf-16-be').hex()}> Tj T*" for line in lines)
    content = f"BT /F1 12 Tf 60 780 Td 17 TL {shown} ET"
    stream = f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"
    body = b"%PDF-1.5\n"
    offsets = []
    for number, text in enumerate((*_OBJECTS, stream), 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n".encode("ascii")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(offsets) + 1
    tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return body + f"{tail}startxref\n{len(body)}\n%%EOF\n".encode("ascii")
