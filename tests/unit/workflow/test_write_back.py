"""A note that cannot be written now: when it is tried again, and when a person must look."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.errors import Disconnected, NotConnected, NotYet, Retryable
from dunning.domain.notes import Note
from dunning.workflow.activity_feed import LoggedActivity, NoteRequest
from dunning.workflow.write_back import LONGEST_DELAY, MOST_TRIES, WriteBack
from tests.fakes.clock import StandingClock
from tests.fakes.deployment import standard_policies

CLOCK = StandingClock()
SENT = Activity(CLOCK.now, ActivityType.SENT, "due", ("in_1",), "first", "run_step", "email", "claim")
REQUEST = NoteRequest("xero:tenant:liam", "in_1", (LoggedActivity("01KK6ASGM0000000R003HF0TKN", "xero:tenant:liam", SENT),))


@dataclass
class Queue:
    """workflow.activity_feed.NoteQueue."""

    requests: list[tuple[NoteRequest, int]] = field(default_factory=list)

    def send(self, requests: Sequence[NoteRequest], delay: int = 0) -> None:
        self.requests += [(request, delay) for request in requests]


@dataclass
class Writer:
    """workflow.activity_feed.NoteWriter, with which something may be wrong."""

    wrong: Exception | None = None
    written: list[str] = field(default_factory=list)

    def write(self, invoice_id: str, account: str | None, notes: Sequence[Note]) -> str:
        if self.wrong:
            raise self.wrong
        self.written += [note.id for note in notes]
        return "noted"


class AnyPolicy:
    """workflow.activity_feed.NotedPolicies."""

    def policy_of(self, customer: str, invoice_id: str) -> str | None:
        return None


def write_back(writer: Writer, queue: Queue) -> WriteBack:
    return WriteBack({"xero": writer}, {"xero": queue}, standard_policies(), AnyPolicy(), CLOCK)


@pytest.mark.parametrize("ended", [Disconnected, NotConnected])
def test_a_note_waits_for_the_connection_however_long_and_is_then_written(ended: type[Disconnected]) -> None:
    writer, queue = Writer(ended("xero", "tenant", "the consent was revoked")), Queue()
    use, request = write_back(writer, queue), REQUEST
    for _ in range(2 * MOST_TRIES):
        with pytest.raises(Disconnected) as refused:
            use(request)
        assert use.put_off(request, refused.value)
        ((request, delay),) = queue.requests
        assert delay == LONGEST_DELAY
        queue.requests.clear()
    writer.wrong = None
    assert use(request) == "noted"
    assert writer.written == [REQUEST.activities[0].id]


def test_a_source_at_its_limit_is_asked_again_then_and_given_up_after_three_days() -> None:
    queue = Queue()
    use = write_back(Writer(), queue)
    full = Retryable("429", CLOCK.now + timedelta(seconds=90))
    assert use.put_off(REQUEST, full)
    assert queue.requests == [(replace(REQUEST, tries=1), 90)]
    assert not use.put_off(replace(REQUEST, tries=MOST_TRIES), full)


@pytest.mark.parametrize("tries", [0, MOST_TRIES])
def test_waiting_in_line_is_no_try(tries: int) -> None:
    queue, request = Queue(), replace(REQUEST, tries=tries)
    assert write_back(Writer(), queue).put_off(request, NotYet("others first", CLOCK.now + timedelta(seconds=3)))
    assert queue.requests == [(request, 3)]


def test_a_source_of_which_nobody_knows_when_it_answers_is_left_to_the_queue() -> None:
    queue = Queue()
    assert not write_back(Writer(), queue).put_off(REQUEST, Retryable("no answer"))
    assert queue.requests == []
