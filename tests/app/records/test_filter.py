"""`_filter`: https://hl7.org/fhir/R4/search_filter.html."""

from urllib.parse import quote

import pytest

from tests.app.records.test_chained_search import found, stocked
from tests.world import World

pytestmark = pytest.mark.anyio


DEEP = (
    "_has:Observation:patient:_has:Observation:has-member:patient._has:Observation:patient:code eq 2345-7"
    " and not (family eq a or (family eq b and (family eq c or gender eq female)))"
)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Patient?_filter=family eq 山田", ["first"]),
        ("Patient?_filter=family eq 山", []),
        ('Patient?_filter=family sw "山"', ["first"]),
        ('Patient?_filter=family co "NAK"', ["second"]),
        ('Patient?_filter=family ew "aka"', ["second"]),
        ('Patient?_filter=family ew "tan"', []),
        ('Patient?_filter=given eq "太郎" and birthdate ge 1980', []),
        ("Patient?_filter=gender eq female or birthdate lt 1970", ["first", "second"]),
        ("Patient?_filter=gender ne male", ["second"]),
        ("Patient?_filter=not (gender eq female)", ["first"]),
        ("Patient?_filter=gender eq female or gender eq male and birthdate lt 1970", ["first"]),
        ("Patient?_filter=gender eq female or (gender eq male and birthdate lt 1970)", ["first", "second"]),
        ("Patient?_filter=general-practitioner pr true", ["first"]),
        ("Patient?_filter=general-practitioner pr false", ["second"]),
        ("Patient?_filter=birthdate po 1990-05", ["second"]),
        ("Patient?_filter=birthdate eq 1990-05", []),
        ("Observation?_filter=code eq http://loinc.org|4548-4", ["hba1c"]),
        ("Observation?_filter=value-quantity gt 6 and patient.name co 山", ["hba1c"]),
        ("Observation?_filter=subject re Patient/{second}", ["glucose"]),
        ("Observation?_filter=patient[gender eq male].organization.name sw 北", ["hba1c"]),
        ("Observation?_filter=patient[gender eq female].organization.name sw 北", []),
        ("Patient?_filter=_has:Observation:patient:code eq 2345-7", ["second"]),
        ("Patient?_filter=" + "not (not (" * 4 + "gender eq male" + "))" * 4, ["first"]),
        (f"Patient?_filter={DEEP}", ["first"]),
        ("Observation?code=4548-4&_filter=status eq final", ["hba1c"]),
        ("Observation?patient={first}&_filter=status eq final", ["hba1c"]),
        ("Patient?_filter=_content co 太郎 and gender eq male", ["first"]),
        ('Patient?_filter=not (_content co "太郎")', ["second"]),
    ],
)
async def test_a_filter_is_one_condition(world: World, query: str, names: list[str]) -> None:
    own, ids = await stocked(world)
    head, _, text = query.format(**ids).partition("_filter=")

    assert await found(world, own, f"{head}_filter={quote(text)}") == sorted(ids[name] for name in names)


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("", 400, "invalid"),
        ("gender", 400, "invalid"),
        ("gender is male", 400, "invalid"),
        ("gender eq male and", 400, "invalid"),
        ("(gender eq male", 400, "invalid"),
        ("gender eq male)", 400, "invalid"),
        ('family eq "a', 400, "invalid"),
        ('family eq "\\q"', 400, "invalid"),
        ("colour eq red", 400, "invalid"),
        ("gender gt male", 400, "invalid"),
        ("birthdate eq yesterday", 400, "invalid"),
        ("gender:not eq male", 400, "invalid"),
        ("gender pr perhaps", 400, "invalid"),
        ("_content eq a", 400, "invalid"),
        ("_text ew a", 400, "invalid"),
        ("gender[use eq a].given eq b", 400, "invalid"),
        ("gender in http://example.org/vs", 422, "not-found"),
        ("identifier in http://example.org/vs", 400, "not-supported"),
        ("gender ss male", 400, "invalid"),
        ("family ss male", 400, "invalid"),
        ("(" * 20 + "gender eq male" + ")" * 20, 403, "too-costly"),
        ("gender eq male" + " and gender eq male or gender eq female" * 5, 403, "too-costly"),
        ("not (not (not (organization[name eq a].partof[name eq b].partof.name eq c)))", 403, "too-costly"),
        (" and ".join(["gender eq male"] * 51), 403, "too-costly"),
        ("a" * 5000, 400, "invalid"),
    ],
)
async def test_what_is_no_filter_is_refused_even_by_the_lenient(
    world: World, text: str, status: int, code: str
) -> None:
    own = await world.client("hospital-a") | {"Prefer": "handling=lenient"}

    response = await world.http.get(f"/fhir/Patient?_filter={quote(text)}", headers=own)

    assert response.status_code == status, response.text
    assert response.json()["issue"][0]["code"] == code
