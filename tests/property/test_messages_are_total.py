"""Whatever is in the fields of a message, it becomes valid resources, or is refused."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.exchange.hl7v2.from_fhir.messages import messages
from app.exchange.hl7v2.message import Hl7Error, parse
from app.exchange.hl7v2.to_fhir.kinds import KINDS
from app.exchange.hl7v2.to_fhir.resources import resources
from app.exchange.hl7v2.write import write
from fhir import exact
from fhir.profiles.structure import check
from tests.app.exchange.hl7v2.messages import MESSAGES, SITE, the_bytes

ODD = (
    *("", '""', "^", "^^^^", "~", "&&&", "^^^^^^^^x", "20241345", "2024", "99999999999999999", "0", "-1", "1e5", "NaN"),
    *("+.5", "\\F\\\\X0D\\", "\\", "x" * 300, "Ａ１", "〜", "1^2^3^4^5^6^7^8^9", "a~b~c", "<1", "∞", " ", "　", "00"),
)


def mangled(kind: str, seed: int, count: int) -> bytes:
    """A message of a type in which some fields say something odd, some lines are lost, doubled or moved."""
    dice = random.Random(seed)
    lines = list(MESSAGES[kind])
    for _ in range(count):
        place = dice.randrange(1, len(lines))
        fields = lines[place].split("|")
        fields += [""] * dice.randrange(3)
        fields[dice.randrange(1, len(fields))] = dice.choice(ODD)
        lines[place] = "|".join(fields)
    act = dice.randrange(6)
    place = dice.randrange(1, len(lines))
    if act == 0:
        del lines[place]
    elif act == 1:
        lines.insert(place, lines[dice.randrange(1, len(lines))])
    elif act == 2:
        lines.append(lines.pop(place))
    return the_bytes(*lines)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 12), flag=st.sampled_from("012"))
def test_any_message_becomes_valid_resources_or_is_refused(kind, seed, count, flag):
    body = mangled(kind, seed, count)

    try:
        found = resources(parse(body), SITE, kind=kind, flag=flag)
    except Hl7Error:
        return

    assert found == resources(parse(body), SITE, kind=kind, flag=flag)
    plain = {entry.key.reference: exact.read(exact.write(entry.resource)) for entry in found.entries}
    for name, resource in plain.items():
        issues = [one for one in check(resource) if one.severity in {"error", "fatal"}]
        assert issues == [], (name, issues)
    patient = (found.patient.reference, plain.pop(found.patient.reference))
    for written in messages(patient, plain, SITE, "2024-07-01T00:00:00+09:00"):
        parse(write(written.lines).encode("iso2022_jp", "replace"))
