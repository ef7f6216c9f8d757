import os
from pathlib import Path

from click.testing import CliRunner

from app.cli import main


def test_a_path_that_no_text_can_say_is_refused_with_the_reason(tmp_path: Path) -> None:
    disc = tmp_path / os.fsdecode("画像".encode("cp932"))
    disc.mkdir()

    refused = CliRunner().invoke(main, ["media", "import", str(disc), "--site", "hospital-a"])

    assert refused.exit_code == 1
    assert refused.output == "Error: The path is not in UTF-8: the disc is read under a name that is\n"
