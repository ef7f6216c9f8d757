"""Full text against a plain evaluator: random texts, random queries, the same ids from both."""

import random
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

# Few characters, so that much is found; width, case, kana, old forms and signs among them.
CHARACTERS = "糖尿病胃癌髙高邊辺アあｱガがーaAbｂ1１é -、。\u3000"
SAME = {"髙": "高", "邊": "辺", "あ": "ア", "が": "ガ"}


def plain(text: str) -> list[str]:
    """Return the tokens of a text, by rules of its own: folded characters, parted where the kind changes."""
    folded = unicodedata.normalize("NFKC", text).lower().replace("é", "e")
    found: list[str] = []
    kind_before = ""
    for character in folded:
        character = SAME.get(character, character)
        kind = "" if not character.isalnum() else "word" if character < "\u0100" else "run"
        if kind and kind == kind_before:
            found[-1] += character
        elif kind:
            found.append(character)
        kind_before = kind
    return found


def in_a_row(wanted: list[str], there: list[str], *, whole: bool) -> bool:
    """Whether tokens follow each other: runs by a part at the ends, words by their beginning at the last."""
    for start in range(len(there) - len(wanted) + 1):
        fits = True
        for n, (one, other) in enumerate(zip(wanted, there[start:], strict=False)):
            first, last, run = n == 0, n == len(wanted) - 1, other[0] >= "\u0100"
            if run and first and last:
                fits &= one in other
            elif run and first:
                fits &= other.endswith(one)
            elif (run or not whole) and last:
                fits &= other.startswith(one)
            else:
                fits &= other == one
        if fits:
            return True
    return False


def matches(query: str, pieces: list[str]) -> bool:
    """Whether the pieces of a resource's text have what one of the alternatives asks."""
    there = [plain(piece) for piece in pieces]
    for alternative in query.split(","):
        parts = [(quoted or word, bool(quoted)) for quoted, word in re.findall(r'"([^"]*)"|([^\s"]+)', alternative)]
        phrases = [(plain(text), whole) for text, whole in parts if plain(text)]
        if all(any(in_a_row(wanted, piece, whole=whole) for piece in there) for wanted, whole in phrases):
            return True
    return False


def a_text(chance: random.Random, longest: int) -> str:
    return "".join(chance.choice(CHARACTERS) for _ in range(chance.randint(1, longest)))


def a_query(chance: random.Random, pieces: list[str]) -> str:
    """Return alternatives of words and phrases, most of them cut out of the texts."""
    alternatives = []
    for _ in range(chance.choice((1, 1, 2))):
        parts = []
        for _ in range(chance.choice((1, 1, 2))):
            whole = chance.choice(pieces)
            begin = chance.randrange(len(whole))
            text = whole[begin : begin + chance.randint(1, 5)] if chance.random() < 0.8 else a_text(chance, 3)
            text = text if plain(text) else "糖尿"
            parts.append(f'"{text}"' if chance.random() < 0.4 else text)
        alternatives.append(" ".join(parts))
    return ",".join(alternatives)


def a_basic(patient: str, narrative: str, title: str, note: str) -> dict[str, Any]:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{narrative}</p></div>'
    extension = [{"url": "http://example.org/x", "valueString": note}]
    made = {"resourceType": "Basic", "extension": extension, "code": {"text": title}}
    if narrative.strip():
        made["text"] = {"status": "generated", "div": div}
    return {**made, "subject": {"reference": f"Patient/{patient}"}} if patient else made


@settings(
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32 - 1))
async def test_a_query_finds_what_a_plain_evaluator_finds(world: World, seed: int) -> None:
    chance = random.Random(seed)
    hospital = await world.client("hospital-a")
    patients = [(await world.post(hospital, a_patient()))["id"] for _ in range(2)]
    tag = {"system": "http://example.org/seed", "code": str(seed)}
    kept: dict[str, tuple[str, list[str]]] = {}
    for _ in range(12):
        patient = chance.choice((*patients, ""))
        pieces = [text if text.strip() else "x" for text in (a_text(chance, 8) for _ in range(3))]
        made = await world.post(hospital, {**a_basic(patient, *pieces), "meta": {"tag": [tag]}})
        kept[made["id"]] = (patient, pieces)

    total = 0
    for _ in range(12):
        query = a_query(chance, [piece for _, pieces in kept.values() for piece in pieces])
        for parameter, count in (("_content", 3), ("_text", 1)):
            for patient in ("", patients[0]):
                asked = {parameter: query, "_count": "1000"}
                asked |= {"patient": patient} if patient else {}
                for extra in ({}, {"_tag": str(seed)}):
                    answer = await world.http.get("/fhir/Basic", headers=hospital, params=asked | extra)
                    found = {one["resource"]["id"] for one in answer.json().get("entry", ())} & set(kept)
                    assert found == {
                        id_
                        for id_, (owner, pieces) in kept.items()
                        if (not patient or owner == patient) and matches(query, pieces[:count])
                    }, (query, parameter, patient, kept)
                    total += len(found)
    assert total > 20
