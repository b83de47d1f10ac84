"""`dunning policy check`: read policies as a deployment would, and say what they do or what is wrong."""

import argparse
from pathlib import Path

from infra.commands import Commands, Parser

NAME = "policy"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    policy = commands.add_parser(NAME, allow_abbrev=False, help="check policies before they are deployed")
    actions = policy.add_subparsers(dest="action", required=True, metavar="action", parser_class=Parser)
    check = actions.add_parser(
        "check",
        allow_abbrev=False,
        help="read policies and say what they do, or what is wrong",
        description="Read policies as a deployment would: print each plan, or every problem with file, step, field and remedy. "
        "Exit status: 0 when all load, 1 when one does not, or two say the same priority.",
    )
    check.add_argument("paths", nargs="+", type=Path, metavar="FILE", help="a policy, or a folder of them that are deployed together")
    add_teams_to(check)


def add_teams_to(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the teams a policy may hand invoices to."""
    parser.add_argument(
        "--team", action="append", metavar="NAME", help="a team that policies may name; again for more (default collections)"
    )


def teams_in(options: argparse.Namespace) -> frozenset[str]:
    """The teams given, or the one that every stack has."""
    return frozenset(options.team or ("collections",))


def run(options: argparse.Namespace) -> int:
    """Check them."""
    from infra.policies.checking import check

    return check(options.paths, teams_in(options))
