"""`dunning paid`: payments of invoices that came from a file."""

import argparse
import json
from pathlib import Path

from infra.commands import Commands

NAME = "paid"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    from infra.reaching import LOCAL_URL

    parser = commands.add_parser(
        NAME,
        allow_abbrev=False,
        help="record that imported invoices were paid in full",
        description="Record that imported invoices were paid in full. For a part, import the row again with its amount_due.",
    )
    parser.add_argument("invoices", nargs="*", metavar="INVOICE", help="invoice numbers")
    parser.add_argument("--file", type=Path, metavar="FILE.csv", help="a file with the column invoice_number")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--stack", metavar="NAME", help="the deployed stack, with this shell's AWS credentials")
    where.add_argument("--url", default=LOCAL_URL, metavar="URL", help=f"a running `dunning up` (default {LOCAL_URL})")


def run(options: argparse.Namespace) -> int:
    """Record and print what became of it; status 1 when a customer could not be recorded.

    Raises Rejected for a number that was never imported: then nothing is changed.
    """
    from dunning.domain.errors import Rejected
    from infra.deployed_stack import platform_of
    from infra.importing import Importer, invoice_numbers, print_report, report_of
    from infra.reaching import ask_local_cloud

    numbers: list[str] = list(options.invoices)
    if options.file:
        try:
            numbers += invoice_numbers(options.file.read_bytes(), options.file.name)
        except OSError as exc:
            raise Rejected(f"{options.file} cannot be read: {exc.strerror}") from exc
    if not numbers:
        raise Rejected("which invoices? give their numbers, or --file FILE.csv")
    if options.stack:
        with platform_of(options.stack) as platform:
            return print_report(Importer(platform).paid(numbers))
    return print_report(report_of(ask_local_cloud(options.url, "/_local/paid", json.dumps({"invoices": numbers}).encode())))
