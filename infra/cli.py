"""`dunning`, the command on a developer's machine."""

import argparse
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import NoReturn

from dunning.domain.errors import Rejected

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MORNING = time(8, tzinfo=UTC)
_YEARS = range(2000, 2200)
BAD_USAGE = 2


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, instead of printing the usage first."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: 0, 2 for bad arguments, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "up":
            return _up(options.port, options.start, options.policies, samples=not options.no_samples)
        if options.command == "redrive":
            return _redrive(options.stack, options.url)
        return _demo(options.out)
    except Rejected as exc:
        print(f"dunning {options.command}: {exc}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="dunning", allow_abbrev=False, description="Payment reminders for open invoices, on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command", parser_class=_Parser)
    up = commands.add_parser(
        "up", allow_abbrev=False, help="serve the local cloud until Ctrl-C", description="Serve the local cloud until Ctrl-C."
    )
    up.add_argument("--port", type=_port, default=8787, help="where to listen on 127.0.0.1 (default 8787; 0: any free port)")
    up.add_argument("--start", type=_instant, metavar="ISO", help="virtual time at the start (default: today, 08:00Z)")
    up.add_argument("--no-samples", action="store_true", help="start empty, without the sample invoices")
    up.add_argument("--policies", type=_directory, metavar="DIR", help="read the policies from this directory")
    demo = commands.add_parser("demo", allow_abbrev=False, help="run twenty sample invoices through sixty virtual days and write a report")
    demo.add_argument("--out", type=Path, default=Path("build/demo"), metavar="DIR", help="where the report goes (default build/demo)")
    redrive = commands.add_parser(
        "redrive",
        allow_abbrev=False,
        help="send back what lies in the dead-letter queues",
        description="Send back what lies in the dead-letter queues, after the cause was mended; parked cases are released.",
    )
    where = redrive.add_mutually_exclusive_group()
    where.add_argument("--stack", metavar="NAME", help="the deployed stack, with this shell's AWS credentials")
    where.add_argument(
        "--url", default="http://127.0.0.1:8787", metavar="URL", help="a running `dunning up` (default http://127.0.0.1:8787)"
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
    return int(text)


def _instant(text: str) -> datetime:
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


def _up(port: int, start: datetime | None, policies: Path | None, *, samples: bool) -> int:
    print("Starting the local cloud …", flush=True)
    from infra.local.serving import serve

    today = datetime.combine(datetime.now(UTC), _MORNING)
    with _told_to_stop() as stop:
        return serve(port, start or today, policies, stop, samples=samples)


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


def _redrive(stack: str | None, url: str) -> int:
    from infra.redriving import print_redriven, redrive_local, redrive_stack

    return print_redriven(redrive_stack(stack) if stack else redrive_local(url))


def _demo(out: Path) -> int:
    from infra.demo import run

    return run(out)


if __name__ == "__main__":
    sys.exit(main())
