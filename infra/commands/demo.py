"""`dunning demo`: twenty invoices through sixty virtual days."""

import argparse
from pathlib import Path

from infra.commands import Commands

NAME = "demo"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    demo = commands.add_parser(NAME, allow_abbrev=False, help="run twenty sample invoices through sixty virtual days and write a report")
    demo.add_argument("--out", type=Path, default=Path("build/demo"), metavar="DIR", help="where the report goes (default build/demo)")


def run(options: argparse.Namespace) -> int:
    """Run it and write the report. Raises Rejected when the report cannot be written there."""
    from infra.demo import run as run_demo

    return run_demo(options.out)
