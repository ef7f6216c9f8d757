import pyotp
import pytest

from app.access import totp
from app.access.sealing import Unopened, challenge, holds, seal, unseal
from app.audit.keys import Keys

KEYS = Keys({1: b"a" * 32})
NOW = 1_800_000_000_000_000
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP = NOW // 30_000_000


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_of_pyotp_is_good_in_its_step_and_beside_it(steps: int) -> None:
    code = pyotp.TOTP(SECRET).at((STEP + steps) * 30)

    assert totp.step_of(SECRET, code, NOW) == STEP + steps


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", pyotp.TOTP(SECRET).at((STEP - 2) * 30)]
)
def test_anything_else_is_wrong(code: str) -> None:
    assert totp.step_of(SECRET, code, NOW) == 0


def test_the_address_is_one_that_apps_read() -> None:
    made = totp.setup(KEYS, account=7, name="doctor-c", region="北緑")

    read = pyotp.parse_uri(made.address)

    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.name, read.issuer) == (made.secret, "doctor-c", "Renkei 北緑")


def test_the_picture_is_an_svg_without_styles_or_scripts() -> None:
    drawn = totp.picture("otpauth://totp/a?secret=B")

    assert drawn.startswith("<svg")
    assert "style" not in drawn
    assert "script" not in drawn


def test_a_form_carries_the_secret_sealed_for_one_person() -> None:
    made = totp.setup(KEYS, account=7, name="a", region="b")

    assert made.secret not in made.sealed
    assert totp.again(KEYS, made.sealed, account=7, name="a", region="b") == made
    for wrong, account in ((made.sealed, 8), ("", 7), ("!", 7), ("AAAA", 7)):
        with pytest.raises(Unopened):
            totp.again(KEYS, wrong, account=account, name="a", region="b")


def test_what_was_sealed_opens_after_a_rotation_and_not_without_its_key() -> None:
    sealed = seal(KEYS, b"secret", "here")

    assert unseal(Keys({1: b"a" * 32, 2: b"b" * 32}), sealed, "here") == b"secret"
    for keys, binding in ((Keys({2: b"b" * 32}), "here"), (Keys({1: b"c" * 32}), "here"), (KEYS, "there")):
        with pytest.raises(Unopened):
            unseal(keys, sealed, binding)


@pytest.mark.parametrize(
    ("binding", "seconds", "good"),
    [("a", 0, True), ("a", 600, True), ("a", 601, False), ("a", -1, False), ("b", 0, False)],
)
def test_a_challenge_is_good_for_what_it_was_made_for_and_ten_minutes(binding: str, seconds: int, good: bool) -> None:
    made = challenge(KEYS, "a", NOW)

    assert holds(KEYS, made, binding, NOW + seconds * 1_000_000) is good


@pytest.mark.parametrize("forged", [b"", b"x" * 24, b"x" * 56, b"x" * 500])
def test_a_forged_challenge_is_none(forged: bytes) -> None:
    assert not holds(KEYS, forged, "a", NOW)
