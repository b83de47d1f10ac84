"""`dunning connect`: connect a QuickBooks company or Xero organisations."""

import argparse

from dunning.domain.errors import Rejected, Retryable
from infra.commands import Commands

NAME = "connect"
_USUAL_PORT = 8788


def add_to(commands: Commands) -> None:
    """Add the parser."""
    connect = commands.add_parser(
        NAME,
        allow_abbrev=False,
        help="connect a QuickBooks company or Xero organisations",
        description="Ask for consent in your browser and put the tokens into a secret of the stack. Run it again to reconnect.",
    )
    connect.add_argument("source", choices=("quickbooks", "xero"), help="the accounting system")
    where = connect.add_mutually_exclusive_group(required=True)
    where.add_argument("--stack", metavar="NAME", help="the deployed stack, with this shell's AWS credentials")
    where.add_argument("--url", metavar="URL", help="a running `dunning up`, to rehearse it at a sandbox: no account, no AWS")
    connect.add_argument(
        "--port",
        type=int,
        default=_USUAL_PORT,
        help=f"where to take the answer; register http://localhost:PORT/callback with your app (default {_USUAL_PORT})",
    )
    connect.add_argument(
        "--redirect-uri", metavar="URL", help="the app's own https address, where no localhost may be registered; you paste what comes back"
    )
    connect.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="how long to wait (default 300)")


def run(options: argparse.Namespace) -> int:
    """Connect and say which accounts. Raises Rejected."""
    from infra.connect.connecting import connect_stack
    from infra.connect.loopback import Loopback, Pasted
    from infra.connect.rehearsing import connect_local_cloud

    way = Pasted(options.redirect_uri) if options.redirect_uri else Loopback(options.port, options.timeout)
    try:
        if options.stack:
            accounts = connect_stack(options.stack, options.source, way.redirect_uri, way)
        else:
            accounts = connect_local_cloud(options.url, options.source, way.redirect_uri, way)
    except Retryable as exc:
        raise Rejected(f"{exc}: run the command again") from exc
    print(f"Connected: {', '.join(accounts)}. Its open invoices are being read now; what waited for the connection goes on.")
    return 0
