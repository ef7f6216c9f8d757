"""The facts of an instance out of its DICOM JSON: of a QIDO-RS answer, of metadata, of an identifier of C-FIND.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_F.html
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from dicom.attributes import ATTRIBUTES, Attribute, Match
from dicom.data_set import MAX_DEPTH
from dicom.indexing import MAX_TEXT, Facts, facts_by, normal
from dicom.json_model import GROUPS, Json
from dicom.names import PersonName, person_name
from dicom.results import element_of

_VR = re.compile(r"[A-Z]{2}")


class NotAModel(ValueError):
    """What should be DICOM JSON is none."""


def values_of(model: Mapping[str, Any], tag: int) -> list[Any]:
    """Return the values of an attribute; none when it is absent, empty, or no attribute."""
    element = model.get(f"{tag:08X}")
    found = element.get("Value") if isinstance(element, dict) else None
    return found if isinstance(found, list) else []


def text_of(model: Mapping[str, Any], tag: int) -> str:
    """Return the first value of an attribute as text; empty when it has none that is text or a number."""
    found = values_of(model, tag)
    first = found[0] if found else ""
    if isinstance(first, bool) or not isinstance(first, str | int | float):
        return ""
    # PostgreSQL stores no NUL in text.
    return str(first).replace("\0", "").strip()[:MAX_TEXT]


def number_of(model: Mapping[str, Any], tag: int) -> int | None:
    """Return the first value of an attribute as a whole number; None when it is none."""
    try:
        number = int(float(text_of(model, tag)))
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 2**62 else None


def name_of(model: Mapping[str, Any], tag: int) -> PersonName:
    """Return the first value of a person's name."""
    found = values_of(model, tag)
    first = found[0] if found else None
    if not isinstance(first, dict):
        return person_name(first[:MAX_TEXT]) if isinstance(first, str) else PersonName()
    groups = [str(first.get(group) or "").replace("\0", "").replace("=", " ") for group in GROUPS]
    return person_name("=".join(groups)[:MAX_TEXT])


def facts_of(model: Mapping[str, Any], *above: Mapping[str, Any]) -> Facts:
    """Return the facts that models tell of an instance.

    Args:
        model: The instance's.
        above: Those of its series and its study, which are asked for what it does not say.
    """
    models = (model, *above)
    return facts_by(lambda attribute: _fact(attribute, models))


def _fact(attribute: Attribute, models: tuple[Mapping[str, Any], ...]) -> Any:
    model = next((one for one in models if values_of(one, attribute.tag)), None)
    if model is None:
        return {Match.NUMBER: None, Match.NAME: PersonName()}.get(attribute.match, "")
    if attribute.match is Match.NUMBER:
        return number_of(model, attribute.tag)
    if attribute.match is Match.NAME:
        return name_of(model, attribute.tag)
    return normal(attribute, text_of(model, attribute.tag))


def model_of(facts: Facts) -> bytes:
    """Return DICOM JSON, in UTF-8, of what is known of an instance when nothing but facts is."""
    model: Json = {"00080005": {"vr": "CS", "Value": ["ISO_IR 192"]}}
    for one in ATTRIBUTES:
        if one.match is not Match.MODALITIES:
            element = element_of(one, getattr(getattr(facts, one.level.value), one.column))
            if "Value" in element:
                model[f"{one.tag:08X}"] = element
    return orjson.dumps(model)


def localised(model: Any, root: str, depth: int = 0) -> Json:
    """Return a model whose bulk data is found below `root`, whatever addresses it came with.

    Args:
        model: As another server sent it.
        root: What `dicom.json_model.bulk_data_root` returned.
        depth: How many sequences it lies in.

    Raises:
        NotAModel: it is no data set, or too deep.
    """
    if not isinstance(model, dict) or depth > MAX_DEPTH:
        raise NotAModel("the metadata is no DICOM JSON")
    found: Json = {}
    for key, element in model.items():
        if not (len(key) == 8 and all(one in "0123456789abcdefABCDEF" for one in key) and isinstance(element, dict)):
            raise NotAModel("the metadata has a member that is no attribute")
        tag = key.upper()
        # File Meta Information and group lengths describe an encoding, which JSON does not share.
        if not tag.startswith("0002") and not tag.endswith("0000"):
            found[tag] = _localised(element, f"{root}/{tag}", depth)
    return found


def _localised(element: Json, place: str, depth: int) -> Json:
    vr, value = element.get("vr"), element.get("Value", [])
    if not (isinstance(vr, str) and _VR.fullmatch(vr) and isinstance(value, list)):
        raise NotAModel("the metadata has an attribute without a VR, or with a Value that is no array")
    if "BulkDataURI" in element:
        return {"vr": vr, "BulkDataURI": place}
    if vr == "SQ":
        return {"vr": vr, "Value": [localised(one or {}, f"{place}/{n}", depth + 1) for n, one in enumerate(value)]}
    if any(isinstance(one, list) or isinstance(one, dict) != (vr == "PN") for one in value if one is not None):
        raise NotAModel("the metadata has a value that is none of its VR")
    if not isinstance(element.get("InlineBinary", ""), str):
        raise NotAModel("the metadata has an InlineBinary that is no text")
    return element
