"""The command line as a whole: quick, because a command is imported only when it is used."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from forebay import __version__
from forebay.cli import COMMANDS, main

LOADED = """
import json, sys
from click.testing import CliRunner
from forebay.cli import main
result = CliRunner().invoke(main, sys.argv[1:])
print(json.dumps([result.exit_code, result.output, sorted(sys.modules)]))
"""
HEAVY = {"rich", "prompt_toolkit", "uvicorn", "uvloop", "httptools", "yaml", "openvino", "numpy", "msgspec", "asyncio"}


def run(*arguments: str) -> tuple[int, str, set[str]]:
    """The exit code, the output and the modules that were loaded for it."""
    command = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    code, output, modules = json.loads(done.stdout)
    return code, output, set(modules)


def test_version_and_help_load_nothing_heavy() -> None:
    code, output, modules = run("--version")
    assert (code, output) == (0, f"forebay {__version__}\n")
    assert not HEAVY & modules

    code, output, modules = run("--help")
    assert code == 0
    assert all(f"  {name} " in output and text in output for name, (_, text) in COMMANDS.items())
    assert not HEAVY & modules


def test_a_pipe_needs_no_terminal_libraries() -> None:
    code, output, modules = run("chat", "--url", "http://127.0.0.1:1", "hello")
    assert code == 1
    assert output == "Error: No server answers at http://127.0.0.1:1. To start one: forebay serve\n"
    assert not {"rich", "prompt_toolkit", "uvicorn", "yaml"} & modules


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_as_the_list_says(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(200) == COMMANDS[name][1]


def test_a_mistyped_command_has_a_nearest_one() -> None:
    result = CliRunner().invoke(main, ["chatt"])
    assert result.exit_code == 2
    assert "No such command 'chatt'" in result.output


def test_no_command_at_all_shows_the_help() -> None:
    assert "Commands:" in CliRunner().invoke(main, []).output
