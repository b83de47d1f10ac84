"""Each function, and each command that changes something, is struck in a workflow or a scene: what is new must be added there."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.commands import Parser, all_commands
from tests.architecture.template_rules import listed, read_template, resources, section
from tests.integration.faults.people_scenes import PERSON
from tests.integration.faults.scene import Scene
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


BY_OTHERS = (
    *("logs:", "xray:", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    *("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"),
)
"""Called by what wakes a function, or looks on: the local cloud plays it."""

IN_A_TRANSACTION = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
"""The rights that TransactWriteItems needs."""

STRUCK_ELSEWHERE = {
    ("run_step", "secretsmanager:PutSecretValue"),  # a token is renewed by the same lines as in sync_invoice and daily_sweep
    ("write_back", "sqs:ChangeMessageVisibility"),  # it only makes the pause between two tries longer
}


def permitted() -> set[tuple[str, str]]:
    """By function's folder, what its role lets it call."""
    found = set[tuple[str, str]]()
    for name, role in resources(read_template(), "AWS::IAM::Role").items():
        function = re.sub(r"(?<!^)([A-Z])", r"_\1", name.removesuffix("Role")).lower()
        for policy in listed(role.get("Policies")):
            for statement in listed(section(section(policy)["PolicyDocument"])["Statement"]):
                found |= {(function, str(action)) for action in listed(section(statement)["Action"])}
    return {(function, action) for function, action in found if function in FUNCTIONS and not action.startswith(BY_OTHERS)}


def struck() -> set[tuple[str, str]]:
    """By function, the calls that some strike makes fail."""
    found = set[tuple[str, str]]()
    for one in (*ALL, *SCENES):
        spared = one.spared if isinstance(one, Scene) else ()
        for number, call in enumerate(one.calls):
            function, _, operation = call.partition(" ")
            if number not in spared:
                found.add((function, operation.replace("sesv2.", "ses.").replace(".", ":").replace("SendMessageBatch", "SendMessage")))
    return found


def test_every_call_that_a_function_may_make_is_struck() -> None:
    made = struck()
    left = permitted() - made - STRUCK_ELSEWHERE
    writers = {function for function, action in made if action == "dynamodb:TransactWriteItems"}
    assert {(function, action) for function, action in left if not (function in writers and action in IN_A_TRANSACTION)} == set()
