import hashlib
from pathlib import Path

import pytest

from app.backup import sums
from app.backup.failures import Damaged


def test_the_list_comes_back_and_has_a_digest_of_its_own(tmp_path: Path) -> None:
    blob = "../blobs/ab/cd/abcd.ef.age"

    with sums.SumsWriter(tmp_path) as writer:
        writer.add("000001.age", "a" * 64)
        writer.add(blob, "b" * 64)

    assert list(sums.read(tmp_path)) == [("000001.age", "a" * 64), (blob, "b" * 64)]
    assert writer.digest == hashlib.sha256((tmp_path / "SHA256SUMS").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "../blobs/../../x.age", "..", "x.age"])
def test_a_list_that_names_something_outside_the_backup_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{'a' * 64}  {name}\n")

    with pytest.raises(Damaged, match="SHA256SUMS, line 1"):
        list(sums.read(tmp_path))


def test_a_list_cut_off_within_a_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{'a' * 64}  manifest.age")

    with pytest.raises(Damaged, match="SHA256SUMS, line 1"):
        list(sums.read(tmp_path))
