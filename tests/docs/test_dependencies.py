"""The table of dependencies is that of pyproject.toml and of the lock."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "decisions" / "0006-dependencies.md").read_text()
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| ([\w.-]+) \| ([\d.]+) \| (.+?) \| (.+?) \|", PAGE, re.MULTILINE)}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(wanted: list[str] = PROJECT["dependencies"]) -> list[str]:
    return [re.split(r"[\[><=]", one)[0] for one in wanted]


def locked() -> dict[str, set[str]]:
    """The versions of each package in the lock; markers may choose between several."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE):
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    return found


def test_every_dependency_has_a_row_and_every_row_a_dependency() -> None:
    assert sorted(ROWS) == sorted(names())


def test_rows_state_the_pinned_version() -> None:
    pinned = locked()

    wrong = {name: row[0] for name, row in ROWS.items() if row[0] not in pinned[re.sub(r"[-_.]+", "-", name).lower()]}

    assert wrong == {}


def test_everything_in_the_lock_is_checked_by_hashes() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        pins = re.findall(r"^[\w.-]+==", text, re.MULTILINE)

        entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]

        assert len(entries) == len(pins) > 20
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


OURS = {"app", "fhir", "dicom", "migrations", "tests", "benchmarks", "deploy"}


def _modules(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports, by a statement or by `import_module` of a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            yield from (one.value for one in node.args[:1] if isinstance(one, ast.Constant))


def _imported(room: str) -> Iterator[tuple[str, set[str]]]:
    """The modules of others that a room imports, each with the packages that have it."""
    providers = packages_distributions()
    for file in (ROOT / room).rglob("*.py"):
        for module in _modules(ast.parse(file.read_text())):
            top = module.partition(".")[0]
            if module.startswith("fhir.resources"):
                yield module, {"fhir.resources"}
            elif top not in OURS and top not in sys.stdlib_module_names:
                yield module, {re.sub(r"[-_.]+", "-", one).lower() for one in providers.get(top, [top])}


@pytest.mark.parametrize("room", ["app", "fhir", "dicom", "migrations", "tests", "benchmarks", "deploy"])
def test_what_is_imported_is_declared(room: str) -> None:
    declared = set(names())
    if room in ("tests", "benchmarks", "deploy"):
        declared |= set(names(PROJECT["optional-dependencies"]["dev"]))

    wrong = {module for module, packages in _imported(room) if not packages & declared}

    assert wrong == set()


def test_rooms_import_packages() -> None:
    found = {package for _, packages in _imported("app") for package in packages}

    assert {"fastapi", "starlette", "sqlalchemy", "pydantic"} <= found
