from pathlib import Path

import pytest

from app.backup import place
from app.backup.failures import Busy, Damaged

NOON = 1_795_348_800_123_456


def test_a_backup_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    folder = place.begin(tmp_path, NOON)
    before = place.backups(tmp_path)

    whole = place.finish(folder)

    assert before == []
    assert place.backups(tmp_path) == [whole]
    assert whole.name == "20261122T120000.123Z"


def test_what_an_interrupted_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left = place.begin(tmp_path, NOON)
    place.write(left / "000001.age", b"rows of another instant")

    place.begin(tmp_path, NOON + 1_000)

    assert not left.exists()


def test_a_file_is_open_to_its_owner_alone_and_leaves_no_other_name(tmp_path: Path) -> None:
    place.write(tmp_path / "file", b"octets")

    assert [(one.name, oct(one.stat().st_mode & 0o777)) for one in tmp_path.iterdir()] == [("file", "0o600")]


def test_a_place_takes_one_run_at_a_time(tmp_path: Path) -> None:
    with place.locked(tmp_path / "new"), pytest.raises(Busy), place.locked(tmp_path / "new"):
        pass

    with place.locked(tmp_path / "new"):
        pass


def test_the_newest_backup_of_a_place_is_found(tmp_path: Path) -> None:
    place.finish(place.begin(tmp_path, NOON))
    newest = place.finish(place.begin(tmp_path, NOON + 1_000_000))
    place.begin(tmp_path, NOON + 2_000_000)

    assert place.find(tmp_path) == newest
    assert place.find(newest) == newest


@pytest.mark.parametrize("name", ["", "missing"], ids=["nothing whole in it", "no folder"])
def test_a_place_without_a_backup_is_refused(tmp_path: Path, name: str) -> None:
    place.begin(tmp_path, NOON)

    with pytest.raises(Damaged, match="There is no"):
        place.find(tmp_path / name)


def test_a_backup_that_was_renamed_is_known_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "HEADER").touch()

    assert place.find(tmp_path) == tmp_path
