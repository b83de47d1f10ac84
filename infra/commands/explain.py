"""`dunning explain`: what happens next for a customer, when, and why; and why not sooner."""

import argparse

from infra.commands import Commands

NAME = "explain"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    explain = commands.add_parser(
        NAME,
        allow_abbrev=False,
        help="say what happens next for a customer, when and why",
        description="Say what happens next to each open invoice of a customer, when (there, and in UTC) and why; and why not sooner.",
    )
    explain.add_argument("customer", metavar="CUSTOMER", help="the customer's id, as stripe:cus_123")
    where = explain.add_mutually_exclusive_group()
    where.add_argument("--stack", metavar="NAME", help="the deployed stack, with this shell's AWS credentials and this folder's policies")
    where.add_argument(
        "--url", default="http://127.0.0.1:8787", metavar="URL", help="a running `dunning up` (default http://127.0.0.1:8787)"
    )
    explain.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print it. Raises Rejected for an unknown customer, and when the stack or the local cloud cannot be reached."""
    from infra.explaining import explained_by_stack, explained_locally, print_explanation

    row = explained_by_stack(options.stack, options.customer) if options.stack else explained_locally(options.url, options.customer)
    return print_explanation(row, as_json=options.json)
