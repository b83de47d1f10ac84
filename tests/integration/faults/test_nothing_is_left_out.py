"""Each function, and each command that changes something, is struck in a workflow or a scene: what is new must be added there."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.commands import Parser, all_commands
from tests.integration.faults.people_scenes import PERSON
from tests.integration.faults.test_crash_everywhere import ALL
from tests.integration.faults.test_crash_everywhere_else import SCENES

FUNCTIONS = {handler.parent.name for handler in (Path(__file__).parents[3] / "functions").glob("*/app.py")}
ONLY_LOOK = {"up", "demo", "policy check", "simulate", "explain"}
"""Commands that change nothing in a deployment."""


def forms(parser: argparse.ArgumentParser, said: str) -> Iterator[str]:
    """What a person can type, with each choice that a command leaves."""
    said_so_far = [said]
    for action in parser._actions:  # argparse shows them nowhere else
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                for each in said_so_far:
                    yield from forms(sub, f"{each} {name}".strip())
            return
        if action.choices is not None and not action.option_strings:
            said_so_far = [f"{each} {choice}" for each in said_so_far for choice in action.choices]
    yield from said_so_far


def commands() -> list[str]:
    """All that `dunning` can be told."""
    parser = Parser(prog="dunning")
    found = parser.add_subparsers(parser_class=Parser)
    for command in all_commands():
        command.add_to(found)
    return list(forms(parser, ""))


def test_every_function_is_struck() -> None:
    named = {call.partition(" ")[0] for struck in (*ALL, *SCENES) for call in struck.calls}
    assert named - {PERSON, "redrive"} == FUNCTIONS


@pytest.mark.parametrize("command", [command for command in commands() if command not in ONLY_LOOK])
def test_every_command_that_changes_something_is_struck(command: str) -> None:
    struck = {scene.command for scene in SCENES if scene.command} | {"redrive"}
    assert any(command == one or command.startswith(f"{one} ") for one in struck)


def test_a_scene_of_a_command_names_one() -> None:
    named = {scene.command for scene in SCENES if any(call.startswith(f"{PERSON} ") for call in scene.calls)}
    assert [name for name in named if not any(f"{command} ".startswith(f"{name} ") for command in commands())] == []
    assert [name for name in ONLY_LOOK if name not in commands()] == []
