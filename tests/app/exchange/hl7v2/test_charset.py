"""Bytes of messages to text, and back."""

import pytest

from app.exchange.hl7v2.charset import Replaced, declared, decode, encode

HEAD = b"MSH|^~\\&|HIS|SEND|GW|RCV|20111220224447||ADT^A08^ADT_A01|1|P|2.5||||||%s\r"


def the_message(text: str, codec: str, said: bytes = b"~ISO IR87") -> bytes:
    return HEAD % said + f"PID|||1||{text}".encode(codec)


@pytest.mark.parametrize(
    ("text", "codec", "said", "charset"),
    [
        ("患者^太郎", "iso2022_jp", b"~ISO IR87", "iso2022_jp"),
        ("ｶﾝｼﾞｬ", "iso2022_jp_ext", b"~ISO IR87", "iso2022_jp_ext"),
        ("鷗𠂉", "iso2022_jp_3", b"~ISO IR87", "iso2022_jp_3"),
        ("髙橋①㈱", "cp932", b"~ISO IR87", "cp932"),
        ("髙橋^𠮷田", "utf-8", b"UNICODE UTF-8", "utf-8"),
        ("髙橋^𠮷田", "utf-8", b"~ISO IR87", "utf-8"),
        ("Tanaka^Taro", "ascii", b"", "ascii"),
    ],
    ids=["as declared", "half-width katakana", "JIS X 0213", "CP932 undeclared", "UTF-8", "UTF-8 undeclared", "ASCII"],
)
def test_bytes_are_read_by_what_explains_them(text, codec, said, charset):
    found = decode(the_message(text, codec, said))

    assert found.text.endswith(f"PID|||1||{text}")
    assert found.charset == charset
    assert found.replaced == ()


def test_double_bytes_are_read_before_anything_is_split():
    text = "陸＾欝隣粒侶"

    assert b"&" in text.encode("iso2022_jp")
    assert decode(the_message(text, "iso2022_jp")).text.endswith(text)


def test_rows_of_cp932_within_iso_2022_jp_are_read():
    body = HEAD % b"~ISO IR87" + b"PID|||1||\x1b$B-!\x1b(B^\x1b$B0l\x1b(B"

    found = decode(body)

    assert found.text.endswith("PID|||1||①^一")
    assert found.charset == "cp50221"


def test_bytes_of_cp932_within_iso_2022_jp_are_read():
    body = HEAD % b"~ISO IR87" + b"PID|||1||\xfb\xfc\x1b$B66\x1b(B^\x1b$B0lO:\x1b(B~\xb6\xc5"

    found = decode(body)

    assert found.text.endswith("PID|||1||髙橋^一郎~ｶﾅ")
    assert (found.charset, found.replaced) == ("cp50221", ())


def test_roman_of_jis_does_not_hide_what_takes_a_message_apart():
    body = HEAD % b"~ISO IR87" + b"PID|||1||\x1b$B0l\x1b(J~\\T\\^x"

    assert decode(body).text.endswith("一~\\T\\^x")


def test_what_is_no_character_is_told_and_stands_out():
    body = HEAD % b"~ISO IR87" + b"PID|||1||\x1b$B0l\x1b(B\xff\x1b$B0l~~\x1b(B"

    found = decode(body)

    assert found.text.endswith("PID|||1||一�一�")
    assert found.replaced == (Replaced(body.index(b"\xff"), b"\xff"), Replaced(body.index(b"~~\x1b"), b"~~"))


def test_the_declaration_is_read_from_the_header():
    assert declared(HEAD % b"~ISO IR87") == ("", "ISO IR87")
    assert declared(b"MSH|^~\\&|A\rPID|||||||||||||||||UNICODE UTF-8") == ("",)
    assert declared(b"") == ()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("患者", "患者"),
        ("ｶﾞﾝ", "ガン"),
        ("①と㈱", "(1)と(株)"),
        ("㎏", "kg"),
        ("Ⅳ", "IV"),
        ("髙﨑", "高崎"),
        ("㍻", "平成"),
        ("１～２－", "１〜２−"),
        ("𩸽\ue000", "■■"),
    ],
)
def test_a_message_is_written_in_jis_x_0208_alone(text, written):
    assert encode(text).decode("iso2022_jp") == written


def test_an_answer_is_written_as_it_was_asked():
    assert encode("髙橋", "cp932") == b"\xee\xe0\x8b\xb4"
    assert encode("髙橋", "utf-8") == "髙橋".encode()
    assert encode("é", "ascii") == b"?"


def test_octets_without_end_that_are_no_text_are_told_up_to_a_thousand():
    header = b"MSH|^~\\&|A\r"
    for mode in (b"", b"\x1b$B"):
        found = decode(header + mode + b"\xff\xfd" * 300_000)
        assert len(found.replaced) == 1_000
        assert found.text.startswith("MSH|^~\\&|A\r")
