"""Files as sites attach them: CDA documents, waveforms, pictures; plain functions, a test names what matters to it."""

import math
import struct
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO

from PIL import Image

ID_SYSTEM = "1.2.392.100495.20.3.51.10110000001"


def a_picture(form: str = "PNG", size: tuple[int, int] = (40, 20), pages: int = 1, mode: str = "RGB") -> bytes:
    """Return a picture with a blue ground."""
    made = BytesIO()
    shades = {"RGB": (20, 40, 200), "RGBA": (20, 40, 200, 128), "1": 1, "L": 90, "I;16": 20_000, "P": 3}
    frames = [Image.new(mode, size, shades[mode]) for _ in range(pages)]
    more = {"save_all": True, "append_images": frames[1:]} if pages > 1 else {}
    frames[0].save(made, form, **more)
    return made.getvalue()


def a_cda(
    body: str = "<paragraph>発熱が続くため紹介します。</paragraph>",
    *,
    family: str = "山田",
    given: str = "太郎",
    born: str = "19600102",
    gender: str = "M",
    number: str = "04760005",
    entries: str = "",
    non_xml: str = "",
    head: str = "",
    title: str = "診療情報提供書",
) -> bytes:
    """Return a referral letter as CDA R2."""
    section = f"<component><section><title>紹介目的</title><text>{body}</text>{entries}</section></component>"
    inside = non_xml or f"<structuredBody>{section}</structuredBody>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>{head}
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <id root="1.2.392.9999" extension="D1"/>
  <code code="57133-1" codeSystem="2.16.840.1.113883.6.1" displayName="Referral note"/>
  <title>{title}</title>
  <effectiveTime value="20240501103000+0900"/>
  <confidentialityCode code="N"/>
  <recordTarget><patientRole><id root="{ID_SYSTEM}" extension="{number}"/>
    <patient><name use="IDE"><family>{family}</family><given>{given}</given></name>
      <administrativeGenderCode code="{gender}"/><birthTime value="{born}"/></patient>
    <providerOrganization><name>北見病院</name></providerOrganization>
  </patientRole></recordTarget>
  <author><time value="20240501"/><assignedAuthor><assignedPerson><name><family>川辺</family><given>史郎</given></name>
    </assignedPerson><representedOrganization><name>北見病院</name></representedOrganization></assignedAuthor></author>
  <custodian><assignedCustodian><representedCustodianOrganization><name>北見病院 医事課</name>
    </representedCustodianOrganization></assignedCustodian></custodian>
  <component>{inside}</component>
</ClinicalDocument>""".encode()


def media(id_: str, octets: bytes, media_type: str = "image/png") -> str:
    """Return the entry of a CDA section that holds a file."""
    text = b64encode(octets).decode()
    value = f'<value mediaType="{media_type}" representation="B64">{text}</value>'
    return f'<entry><observationMedia classCode="OBS" moodCode="EVN" ID="{id_}">{value}</observationMedia></entry>'


def non_xml(octets: bytes, media_type: str = "application/pdf") -> str:
    """Return the body of a CDA document that is a file."""
    text = b64encode(octets).decode()
    return f'<nonXMLBody><text mediaType="{media_type}" representation="B64">{text}</text></nonXMLBody>'


def _tlv(tag: int, value: bytes) -> bytes:
    size = bytes([len(value)]) if len(value) < 128 else b"\x84" + struct.pack(">I", len(value))
    return bytes([tag]) + size + value


def an_mfer(
    *,
    leads: Sequence[int] = (1, 2, 3),
    seconds: int = 2,
    name: str = "山田^ヤマダ^太郎^タロウ",
    number: str = "04760005",
    born: tuple[int, int, int] = (1960, 1, 2),
    sex: int = 1,
    little: bool = True,
) -> bytes:
    """Return an electrocardiogram: 250 samples a second of 16 bits, a microvolt each, one sequence a second."""
    order = "<" if little else ">"
    rate = 250
    parts = [_tlv(0x40, b"MFR ECG STD" + b" " * 21)]
    parts += [_tlv(0x01, b"\x01" if little else b"\x00"), _tlv(0x03, b"UTF-8")]
    parts += [_tlv(0x08, struct.pack(f"{order}H", 1)), _tlv(0x17, "フクダ^FX-1^1.0^77".encode())]
    parts += [_tlv(0x81, name.encode()), _tlv(0x82, number.encode()), _tlv(0x84, bytes([sex]))]
    parts += [_tlv(0x83, bytes([64]) + struct.pack(f"{order}HH", 0, born[0]) + bytes(born[1:]))]
    parts += [_tlv(0x85, struct.pack(f"{order}H", 2024) + bytes([5, 1, 10, 30, 0]))]
    parts += [
        _tlv(0x0B, b"\x01\xfd" + struct.pack(f"{order}h", 4)),
        _tlv(0x0C, b"\x00\xfa" + struct.pack(f"{order}h", 1)),
    ]
    parts += [_tlv(0x05, bytes([len(leads)])), _tlv(0x04, struct.pack(f"{order}H", rate)), _tlv(0x06, bytes([seconds]))]
    for channel, code in enumerate(leads):
        parts.append(bytes([0x3F, channel, 4]) + _tlv(0x09, struct.pack(f"{order}H", code)))
    samples = b""
    for second in range(seconds):
        for channel in range(len(leads)):
            wave = [int(1000 * math.sin((second * rate + at) / 20) + 100 * channel) for at in range(rate)]
            samples += struct.pack(f"{order}{rate}h", *wave)
    return b"".join(parts) + _tlv(0x1E, samples) + b"\x80"
