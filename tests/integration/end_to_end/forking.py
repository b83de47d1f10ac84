"""`dunning up` many times over: one process reads all code and has seen one plan through, and each cloud is a fork of it.

A fork holds nothing of another's: the first cloud is closed before, and each is deployed anew. What it does not do again is to import
moto and to read the models of AWS's APIs, which takes longer than most of the tests.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]


class Forks:
    """Processes that run `dunning` with some arguments each."""

    def __init__(self) -> None:
        self._origin = subprocess.Popen(
            [sys.executable, "-m", __name__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self._origin.communicate)  # it ends when nothing more can come

    def start(self, arguments: Sequence[str], log: Path) -> int:
        """Run `dunning`; what it says is written to `log`. The process id."""
        return self._told({"arguments": list(arguments), "log": str(log)})

    def stop(self, process: int) -> int:
        """Tell a process to stop, and wait for it; its exit status."""
        return self._told({"stop": process})

    def _told(self, order: dict[str, object]) -> int:
        to, answers = self._origin.stdin, self._origin.stdout
        assert to is not None
        assert answers is not None
        to.write(json.dumps(order) + "\n")
        to.flush()
        return int(answers.readline())


@cache
def forks() -> Forks:
    """Those of this process, which all of its tests share."""
    return Forks()


def serve_orders() -> None:
    """Fork and stop as told on standard input, until it ends; then end what still runs."""
    _see_one_plan_through()
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join(10)
    gc.freeze()  # as tests/conftest.py does
    gc.set_threshold(100_000, 50, 50)
    assert threading.active_count() == 1, f"a fork has one thread only: {threading.enumerate()}"
    running: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "stop" in order:
            answer = _stopped(order["stop"])
            running.discard(order["stop"])
        else:
            arguments, log = order["arguments"], order["log"]
            answer = os.fork() or _be(arguments, log)
            running.add(answer)
        print(answer, flush=True)
    for process in running:
        _stopped(process)


def _be(arguments: Sequence[str], log: str) -> int:
    """Become `dunning`; does not return."""
    from infra.cli import main

    status = 70
    try:
        for number, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))):
            os.dup2(file, number)
        os.dup2(1, 2)
        status = main(arguments)
    finally:
        sys.stdout.flush()
        os._exit(status)


def _stopped(process: int) -> int:
    os.kill(process, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _see_one_plan_through() -> None:
    from infra.local.running import running_cloud
    from infra.samples.stripe_objects import sign
    from tests.integration.end_to_end.driver import invoice

    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    with running_cloud(start, outer_env={}) as running:
        event = {"id": "evt_1", "object": "event", "api_version": "2026-09-30.endive", "created": int(start.timestamp())}
        thing = {"type": "invoice.finalized", "data": {"object": invoice("1", "2026-02-20")}, "livemode": False}
        body = json.dumps({**event, **thing, "pending_webhooks": 1, "request": None}).encode()
        assert running.deliver(body, sign(body, start)) == 200
        running.cloud.advance_to(start + timedelta(days=7))


if __name__ == "__main__":
    serve_orders()
