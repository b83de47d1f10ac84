"""`dunning`, the command on a developer's machine."""

import argparse
import os
import sys
from collections.abc import Sequence

from dunning.domain.errors import Rejected
from infra.commands import BAD_USAGE, Parser, all_commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: the command's own, 2 for bad arguments, 130 when interrupted, 141 when nobody reads on."""
    options = _parser().parse_args(arguments)
    command = next(command for command in all_commands() if options.command == command.NAME)
    try:
        return command.run(options)
    except Rejected as exc:
        print(f"dunning {options.command}: {exc}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="dunning", allow_abbrev=False, description="Payment reminders for open invoices, on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command", parser_class=Parser)
    for command in all_commands():
        command.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
