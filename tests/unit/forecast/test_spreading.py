"""A forecast is the same however many processes share it.

pytest may have threads of its own, and a process with threads is not forked: real processes are started from a process of their own.
"""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.errors import Permanent
from dunning.domain.policy import Policy
from infra.forecast.benchmark import START, book, invoices
from infra.forecast.running import Task
from infra.forecast.spreading import WORTH_A_PROCESS, processes_for, run
from infra.policies.reading import read_policy
from tests.unit.forecast.books import TEAMS, plan, standard

END = START + timedelta(days=90)
LIMITED = """
first_contacts_per_day: 2
steps:
  - {id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}
"""


class PermanentlyWrong(PolicyBook):
    """A book that none of the invoices can be read with."""

    def named(self, name: str | None) -> Policy:
        raise Permanent(f"no policy is called {name}")


def task(policies: PolicyBook, count: int) -> Task:
    return Task(invoices(count), policies, START, END)


@pytest.mark.parametrize("policies", [book(), standard()], ids=["five steps", "standard"])
@pytest.mark.parametrize("processes", [2, 3])
def test_it_is_the_same_in_the_same_order(policies: PolicyBook, processes: int) -> None:
    alone = run(invoices(90), policies, START, END, processes=1)
    assert len(alone.messages) > 100
    assert run(invoices(90), policies, START, END, processes=processes) == alone


def test_one_mail_address_in_the_file_counts_for_every_share() -> None:
    bare = [replace(row, snapshot=replace(row.snapshot, contact=replace(row.snapshot.contact, email=None))) for row in invoices(40)]
    rows = [*invoices(41)[40:], *bare]
    assert run(rows, book(), START, END, processes=2) == run(rows, book(), START, END, processes=1)


def test_more_processes_than_customers_do_no_harm() -> None:
    assert run(invoices(3), book(), START, END, processes=4) == run(invoices(3), book(), START, END, processes=1)


def test_what_goes_wrong_in_another_process_is_told_as_if_it_were_here() -> None:
    wrong = PermanentlyWrong(book().by_name, book().default)
    for processes in (1, 2):
        with pytest.raises(Permanent, match="no policy is called"):
            run(invoices(10), wrong, START, END, processes=processes)


IN_PROCESSES = """
import os
from datetime import timedelta
from dunning.domain.errors import Permanent
from infra.forecast import spreading
from infra.forecast.benchmark import START, book, invoices
from tests.unit.forecast.test_spreading import PermanentlyWrong

if __name__ == "__main__":
    began, fork = [], os.fork
    os.fork = lambda: began.append(1) or fork()
    end = START + timedelta(days=90)
    alone = spreading.run(invoices(90), book(), START, end, processes=1)
    assert not began
    for processes in (2, 3):
        assert spreading.run(invoices(90), book(), START, end, processes=processes) == alone
    assert len(began) == 1 + 2, began
    try:
        spreading.run(invoices(10), PermanentlyWrong(book().by_name, book().default), START, end, processes=2)
    except Permanent as error:
        print(error)
"""


def test_other_processes_find_the_same_and_tell_what_goes_wrong_there() -> None:
    run_apart = [sys.executable, "-W", "error::DeprecationWarning", "-c", IN_PROCESSES]
    done = subprocess.run(run_apart, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "shared:."}, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no policy is called benchmark\n", "")


def test_a_process_with_threads_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked beside a thread"))
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert processes_for(task(book(), 10_000), 8) == 1
        assert run(invoices(9), book(), START, END, processes=3) == run(invoices(9), book(), START, END, processes=1)
    finally:
        done.set()
        other.join()


def test_there_are_as_many_processes_as_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.forecast.spreading.may_fork", lambda: True)
    assert [processes_for(task(book(), count), 2) for count in (1, WORTH_A_PROCESS, 2 * WORTH_A_PROCESS, 10_000)] == [1, 1, 2, 2]
    assert processes_for(task(book(), 10_000), 1) == 1


def test_customers_who_take_a_days_places_from_one_another_stay_in_one_process(tmp_path: Path) -> None:
    limited = read_policy(plan(tmp_path, "limited", LIMITED), TEAMS)
    assert processes_for(task(PolicyBook({**book().by_name, limited.name: limited}, limited), 10_000), 8) == 1
