"""`dunning redrive`: send back what lies in the dead-letter queues."""

import argparse

from infra.commands import Commands

NAME = "redrive"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    from infra.operating import add_place

    redrive = commands.add_parser(
        NAME,
        allow_abbrev=False,
        help="send back what lies in the dead-letter queues",
        description="Send back what lies in the dead-letter queues, after the cause was mended; parked cases are released.",
    )
    redrive.add_argument(
        "--drop-unreadable", action="store_true", help="delete the letters that cannot be read, which else stay where they are"
    )
    add_place(redrive)


def run(options: argparse.Namespace) -> int:
    """Send them back and print what was. Raises Rejected when the stack or the local cloud cannot be reached."""
    from infra.redriving import print_redriven, redrive_local, redrive_stack

    drop: bool = options.drop_unreadable
    if options.stack:
        return print_redriven(redrive_stack(options.stack, drop_unreadable=drop))
    return print_redriven(redrive_local(options.url, drop_unreadable=drop))
