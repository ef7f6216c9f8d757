from pathlib import Path

import pytest

from app.exchange.hl7v2.to_fhir.kinds import KINDS
from app.settings import Settings
from benchmarks import servers
from benchmarks.ssmix2 import made, pushed, reading


def test_a_made_store_is_the_same_every_time_and_has_every_kind(tmp_path: Path):
    count = made.make(tmp_path / "one", patients=3, files=200)
    made.make(tmp_path / "other", patients=3, files=200)

    files = {place.relative_to(tmp_path / "one"): place for place in (tmp_path / "one").rglob("*_1")}
    assert count == len(files) == 200
    assert all((tmp_path / "other" / path).read_bytes() == place.read_bytes() for path, place in files.items())
    assert {place.parent.name for place in files.values()} == set(KINDS)


def test_every_made_file_is_understood_without_a_word(tmp_path: Path):
    for name, body in made.names(1, 75):
        found = reading.understand(made.path_of(name), body, reading.SOURCE)

        assert found.findings == (), (name, found.findings)


@pytest.mark.parametrize(
    ("database", "patients", "files", "kills"),
    [
        ("sqlite", 5, 600, 2),
        pytest.param("sqlite", 1_000, 200_000, 3, marks=pytest.mark.soak),
        pytest.param("postgresql", 1_000, 200_000, 3, marks=pytest.mark.soak),
    ],
)
def test_a_store_comes_whole_and_once_though_gateway_and_hub_are_killed(
    tmp_path: Path, request: pytest.FixtureRequest, database: str, patients: int, files: int, kills: int
):
    address = request.getfixturevalue("empty_postgresql") if database == "postgresql" else ""
    port = servers.free_port()
    settings = Settings(
        home=tmp_path / "hub", database=address, port=port, address=f"http://127.0.0.1:{port}", cookie_secure=False
    )
    settings.home.mkdir()
    pushed.prepare(settings)
    root = tmp_path / "store"
    made.make(root, patients=patients, files=files)

    done = pushed.push(settings, root, tmp_path / "state", files=files, kills=kills)

    assert (done.files, done.kills) == (files, kills)
    assert pushed.lost_or_twice(settings, reading.expected(root), files) == ""
    assert done.gateway_growth_mebibytes <= 64
