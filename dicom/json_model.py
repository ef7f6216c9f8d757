"""The DICOM JSON Model of an instance: rendered once when it is stored, served as bytes ever after.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_F.html
"""

import math
from base64 import b64encode
from functools import lru_cache
from struct import unpack, unpack_from
from typing import Any, NamedTuple

import orjson

from dicom.character_sets import decode
from dicom.data_set import BULK_VRS, PIXEL_DATA, DataSet, Element
from dicom.failures import PROCESSING_FAILURE, InvalidInstance
from dicom.part10 import Instance, Part10
from dicom.values import (
    CHARACTER_SET_VRS,
    NUMBER_FORMATS,
    SPECIFIC_CHARACTER_SET,
    character_set,
    raw,
    turned,
    whole_number,
)

BULK_THRESHOLD_BYTES = 1024
"""A longer binary value is given as a BulkDataURI."""
MAX_NUMBERS = 1_000_000
MAX_TEXTS = 100_000
"""Values of one element: each becomes an object, and sixteen megabytes of names would become gigabytes."""
MOST_AGAIN_BYTES = 128
"""Of a value that is remembered for the next instance."""
MAX_SAFE_INTEGER = 2**53 - 1
"""Beyond it a JSON number loses digits in JavaScript, so F.2.3.1 lets a string stand for it."""

_TEXT_VRS = frozenset({"ST", "LT", "UT", "UR"})
"""One value, backslashes are text."""
_DATA_SET_TRAILING_PADDING = 0xFFFCFFFC
_PIXEL_REPRESENTATION = 0x00280103
_LUT_DESCRIPTOR = 0x00283002
_LUT_DESCRIPTORS = frozenset({0x00281101, 0x00281102, 0x00281103, _LUT_DESCRIPTOR})
GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_NOT_FINITE = {math.inf: "inf", -math.inf: "-inf"}
_ROOT = b'"BulkDataURI":"studies/'

Json = dict[str, Any]


class _Context(NamedTuple):
    """What the elements of one data set share."""

    data: bytes | memoryview
    order: str
    codecs: tuple[str, ...]
    signed: bool
    """Whether Pixel Representation, here or around, says two's complement."""
    bulk: str
    """Where its bulk data is found, relative to the DICOMweb root."""


def instance_path(study: str, series: str, instance: str) -> str:
    """Return where an instance is found, relative to the root of the DICOMweb service."""
    return f"studies/{study}/series/{series}/instances/{instance}"


def bulk_data_root(study: str, series: str, instance: str) -> str:
    """Return where an instance's bulk data is found, relative to the root of the DICOMweb service."""
    return f"{instance_path(study, series, instance)}/bulkdata"


def render(instance: Instance) -> bytes:
    """Return the instance as a JSON object in UTF-8, with bulk data as URIs relative to the service's root.

    Nested bulk data is named by the way to it: `.../bulkdata/00880200/0/7FE00010` lies in the first item.

    Raises:
        InvalidInstance: An element has more values than a model should hold.
    """
    root = bulk_data_root(instance.study_instance_uid, instance.series_instance_uid, instance.sop_instance_uid)
    model = data_set_model(instance.file, root)
    body = orjson.dumps(model)
    if "00080005" not in model and not body.isascii():
        # UTF-8 beyond ASCII has to be declared (F.2.1), even when the sender forgot its own repertoire.
        body = orjson.dumps({"00080005": _utf_8()} | model)
    # orjson's result keeps the room in which it was made, six times its size; many of these wait for a transaction.
    return b"".join((body, b""))


def rebase(model: bytes, base: str) -> bytes:
    """Return rendered models with absolute BulkDataURIs.

    Args:
        model: One or many models as `render` made them.
        base: The public root of the service, without a slash at its end.
    """
    # A quotation mark inside a JSON string is escaped, so this cannot match inside a value.
    return model.replace(_ROOT, b'"BulkDataURI":"' + base.encode() + b"/studies/")


def data_set_model(file: Part10, bulk: str = "bulkdata") -> Json:
    """Return the data set of a file as a dict ready for a JSON encoder; File Meta Information is left out.

    Args:
        file: The file.
        bulk: What every BulkDataURI starts with.
    """
    order = ">" if file.transfer_syntax.big_endian else "<"
    return _model(file.data_set, _Context(file.data, order, file.codecs, signed=False, bulk=bulk))


def _utf_8() -> Json:
    return {"vr": "CS", "Value": ["ISO_IR 192"]}


def _model(data_set: DataSet, outer: _Context) -> Json:
    codecs = character_set(outer.data, data_set, outer.codecs)
    sign = whole_number(outer.data, data_set, _PIXEL_REPRESENTATION, big_endian=outer.order == ">")
    context = outer._replace(codecs=codecs, signed=outer.signed if sign is None else sign == 1)
    model: Json = {}
    for tag, element in data_set.items():
        # Group lengths and padding describe the encoding, which JSON does not share.
        if not tag & 0xFFFF or tag == _DATA_SET_TRAILING_PADDING:
            continue
        key = f"{tag:08X}"
        model[key] = _utf_8() if tag == SPECIFIC_CHARACTER_SET else _element(key, element, data_set, context)
    return model


