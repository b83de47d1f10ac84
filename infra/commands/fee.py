"""`dunning fee`: accept or decline a late fee that a policy proposed."""

import argparse

from infra.commands import Commands

NAME = "fee"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    from infra.reaching import LOCAL_URL

    fee = commands.add_parser(
        NAME,
        allow_abbrev=False,
        help="accept or decline a proposed late fee",
        description="Accept a proposed late fee, which charges it, or decline it, which waives it for good.",
    )
    fee.add_argument("answer", choices=("accept", "decline"))
    fee.add_argument("customer", metavar="CUSTOMER", help="the full id, as the team was told it: stripe:cus_123")
    fee.add_argument("invoice", metavar="INVOICE", help="the invoice's id or its number")
    fee.add_argument("step", metavar="STEP", nargs="?", help="the step that proposed it; needed where several did")
    where = fee.add_mutually_exclusive_group()
    where.add_argument("--stack", metavar="NAME", help="the deployed stack, with this shell's AWS credentials")
    where.add_argument("--url", default=LOCAL_URL, metavar="URL", help=f"a running `dunning up` (default {LOCAL_URL})")


def run(options: argparse.Namespace) -> int:
    """Answer it and say what became of that. Raises Rejected when there is no such fee, or nobody to tell."""
    from infra.fee_answers import FeeAnswer, give, this_person

    answer = FeeAnswer(options.customer, options.invoice, options.step, accept=options.answer == "accept", actor=this_person())
    outcome = give(answer, options.stack, options.url)
    done = "is charged as soon as nothing holds the case" if answer.accept else "is waived"
    print(f"The late fee {done}." if outcome == "recorded" else "It was answered like this before: nothing changed.")
    return 0
