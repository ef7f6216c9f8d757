"""docs/architecture.md speaks of a house that stands."""

import ast
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
ROOMS = ("app", "fhir", "dicom", "migrations", "tests", "deploy", "docs")


def test_every_file_and_room_it_names_exists() -> None:
    named = re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w./-]*)`", PAGE)

    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_room_of_the_hub_is_described() -> None:
    rooms = {f"app/{path.parent.name}/" for path in (ROOT / "app").glob("*/__init__.py")}

    assert [room for room in sorted(rooms) if f"| `{room}` |" not in PAGE] == []


def test_every_top_level_room_is_described() -> None:
    assert [room for room in ROOMS if f"| `{room}/` |" not in PAGE] == []


def test_the_drawing_is_a_picture_with_a_title() -> None:
    drawing = ET.parse(ROOT / "docs" / "architecture.svg").getroot()  # noqa: S314 - a file of our own

    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert drawing.findtext("{http://www.w3.org/2000/svg}title")


@pytest.mark.parametrize("room", ["app/imaging", "dicom"])
def test_a_room_of_many_modules_names_all_of_them(room: str) -> None:
    place = ROOT / room
    modules = {path.stem for path in place.glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in place.glob("*/__init__.py")}

    said = ast.get_docstring(ast.parse((place / "__init__.py").read_text())) or ""

    assert set(re.findall(r"`(\w+)`", said)) == modules | rooms
