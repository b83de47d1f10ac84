"""The commands of `dunning`, one file each: `add_to` says what it takes, `run` does it and answers the exit status."""

import argparse
from collections.abc import Sequence
from typing import NoReturn, Protocol

BAD_USAGE = 2


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, instead of printing the usage first."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(BAD_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


class Commands(Protocol):
    """What `add_subparsers` answers; argparse gives its type no public name."""

    def add_parser(self, name: str, *, help: str | None, description: str | None = ..., allow_abbrev: bool = ...) -> Parser:
        """Add one command's parser."""
        ...


class Command(Protocol):
    """A module of this package."""

    NAME: str

    def add_to(self, commands: Commands) -> None:
        """Add the command's parser, with its arguments."""
        ...

    def run(self, options: argparse.Namespace) -> int:
        """Do it; answers the exit status. Raises Rejected for bad input."""
        ...


def all_commands() -> Sequence[Command]:
    """Every command, in the order in which `dunning --help` lists them. A module here imports what it needs when it runs."""
    from infra.commands import approve, case, connect, customer, decline, demo, explain, fee, import_, paid, policy, redrive, simulate, up

    return (up, demo, case, policy, simulate, explain, connect, import_, paid, redrive, fee, customer, approve, decline)
