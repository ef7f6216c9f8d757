"""The special parameter `near`: Locations around a place, by their position on the globe (WGS84).

https://hl7.org/fhir/R4/location.html#search
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func

from fhir.errors import InvalidValue
from fhir.search.number import number
from fhir.search.values import NearValue, split, unescape

Row = tuple[float, float]
"""Latitude and longitude in degrees."""

UNITS = {"km": 1.0, "m": 0.001, "[mi_i]": 1.609344, "mi": 1.609344, "[mi_us]": 1.609347, "[nmi_i]": 1.852}
"""How many kilometres a unit is."""

DEFAULT_KILOMETRES = 10.0
FARTHEST_KILOMETRES = 1000.0
"""Beyond, the globe is too round for the way in which distances are told here."""

_KILOMETRES_A_DEGREE = 111.195
_DEGREE = 0.017453292519943295


def of_position(value: Any) -> list[Row]:
    """Return the row of a Location's position."""
    if type(value) is not dict:
        return []
    latitude, longitude = number(value.get("latitude")), number(value.get("longitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return []
    return [(latitude, longitude)]


EXTRACTORS = {"BackboneElement": of_position}


def _degrees(text: str, most: int) -> float:
    try:
        degrees = float(text)
    except ValueError:
        degrees = float("nan")
    if not abs(degrees) <= most:
        raise InvalidValue(f"not degrees between -{most} and {most}: {text[:50]!r}")
    return degrees


def parse(text: str) -> NearValue:
    """Return the place and the distance that `[latitude]|[longitude]|[distance]|[units]` ask for.

    Raises:
        InvalidValue: It is not of this form, or the distance is over `FARTHEST_KILOMETRES`.
    """
    parts = [unescape(part) for part in split(text, "|")]
    if not 2 <= len(parts) <= 4:
        raise InvalidValue(f"not [latitude]|[longitude]|[distance]|[units]: {text!r}")
    latitude, longitude = _degrees(parts[0], 90), _degrees(parts[1], 180)
    unit = parts[3] if len(parts) > 3 and parts[3] else "km"
    if unit not in UNITS:
        raise InvalidValue(f"not one of {', '.join(UNITS)}: {unit[:50]!r}")
    try:
        kilometres = float(parts[2]) * UNITS[unit] if len(parts) > 2 and parts[2] else DEFAULT_KILOMETRES
    except ValueError:
        raise InvalidValue(f"not a distance: {parts[2][:50]!r}") from None
    if not 0 <= kilometres <= FARTHEST_KILOMETRES:
        raise InvalidValue(f"not a distance of up to {FARTHEST_KILOMETRES:.0f} km: {parts[2][:50]!r}")
    return NearValue(latitude, longitude, kilometres / _KILOMETRES_A_DEGREE)


def condition(row: FromClause, bind: Any) -> ColumnElement[bool]:
    """Return whether a position is within the distance: on a plane that touches the globe half way between.

    Within 300 km and 60 degrees of latitude this is right to a part in a thousand. Neither database need know cosines.
    """
    latitude, longitude, distance = bind("latitude"), bind("longitude"), bind("distance")
    north = row.c.lo - latitude
    apart = func.abs(row.c.hi - longitude)
    east = case((apart > 180.0, 360.0 - apart), else_=apart)
    half_way = (row.c.lo + latitude) / 2.0 * _DEGREE
    square = half_way * half_way
    cosine = 1.0 - square / 2.0 * (1.0 - square / 12.0 * (1.0 - square / 30.0 * (1.0 - square / 56.0)))
    return and_(
        row.c.lo >= latitude - distance,
        row.c.lo <= latitude + distance,
        north * north + east * cosine * east * cosine <= distance * distance,
    )
