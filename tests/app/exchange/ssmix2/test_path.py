import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exchange.ssmix2.kinds import Flag
from app.exchange.ssmix2.path import NO_ORDER, Name, NotOfAStore, path_of, read_name, read_path, same_patient

PATH = "999/901/9999013/20111220/OML-11/9999013_20111220_OML-11_000000011000354_20111220103059000_01_1"


def test_a_path_says_what_its_parts_say():
    name = read_path(PATH).name

    assert name == Name("9999013", "20111220", "OML-11", "000000011000354", "20111220103059000", "01", Flag.CURRENT)
    assert path_of(name) == PATH
    assert (name.instant, name.slot) == (20111220103059000, "20111220_OML-11_000000011000354")
    assert name.without_flag == PATH.rpartition("/")[2][:-2]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (PATH.replace("/OML-11/", "/ADT-31/"), "the folder of ADT-31 holds a file of OML-11"),
        (PATH.replace("/20111220/", "/20111221/"), "the folder of 20111221 holds a file of 20111220"),
        (PATH.replace("/9999013/", "/9999014/"), "the folder of patient 9999014 holds a file of patient 9999013"),
        (PATH.replace("999/901/", "999/902/"), "are not those of patient 9999013"),
        (PATH.replace("_01_1", "_01_3"), "seven parts"),
        (PATH.replace("_20111220_", "_20111320_").replace("/20111220/", "/20111320/"), "is no day"),
        ("a/" + PATH, "five folders"),
        (PATH.rpartition("/")[2], "five folders"),
        ("../../../../../" + PATH.rpartition("/")[2], "five folders"),
    ],
)
def test_what_does_not_fit_is_told(wrong: str, text: str):
    with pytest.raises(NotOfAStore, match=text):
        read_path(wrong)


@pytest.mark.parametrize(
    ("folders", "number"), [("123/45", "12345"), ("12/-", "12"), ("012/345", "12345"), ("000/012", "0000000012345")]
)
def test_short_numbers_and_padded_ones_have_folders_too(folders: str, number: str):
    if number.startswith("0"):
        folders = "000/000"
    path = f"{folders}/{number}/-/ADT-00/{number}_-_ADT-00_{NO_ORDER}_20111220224447339_-_1"

    assert read_path(path).name.patient == number


def test_numbers_that_differ_by_zeros_are_of_one_patient():
    assert same_patient("0001234", "1234")
    assert not same_patient("1234", "12340")
    assert not same_patient("000", "0000")


def test_what_has_no_order_replaces_itself_alone_unless_it_is_a_whole_list():
    visit = Name("1", "20200401", "ADT-12", NO_ORDER, "20200401090000000", "01", Flag.CURRENT)
    another = Name("1", "20200401", "ADT-12", NO_ORDER, "20200401100000000", "01", Flag.CURRENT)
    diseases, later = (
        Name("1", "-", "PPR-01", NO_ORDER, occurred, "01", Flag.CURRENT)
        for occurred in ("20200401090000000", "20200402090000000")
    )

    assert visit.slot != another.slot
    assert diseases.slot == later.slot


def test_a_content_folder_of_an_extended_store_lies_in_a_folder_of_a_longer_name():
    folder = "L12^退院サマリ^99ZZZ^18842-5^退院時サマリー^LN"

    for code in ("L12", "18842-5", folder):
        path = f"999/901/9999013/20111220/{folder}/9999013_20111220_{code}_S1_20111220103059000_01_1"
        assert read_path(path, extended=True).folder == folder
    with pytest.raises(NotOfAStore):
        read_path(f"999/901/9999013/20111220/{folder}/9999013_20111220_X_S1_20111220103059000_01_1", extended=True)


@given(st.text(max_size=200))
def test_any_text_is_a_name_or_is_refused(text: str):
    try:
        name = read_name(text)
    except NotOfAStore:
        return
    assert name.instant >= 0
