from typing import Any

import pytest

from app.portal.attachments.subject import Told, differences

SYSTEM = "urn:oid:1.2.392.100495.20.3.51.10110000001"
PATIENT = {
    "name": [{"family": "山田", "given": ["太郎"]}, {"text": "ヤマダ　タロウ"}],
    "birthDate": "1960-01-02",
    "gender": "male",
    "identifier": [{"system": SYSTEM, "value": "04760005"}],
}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (Told(), []),
        (Told(("山田　太郎",), "1960-01-02", "male", ((SYSTEM, "04760005"),)), []),
        (Told(("やまだたろう",)), []),
        (Told(("ﾔﾏﾀﾞ ﾀﾛｳ",)), []),
        (Told(("YAMADA TARO",)), []),
        (Told(("山田 花子",)), ["name"]),
        (Told(("山田 花子", "ヤマダタロウ")), []),
        (Told(birth_date="1960-01-03"), ["birth"]),
        (Told(gender="female"), ["gender"]),
        (Told(numbers=((SYSTEM, "4760005"),)), []),
        (Told(numbers=((SYSTEM, "99"),)), ["number"]),
        (Told(numbers=(("urn:oid:1.2.3", "99"),)), []),
        (Told(numbers=(("", "99"),)), ["number"]),
    ],
)
def test_only_what_both_say_can_differ(told: Told, found: list[str]) -> None:
    assert list(differences(told, PATIENT)) == found


@pytest.mark.parametrize("patient", [{}, {"birthDate": "1960"}, {"name": [{"text": "Yamada Taro"}]}])
def test_a_patient_of_whom_little_is_known_differs_in_nothing(patient: dict[str, Any]) -> None:
    assert list(differences(Told(("山田 太郎",), "1960-01-02", "male", ((SYSTEM, "1"),)), patient)) == []


def test_old_forms_of_kanji_are_the_same_name() -> None:
    assert list(differences(Told(("髙橋",)), {"name": [{"text": "高橋"}]})) == []
