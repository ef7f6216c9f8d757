"""docs/cli.md and the command say the same."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from app.cli import main

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text()


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command below `renkei` with its full name."""
    waiting: list[tuple[str, click.Command]] = [("renkei", main)]
    while waiting:
        name, command = waiting.pop()
        if isinstance(command, click.Group):
            context = click.Context(command)
            found = [(word, command.get_command(context, word)) for word in command.list_commands(context)]
            waiting += [(f"{name} {word}", one) for word, one in found if one is not None]
        if name != "renkei":
            yield name, command


def sections() -> dict[str, str]:
    parts = re.split(r"^### (renkei .+)$", PAGE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert sorted(sections()) == sorted(name for name, _ in commands())


def test_every_option_is_described_and_every_described_option_exists() -> None:
    offered = {
        name: sorted(option for one in command.params if isinstance(one, click.Option) for option in one.opts)
        for name, command in commands()
    }
    described = {name: sorted(re.findall(r"^- `(--[\w-]+)`", text, re.MULTILINE)) for name, text in sections().items()}

    assert described == offered


def test_every_command_explains_itself() -> None:
    assert [name for name, command in commands() if len(command.get_short_help_str(200)) < 15] == []
