"""Note an activity where the bookkeeper looks: at the invoice's source."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dunning.domain.calendar import zone_of
from dunning.domain.errors import Disconnected, NotOffered, NotPermitted, NotYet, Retryable
from dunning.domain.notes import note_of
from dunning.workflow.activity_feed import NotedPolicies, NoteQueue, NoteRequest, NoteWriter
from dunning.workflow.ports import Clock, Policies
from dunning.workflow.sources import account_of, source_of

LONGEST_DELAY = 900
MOST_TRIES = 3 * 96
"""Three days of quarters of an hour, after which somebody must look."""

WAITS = (60, 300, 900, 3600, 10_800, 21_600, 43_200, 43_200)
"""Seconds to wait for a source that does not answer, by how often the message was received: a day and a half in all."""

LAST_RECEIVES = len(WAITS) + 1
"""By then a message is put aside, with its reason; its queue would do so one receive later, without."""


@dataclass(frozen=True, slots=True)
class WriteBack:
    """The use case behind write_back. `writers` has those that are switched on.

    Raises Retryable when the source cannot be reached (with `retry_at` when it is at its limit), Permanent when it refuses the note.
    """

    writers: Mapping[str, NoteWriter]
    queues: Mapping[str, NoteQueue]
    policies: Policies
    noted: NotedPolicies
    clock: Clock

    def __call__(self, request: NoteRequest) -> str:
        """Answers what became of it, for the log. The same request again finds its notes and writes nothing."""
        writer = self.writers.get(source_of(request.customer))
        if writer is None:
            return "switched off"
        zone = zone_of(None, self.policies.named(self.noted.policy_of(request.customer, request.invoice)).timezone)
        found = (note_of(logged.activity, logged.id, zone) for logged in request.activities)
        notes = tuple(note for note in found if note is not None)
        if not notes:
            return "nothing to note"
        try:
            return writer.write(request.invoice, account_of(request.customer), notes)
        except NotOffered as exc:
            return f"dropped: {exc}"

    def put_off(self, request: NoteRequest, because: Retryable) -> bool:
        """Ask for the same again when its turn comes; or when the source takes requests again, later each time. At most in a quarter
        of an hour. False where nobody knows when that is, and after about three days.

        A connection that ended is waited for however long that takes: its cases wait, too, and a person was told. A note that is
        not permitted is tried for about three days.
        """
        queue = self.queues.get(source_of(request.customer))
        if queue is None:
            return False
        if isinstance(because, NotPermitted):
            if request.tries < MOST_TRIES:
                queue.send([replace(request, tries=request.tries + 1)], LONGEST_DELAY)
            return request.tries < MOST_TRIES
        if isinstance(because, Disconnected):
            queue.send([request], LONGEST_DELAY)
            return True
        in_line = isinstance(because, NotYet)
        if because.retry_at is None or (request.tries >= MOST_TRIES and not in_line):
            return False
        wait = math.ceil((because.retry_at - self.clock()).total_seconds())
        at_least = 1 if in_line else 1 << min(request.tries, 10)
        queue.send([replace(request, tries=request.tries + (not in_line))], min(LONGEST_DELAY, max(at_least, wait)))
        return True


def is_given_up(request: NoteRequest, receives: int) -> bool:
    """Whether what cannot be put off has been tried for as long as that may help: a person must look."""
    return receives >= LAST_RECEIVES or request.tries >= MOST_TRIES


def wait_after(receives: int) -> int:
    """How many seconds a message waits that was received so often."""
    return WAITS[min(receives, len(WAITS)) - 1]
