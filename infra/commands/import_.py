"""`dunning import`: invoices from a CSV file."""

import argparse
from pathlib import Path
from urllib.parse import urlencode

from infra.commands import Commands

NAME = "import"


def add_to(commands: Commands) -> None:
    """Add the parser."""
    from infra.reaching import LOCAL_URL

    parser = commands.add_parser(
        NAME,
        allow_abbrev=False,
        help="take invoices from a CSV file",
        description="Take invoices from a CSV file (as infra/samples/invoices.csv). The same file again changes nothing;"
        " a row with a smaller amount_due records a payment. One bad row, and nothing is changed.",
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE.csv", help="the invoices: customer_id, invoice_number, currency, amount, due_on, …"
    )
    parser.add_argument("--decimal-comma", action="store_true", help="amounts are written 1234,50")
    parser.add_argument("--skip-bad", action="store_true", help="take the good rows, and tell of the bad ones")
    parser.add_argument("--complete", action="store_true", help="the file holds all that is owed: what is missing in it was paid")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--stack", metavar="NAME", help="the deployed stack, with this shell's AWS credentials")
    where.add_argument("--url", default=LOCAL_URL, metavar="URL", help=f"a running `dunning up` (default {LOCAL_URL})")


def run(options: argparse.Namespace) -> int:
    """Import and print what became of it; status 1 when rows were left out, or a customer could not be recorded.

    Raises Rejected for a file that is not good.
    """
    from dunning.domain.errors import Rejected
    from infra.deployed_stack import platform_of
    from infra.importing import Importer, ImportOptions, print_report, report_of
    from infra.reaching import ask_local_cloud

    path: Path = options.file
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise Rejected(f"{path} cannot be read: {exc.strerror}") from exc
    wanted = ImportOptions(options.decimal_comma, options.skip_bad, options.complete)
    if options.stack:
        with platform_of(options.stack) as platform:
            return print_report(Importer(platform)(raw, path.name, wanted))
    query = {"name": path.name, **{name: "yes" for name, given in wanted.as_json().items() if given}}
    return print_report(report_of(ask_local_cloud(options.url, f"/_local/import?{urlencode(query)}", raw)))