def _element(key: str, element: Element, data_set: DataSet, context: _Context) -> Json:
    if element.items is not None:
        return _sequence(key, element.items, context)
    vr = element.vr if " or " not in element.vr else _definite_vr(element, data_set, context)
    if vr in BULK_VRS:
        return _binary(key, vr, element, context)
    if not element.length:
        return {"vr": vr}
    value = raw(context.data, element)
    if vr in NUMBER_FORMATS:
        letter, size = NUMBER_FORMATS[vr]
        if len(value) % size:
            # The sender's VR cannot be right; the bytes are kept.
            return _binary(key, "UN", element, context)
        _refuse_too_many(len(value) // size, MAX_NUMBERS)
        numbers = unpack(f"{context.order}{len(value) // size}{letter}", value)
        return {"vr": vr, "Value": _numbers(element.tag, numbers)}
    values = (_strings_again if len(value) <= MOST_AGAIN_BYTES else _strings)(vr, value, context.codecs, context.order)
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def _sequence(key: str, items: tuple[DataSet, ...], context: _Context) -> Json:
    if not items:
        return {"vr": "SQ"}
    return {
        "vr": "SQ",
        "Value": [
            _model(item, context._replace(bulk=f"{context.bulk}/{key}/{index}")) for index, item in enumerate(items)
        ],
    }


def _definite_vr(element: Element, data_set: DataSet, context: _Context) -> str:
    """Return the VR of an element whose dictionary entry leaves a choice (PS3.5 A.1, 8)."""
    if element.vr == "US or SS":
        return "SS" if context.signed else "US"
    if element.vr == "US or OW":
        table = data_set.get(_LUT_DESCRIPTOR)
        entries = unpack_from(context.order + "H", context.data, table.offset)[0] if table and table.length else 0
        return "US" if entries == 1 else "OW"
    return "OW"


def _binary(key: str, vr: str, element: Element, context: _Context) -> Json:
    if not element.length:
        return {"vr": vr}
    if element.length > BULK_THRESHOLD_BYTES or element.tag == PIXEL_DATA:
        return {"vr": vr, "BulkDataURI": f"{context.bulk}/{key}"}
    value = raw(context.data, element)
    # As what is fetched as bulk data: the low byte first, whatever the sender's order (F.2.7).
    value = turned(vr, value) if context.order == ">" else value
    return {"vr": vr, "InlineBinary": b64encode(value).decode("ascii")}


def _numbers(tag: int, numbers: tuple[Any, ...]) -> list[Any]:
    if isinstance(numbers[0], float):
        if all(map(math.isfinite, numbers)):
            return list(numbers)
        return [n if math.isfinite(n) else _NOT_FINITE.get(n, "NaN") for n in numbers]
    if tag in _LUT_DESCRIPTORS and numbers[0] < 0:
        # The number of entries and the bits are never negative; only the first mapped value is (C.11.1.1.1).
        return [numbers[0] + 65536, *numbers[1:]]
    return [n if -MAX_SAFE_INTEGER <= n <= MAX_SAFE_INTEGER else str(n) for n in numbers]


def _strings(vr: str, value: bytes, codecs: tuple[str, ...], order: str) -> list[Any]:
    """Return the values of a VR that is written as text; empty ones among several are null (F.2.5)."""
    if vr == "AT":
        parts = unpack_from(f"{order}{len(value) // 4 * 2}H", value)
        return [f"{group:04X}{number:04X}" for group, number in zip(parts[::2], parts[1::2], strict=True)]
    text = decode(value, codecs) if vr in CHARACTER_SET_VRS else value.decode("latin-1")
    text = text.rstrip(" \0")
    if not text:
        return []
    if vr in _TEXT_VRS:
        return [text]
    _refuse_too_many(text.count("\\"), MAX_TEXTS)
    convert = _CONVERTERS.get(vr, _plain)
    return [convert(part) if part else None for part in text.split("\\")]


_strings_again = lru_cache(maxsize=4096)(_strings)
"""The instances of a series say most of it in the same bytes; nobody changes what is returned."""


def _refuse_too_many(values: int, limit: int) -> None:
    if values > limit:
        raise InvalidInstance(f"an element has more than {limit} values", PROCESSING_FAILURE)


def _plain(text: str) -> str | None:
    return text.rstrip(" \0") or None


def _application_entity(text: str) -> str | None:
    return text.strip() or None


def _decimal(text: str) -> float | str | None:
    try:
        number = float(text)
    except ValueError:
        return text.strip() or None
    return number if math.isfinite(number) else text.strip()


def _integer(text: str) -> int | str | None:
    try:
        number = int(text)
    except ValueError:
        return text.strip() or None
    return number if -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER else str(number)


def _person_name(text: str) -> dict[str, str] | None:
    return {group: part for group, part in zip(GROUPS, text.split("="), strict=False) if part} or None


_CONVERTERS = {"PN": _person_name, "DS": _decimal, "IS": _integer, "AE": _application_entity}
