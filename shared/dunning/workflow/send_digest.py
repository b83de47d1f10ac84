"""Once a day, tell by mail what was sent, paid, escalated and held, who waits for a person, and how old the open money is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from dunning.domain.calendar import local_date, zone_of
from dunning.domain.case import Case
from dunning.domain.digest import MOST_LOOKED_AT, as_known, digest_of
from dunning.domain.errors import OutcomeUnknown, Permanent, Refused, Retryable, Unreadable
from dunning.domain.joint_approval import with_questions_reckoned
from dunning.workflow.digest_ports import DigestPolicies, DigestRenderer, Digests
from dunning.workflow.ports import CaseStore, EmailChannel, Envelope
from dunning.workflow.sweep_ports import SweepQueue, SweepStage

COVERS = timedelta(days=1)
DIGEST = "digest"
"""The stage that tries a digest again; its cursor is the owner of the note of the try before, under which surely nothing was sent."""

PAUSE = 900
"""Seconds between two tries, the longest that SQS delays a message; what refuses, a spent quota above all, may do so for hours."""


@dataclass(frozen=True, slots=True)
class SendDigest:
    """The second use case of the function daily_sweep."""

    digests: Digests
    cases: CaseStore
    policies: DigestPolicies
    email: EmailChannel
    renderer: DigestRenderer
    new_id: Callable[[datetime], str]
    queue: SweepQueue
    clock: Callable[[], datetime]

    def __call__(self, at: datetime) -> str:
        """Send the digest of the day before `at` (the schedule's own instant, UTC) to all that policies name, or put it off.

        At most once for each instant, also when the event comes twice: it is noted before it is sent, under an id of this attempt,
        and only taken back when it surely was not sent: the note stayed without an answer, or SES refused. Raises Retryable only when
        it cannot be put off either, Permanent where SES never will take it.
        """
        return self.again(SweepStage(DIGEST, f"{DIGEST}:{at:%Y-%m-%dT%H:%M}", DIGEST, at))

    def again(self, stage: SweepStage) -> str:
        """What could not be sent before, until the next day's digest is due. The same message twice sends one mail."""
        at, noted, owner = stage.started_at, stage.cursor, self.new_id(self.clock())
        if self.clock() >= at + COVERS:
            return "given up: the next day's digest tells again what still waits"
        try:
            if noted:
                self.digests.take_back(self._note_of(at), noted)
            noted = owner
            return self._sent(at, owner)
        except Retryable as exc:
            self.queue.send(replace(stage, cursor=noted, tries=stage.tries + 1), PAUSE)
            return f"put off: {exc}"

    def _day(self, at: datetime) -> date:
        return local_date(at, zone_of(None, self.policies.named(None).timezone))

    @staticmethod
    def _note_of(at: datetime) -> str:
        """By the schedule's own date (UTC): a local day may have two of its instants, where the clocks are put back between them."""
        return at.astimezone(UTC).date().isoformat()

    def _sent(self, at: datetime, owner: str) -> str:
        to = self.policies.digest_to()
        if not to:
            return "no policy names anybody"
        day = self._day(at)
        digest = digest_of(day, self.digests.happened(at - COVERS, at), self.digests.owed())
        asked = tuple(self.digests.asked())
        cases = {customer: self._as_it_stands(customer, at) for customer in {*digest.customers, *asked[:MOST_LOOKED_AT]}}
        looked_at = {customer: case for customer, case in cases.items() if case}
        mail = self.renderer.digest(as_known(digest, looked_at, asked))
        name = self._note_of(at)
        try:
            if not self.digests.begin(name, owner, at):
                return "sent before"
        except Retryable:
            self.digests.take_back(name, owner)
            raise
        envelope = Envelope("digest", "", (), None, f"digest-{name}", "digest")
        try:
            self.email.send(list(to), mail, envelope)
        except Refused as exc:
            self.digests.take_back(name, owner)
            raise Retryable("SES does not take the digest now") from exc
        except Permanent:
            self.digests.take_back(name, owner)
            raise
        except OutcomeUnknown:
            return "perhaps sent: it is not repeated"
        return "sent"

    def _as_it_stands(self, customer: str, at: datetime) -> Case | None:
        """With its questions as they are to be answered now, not as they were when they were put down. None: it cannot be read."""
        try:
            case = self.cases.load(customer)
        except Unreadable:
            return None  # its letter says so; the digest of all others goes out
        return with_questions_reckoned(case, lambda invoice: self.policies.named(invoice.policy), at)
