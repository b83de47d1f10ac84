"""`dunning customer CUSTOMER do-not-chase on|off`: a customer who gets no reminders, until the mark is lifted."""

import argparse

from infra.commands import Commands

NAME = "customer"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    from infra.operating import add_place

    customer = commands.add_parser(
        NAME,
        allow_abbrev=False,
        help="say how a customer is to be treated",
        description="Let a customer get no reminders (on), or get them again (off): what waited goes on at the next allowed hour.",
    )
    customer.add_argument("customer", metavar="CUSTOMER", help="the full id, as stripe:cus_123")
    customer.add_argument("mark", choices=("do-not-chase",), help="what is said of the customer")
    customer.add_argument("state", choices=("on", "off"), help="whether it holds")
    add_place(customer)


def run(options: argparse.Namespace) -> int:
    """Set or lift the mark. Raises Rejected for an unknown customer, and when the place cannot be reached."""
    from infra.operating import Mark, operate

    outcome = operate(Mark(options.customer, on=options.state == "on"), options.stack, options.url)
    print(f"{options.customer}: do-not-chase {options.state}: {outcome}")
    return 0
