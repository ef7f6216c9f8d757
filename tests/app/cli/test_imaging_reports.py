"""`renkei imaging-reports`: what stored instances say, filed afterwards."""

from tests.app.cli.conftest import Renkei


def test_the_command_says_what_it_did(hospital: Renkei) -> None:
    done = hospital("imaging-reports", "--again")

    assert done.exit_code == 0
    assert "0 studies: 0 made, 0 changed" in done.output
