"""The hooks before a commit are the project's own and agree with `make check`."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / ".pre-commit-config.yaml"


def test_pre_commit_understands_the_hooks() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", FILE]

    assert subprocess.run(command, check=False).returncode == 0


def test_hooks_need_no_network() -> None:
    repositories = yaml.safe_load(FILE.read_text())["repos"]

    assert [one["repo"] for one in repositories] == ["local"]
    assert {hook["language"] for one in repositories for hook in one["hooks"]} == {"system"}


def test_every_hook_is_a_part_of_make_check() -> None:
    target = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    hooks = [hook["entry"] for hook in yaml.safe_load(FILE.read_text())["repos"][0]["hooks"]]

    assert target is not None
    checked = target[1].replace("$(BIN)", ".venv/bin")
    programs = [" ".join(entry.removesuffix(" --force-exclude").split()) for entry in hooks]
    assert [program for program in programs if program not in checked] == []
