"""`dunning decline CUSTOMER INVOICE`: skip a step that waits because of its amount; the plan goes on."""

import argparse

from infra.commands import Commands

NAME = "decline"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    from infra.operating import add_place

    decline = commands.add_parser(NAME, allow_abbrev=False, help="skip a step that waits because of its amount; the plan goes on")
    decline.add_argument("customer", metavar="CUSTOMER", help="the full id, as stripe:cus_123")
    decline.add_argument(
        "invoice", metavar="INVOICE", nargs="?", help="the invoice's id or number; without it, all of the customer's that wait"
    )
    decline.add_argument("--reason", metavar="TEXT", help="why; it is put down with the case")
    add_place(decline)


def run(options: argparse.Namespace) -> int:
    """Answer the question. Raises Rejected for an unknown customer or invoice, and when the place cannot be reached."""
    from infra.operating import Answer, operate

    outcome = operate(Answer(options.customer, options.invoice, approved=False, reason=options.reason), options.stack, options.url)
    print(f"{options.customer} {options.invoice or '(all that wait)'}: {outcome}")
    return 0 if outcome.startswith("recorded") or outcome == "nothing new" else 1
