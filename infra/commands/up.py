"""`dunning up`: serve the local cloud."""

import argparse
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path

from infra.commands import Commands

NAME = "up"

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MORNING = time(8, tzinfo=UTC)
_YEARS = range(2000, 2200)


def add_to(commands: Commands) -> None:
    """Add the parser."""
    up = commands.add_parser(
        NAME, allow_abbrev=False, help="serve the local cloud until Ctrl-C", description="Serve the local cloud until Ctrl-C."
    )
    up.add_argument("--port", type=_port, default=8787, help="where to listen on 127.0.0.1 (default 8787; 0: any free port)")
    up.add_argument("--start", type=instant, metavar="ISO", help="virtual time at the start (default: today, 08:00Z)")
    up.add_argument("--no-samples", action="store_true", help="start empty, without the sample invoices")
    up.add_argument("--policies", type=_directory, metavar="DIR", help="read the policies from this directory")


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM. Raises Rejected for policies that do not load, or a port that is taken."""
    print("Starting the local cloud …", flush=True)
    from infra.local.serving import serve

    today = datetime.combine(datetime.now(UTC), _MORNING)
    with _told_to_stop() as stop:
        return serve(options.port, options.start or today, options.policies, stop, samples=not options.no_samples)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
    return int(text)


def instant(text: str) -> datetime:
    """An instant or a date (08:00Z) as an argument. Raises ArgumentTypeError with the remedy."""
    try:
        instant = datetime.fromisoformat(text)
        if _DAY.fullmatch(text):
            instant = datetime.combine(instant, _MORNING)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no instant: give one as 2026-03-02T08:00:00Z") from None
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone: end it in Z, as 2026-03-02T08:00:00Z")
    if instant.year not in _YEARS:
        raise argparse.ArgumentTypeError(f"{text!r} is too far away: give a year from {_YEARS[0]} to {_YEARS[-1]}")
    return instant.astimezone(UTC)


def _directory(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no directory: give one that holds policies (*.yaml)")
    return path.resolve()


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, while this lasts."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
