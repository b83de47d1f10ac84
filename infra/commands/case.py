"""`dunning case`: what a person does to one customer's case."""

import argparse
import json
import sys
from urllib.parse import quote

from dunning.domain.errors import Permanent, Retryable
from infra.commands import Commands, Parser

NAME = "case"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    case = commands.add_parser(
        NAME,
        allow_abbrev=False,
        help="hold or release a customer's case, dispute an invoice, record a promise to pay",
        description="Act on one case, on AWS (--stack) or in a running `dunning up` (--url).",
    )
    case.add_argument("customer", metavar="CUSTOMER", help="the whole id, as in stripe:cus_123")
    where = case.add_mutually_exclusive_group()
    where.add_argument("--stack", metavar="NAME", help="the deployed stack, with this shell's AWS credentials")
    where.add_argument("--url", default="http://127.0.0.1:8787", metavar="URL", help="a running `dunning up` (default %(default)s)")
    actions = case.add_subparsers(dest="action", required=True, metavar="action", parser_class=Parser)
    hold = actions.add_parser("hold", help="stop all reminders", allow_abbrev=False)
    hold.add_argument("--reason", required=True, metavar="TEXT")
    hold.add_argument("--until", metavar="DATE", help="when they go on by themselves: a date, or an instant in UTC")
    release = actions.add_parser("release", help="let reminders go on", allow_abbrev=False)
    release.add_argument("--reason", metavar="TEXT")
    release.add_argument("--hold", metavar="KIND", help="operator, parked (these two unless told), reply, undeliverable or stale_data")
    dispute = actions.add_parser("dispute", help="keep one invoice out of reminders", allow_abbrev=False)
    dispute.add_argument("invoice", metavar="INVOICE", help="its id at the source, or its number")
    dispute.add_argument("--reason", required=True, metavar="TEXT")
    dispute.add_argument("--until", metavar="DATE", help="when it goes on by itself: a date, or an instant in UTC")
    undispute = actions.add_parser("undispute", help="the dispute is settled", allow_abbrev=False)
    undispute.add_argument("invoice", metavar="INVOICE", help="its id at the source, or its number")
    undispute.add_argument("--reason", metavar="TEXT")
    handled = actions.add_parser("handled", help="the customer's answer has been dealt with", allow_abbrev=False)
    handled.add_argument("--reason", metavar="TEXT")
    promise = actions.add_parser("promise", help="the customer promised to pay until a date", allow_abbrev=False)
    promise.add_argument("invoice", metavar="INVOICE", help="its id at the source, or its number")
    promise.add_argument("--until", required=True, metavar="DATE", help="the last day, as in 2026-03-20")
    promise.add_argument("--amount", metavar="SUM", help="as in 60.00; all that is due unless told")


def run(options: argparse.Namespace) -> int:
    """Do it and say what became of it. Raises Rejected when it cannot be, or when the case cannot be reached."""
    try:
        outcome = _outcome(options)
    except (Retryable, Permanent) as exc:
        print(f"dunning case: {exc}", file=sys.stderr)
        return 1
    print(f"{options.customer}: {options.action}: {outcome}")
    return 0


def _outcome(options: argparse.Namespace) -> str:
    from dunning.bootstrap.cases import case_desk
    from infra.case_actions import FIELDS, act
    from infra.deployed_stack import platform_of
    from infra.reaching import ask_local_cloud

    given = {name: value for name in FIELDS[options.action] if (value := getattr(options, name, None)) is not None}
    if options.stack:
        with platform_of(options.stack) as platform:
            return act(case_desk(platform), options.customer, options.action, given)
    answer = ask_local_cloud(options.url, f"/_local/cases/{quote(options.customer, safe='')}/{options.action}", json.dumps(given).encode())
    return str(answer["outcome"]) if isinstance(answer, dict) else str(answer)
