"""A forecast on all processors: customers do not depend on one another, so that each process runs a share of them."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path

from dunning.content.policy_book import PolicyBook
from infra.forecast.running import Found, Task, run_share
from infra.forecast.shapes import Forecast
from infra.invoice_file import InvoiceRow

WORTH_A_PROCESS = 500
"""Fewer invoices take less time than it takes to start a process and to hear from it."""
_MOST = 16

Watch = Callable[[int], None]
"""Told how many invoices are done. Where it starts a thread, that must be no sooner than its first call: a process with threads
is not safely forked."""

_REMEMBERED: list[Task] = []
"""What a process that was forked is to run a share of; a compiled condition cannot be sent through a pipe."""


def run(
    rows: Sequence[InvoiceRow],
    book: PolicyBook,
    start: datetime,
    end: datetime,
    watch: Watch = lambda _: None,
    processes: int | None = None,
) -> Forecast:
    """The forecast of these invoices, all of them known from `start` on, or from their issue if that is later.

    One that is paid stays silent from then on. Every message goes out, and nobody answers. Of a file that names no mail address at
    all every customer is taken to have one. The same for any number of `processes` (None: as many as help). Raises Permanent.
    """
    task = Task(rows, book, start, end)
    count = processes_for(task, usable_processors()) if processes is None else processes

    def seen(at: datetime) -> None:
        watch(int(len(rows) * ((at - start) / (end - start))))

    found = [run_share(task, 0, 1, seen)] if count == 1 else _spread(task, count, seen)
    return Forecast(
        policies=tuple(sorted(book.by_name)),
        start=start,
        end=end,
        messages=tuple(sorted((one for share in found for one in share.messages), key=lambda one: (one.at, one.customer))),
        decisions=tuple(sorted((one for share in found for one in share.decisions), key=lambda one: (one.at, one.customer))),
        invoices=tuple(sorted((one for share in found for one in share.invoices), key=lambda one: one.id)),
        turns=sum(share.turns for share in found),
    )


def processes_for(task: Task, processors: int) -> int:
    """How many processes help. One, where customers take a day's places from one another, or where forking is not safe."""
    if any(policy.first_contacts_per_day is not None for policy in task.book.by_name.values()) or not may_fork():
        return 1
    return max(1, min(processors, _MOST, len(task.rows) // WORTH_A_PROCESS))


def may_fork() -> bool:
    """Whether this process may be forked: on Linux, and while it has no other thread, whose locks a child would find shut for ever."""
    return sys.platform.startswith("linux") and len(list(Path("/proc/self/task").iterdir())) == 1


def usable_processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform.startswith("linux") else os.cpu_count() or 1


def _spread(task: Task, count: int, seen: Callable[[datetime], None]) -> Sequence[Found]:
    """This process runs the first share, and shows how far it is; all of them, one after the other, where it may not be forked."""
    if not may_fork():
        return [run_share(task, share, count, seen) for share in range(count)]
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(count - 1, mp_context=fork, initializer=_remember, initargs=(task,)) as pool:
        others = [pool.submit(_run_remembered, share, count) for share in range(1, count)]
        return [run_share(task, 0, count, seen), *(other.result() for other in others)]


def _remember(task: Task) -> None:
    _REMEMBERED.append(task)


def _run_remembered(share: int, of: int) -> Found:
    return run_share(_REMEMBERED[-1], share, of)
