"""`dunning simulate`: who would get what, and when, over the next days."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from infra.commands import Commands
from infra.commands.policy import add_teams_to, teams_in
from infra.commands.up import instant

NAME = "simulate"
_MOST_DAYS = 3660


def add_to(commands: Commands) -> None:
    """Add the parser."""
    simulate = commands.add_parser(
        NAME,
        allow_abbrev=False,
        help="show who would get what over the next days, without sending",
        description="Run invoices through a policy in memory and show who would get what, when and why. Nothing is sent.",
    )
    simulate.add_argument(
        "--invoices", type=Path, required=True, metavar="FILE", help="the open invoices, .csv or .json (docs/simulate.md)"
    )
    simulate.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the policy, or a folder of policies")
    simulate.add_argument("--days", type=_days, required=True, metavar="N", help=f"how many days to look ahead, 1 to {_MOST_DAYS}")
    simulate.add_argument("--start", type=instant, metavar="ISO", help="when the forecast begins (default: now)")
    simulate.add_argument("--against", type=Path, metavar="OTHER", help="another policy: show the difference between the two")
    simulate.add_argument("--decimal-comma", action="store_true", help="amounts in the CSV file are written 1234,50")
    add_teams_to(simulate)
    output = simulate.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON (docs/simulate.md)")
    output.add_argument("--html", type=Path, metavar="OUT", help="write a page to this file")


def run(options: argparse.Namespace) -> int:
    """Run it. Raises Rejected for a file that cannot be read as invoices or as a policy, and a page that cannot be written."""
    from infra.forecast.reporting import Request, report

    start = options.start or datetime.now(UTC).replace(second=0, microsecond=0)
    request = Request(options.invoices, options.policy, options.against, start, options.days, teams_in(options), options.decimal_comma)
    return report(request, as_json=options.json, page=options.html)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= _MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days: give one from 1 to {_MOST_DAYS}")
    return int(text)
