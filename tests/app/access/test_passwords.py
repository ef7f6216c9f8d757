import pytest

from app.access.passwords import WeakPassword, check_rule
from app.settings import Settings


@pytest.mark.parametrize("password", ["Sapporo-2026-snow", "correct horse Battery", "雪あかりの小径を歩くAut0"])
def test_a_long_mixed_password_is_taken(password: str) -> None:
    check_rule(password, "doctor-c")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Kx81-Ptt-9q", "13 characters"),
        ("abcdefghijklmnop", "mixes"),
        ("xx-Doctor-C-1972", "account's name"),
        ("Password12345!", "first that are guessed"),
        ("Aaaaaaaaaaaaa1", "first that are guessed"),
        ("qwertyuiop123", "first that are guessed"),
        ("A" + "a" * 400 + "1", "first that are guessed"),
    ],
)
def test_a_password_is_refused_by_the_rule(password: str, why: str) -> None:
    with pytest.raises(WeakPassword, match=why):
        check_rule(password, "doctor-c")


def test_beside_a_second_factor_eight_characters_do_when_the_setting_says_so() -> None:
    check_rule("Kx81-Ptq", "doctor-c", shortest=8)
    with pytest.raises(WeakPassword, match="8 characters"):
        check_rule("Kx81-Pt", "doctor-c", shortest=8)


@pytest.mark.parametrize(
    ("length", "factor", "good"),
    [(13, "off", True), (8, "required", True), (12, "optional", False), (7, "required", False)],
)
def test_short_passwords_need_a_required_second_factor(length: int, factor: str, good: bool) -> None:
    values = {"password_length": length, "second_factor": factor}

    if good:
        assert Settings(**values).password_length == length
    else:
        with pytest.raises(ValueError, match="password_length"):
            Settings(**values)
