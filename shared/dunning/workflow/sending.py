"""Carrying out what was decided, effect by effect, each at most as often as its channel's guarantee allows (DESIGN §6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dunning.domain.case import Case, Claim, EffectState, Mark
from dunning.domain.effects import Channel, Effect, marked, marks_by_row, rows_of, state_of
from dunning.domain.errors import AlreadyClaimed, Disconnected, NotYet, OutcomeUnknown, Permanent, Refused, Throttled
from dunning.domain.history import MOST_READ
from dunning.domain.invoice import Snapshot
from dunning.domain.settlement import Done
from dunning.domain.works import Work
from dunning.workflow.attaching import Attacher
from dunning.workflow.charge_fee import ChargeFee
from dunning.workflow.history_port import RememberingStore
from dunning.workflow.mail_line import MailLine
from dunning.workflow.mail_order import MailOrder
from dunning.workflow.mail_ports import Addressing, UnsubscribeLinks
from dunning.workflow.message_rows import content_of, invoices_in
from dunning.workflow.ports import Clock, EmailChannel, Envelope, Policies, Renderer, SmsChannel, TeamChannel

SAFETY = timedelta(seconds=60)
"""Nothing is sent when less than this is left of the claim: another worker may already be near."""


class _TooLate(Exception):
    """The claim is near its end: what has not begun is left to the next."""


class Ending(StrEnum):
    """How a run of effects ended. `WAITING`: all but the mails, for which SES's quota of the day is spent."""

    COMPLETE = "complete"
    WAITING = "waiting"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """The finished works, the mark of every effect touched (by row), and how it ended; `failure` says why no retry will help.

    `charged`: the invoices of the late fees that were written to their source. `because`: a source's limit, or its ended
    connection or lacking right, where that refused.
    """

    done: tuple[Done, ...]
    effects: dict[str, Mark]
    ending: Ending
    failure: str = ""
    charged: tuple[Snapshot, ...] = ()
    because: NotYet | Disconnected | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    sent: bool
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the effects of works in order, and stops at the first that is refused or stays without an answer."""

    store: RememberingStore
    email: EmailChannel
    sms: SmsChannel
    team: TeamChannel
    renderer: Renderer
    policies: Policies
    clock: Clock
    charge: ChargeFee
    line: MailLine
    order: MailOrder
    attach: Attacher = field(default_factory=Attacher)
    unsubscribe: UnsubscribeLinks | None = None

    def send(self, works: Sequence[Work], case: Case, claim: Claim, now: datetime, *, let_go: bool = False) -> Progress:
        """Carry out the works under this claim, as far as it goes; `let_go` by the wheel, no mail asks whether others wait longer.

        Raises AlreadyClaimed when the claim is gone, Retryable.
        """
        effects = marks_by_row(claim.effects)
        sent_now: dict[str, str | None] = {}
        done: list[Done] = []
        charged: list[Snapshot] = []
        kept = claim.mail_at
        in_turn = let_go or kept is not None  # a place in the line is taken by nobody who must wait for the quota

        def progress(ending: Ending, failure: str = "", because: NotYet | Disconnected | None = None) -> Progress:
            return Progress(tuple(done), effects, ending, failure, tuple(charged), because)

        for work in works:
            notes: dict[str, str] = {}
            for effect in work.effects:
                if effect.key in sent_now:  # one message about several invoices
                    notes |= _noted(effect, sent_now[effect.key])
                    continue
                try:
                    outcome = self._attempted(effect, case, claim, effects, now, charged, kept, in_turn=in_turn)
                except _TooLate:
                    return progress(Ending.REFUSED)
                except (Refused, NotYet, Disconnected) as exc:
                    return progress(Ending.REFUSED, because=self._cause_of(exc, effect, case, claim))
                except OutcomeUnknown:
                    return progress(Ending.UNKNOWN)
                except Permanent as exc:
                    return progress(Ending.FAILED, f"{effect.key}: {exc}")
                notes |= _noted(effect, outcome.note)
                if outcome.sent:
                    if effect.channel is Channel.EMAIL:
                        kept, in_turn = None, True
                    effects |= marked(effect, Mark(EffectState.DONE, now))
                    sent_now[effect.key] = outcome.note
            done.append(Done(work, notes))
        return progress(Ending.COMPLETE)

    def _attempted(
        self,
        effect: Effect,
        case: Case,
        claim: Claim,
        effects: dict[str, Mark],
        now: datetime,
        charged: list[Snapshot],
        kept: datetime | None,
        *,
        in_turn: bool,
    ) -> _Outcome:
        """Carry out one effect when its turn has come; of what was refused, it is marked at once that it surely was not sent."""
        try:
            if effect.channel is Channel.EMAIL and state_of(effect, effects) is not EffectState.DONE:
                if not in_turn:
                    self.order.wait(case.profile)
                self.line.wait(_recipients(effect), kept, retried=case.profile.retries > 0)
            if self.clock() > claim.until - SAFETY:  # looked at last: whoever stood still while asking for its turn must not send
                raise _TooLate
            return self._carry_out(effect, case, claim, effects, now, charged)
        except (Refused, NotYet, Disconnected, Permanent):
            self._surely_not_sent(effect, case, claim, effects)
            raise

    def _carry_out(
        self, effect: Effect, case: Case, claim: Claim, effects: dict[str, Mark], now: datetime, charged: list[Snapshot]
    ) -> _Outcome:
        """Send one effect unless it is known to be done. What a fee became joins `charged`."""
        if effect.channel is Channel.FEE:
            # No mark of ours decides: the source itself is asked for it by its id.
            charged.append(self.charge(case, effect.invoices[0], effect.step or ""))
            return _Outcome(sent=True, note=charged[-1].invoice_id)
        state = state_of(effect, effects)
        if state is EffectState.DONE:
            return _Outcome(sent=False, note=f"{effect.channel.value} had already gone out{_since(effect, effects)}")
        envelope = Envelope(effect.kind, case.profile.customer, invoices_in(effect, case), effect.step, claim.origin, effect.key)
        log = self.store.latest_activities(case.profile.customer, MOST_READ) if effect.kind == "escalation" else ()
        content = content_of(effect, case, self.policies, now, log)
        match effect.channel:
            case Channel.EMAIL:
                attached = self.attach(effect.attach, case)
                addressing = Addressing(effect.cc, effect.sender, self._unsubscribe_url(effect, case, now))
                mail = self.renderer.email(effect.template, content)
                self.email.send([effect.to, *effect.more_to], mail, envelope, addressing, attached.attachments)
                return _Outcome(sent=True, note=attached.note)
            case Channel.TEAM:
                subject, text = self.renderer.team(effect.template, content)
                self.team.send(effect.to, subject, text, envelope)
            case Channel.SMS:
                if state is EffectState.STARTED:
                    return _Outcome(sent=False, note="sms may have gone out before; it is not repeated")
                text = self.renderer.sms(effect.template, content)
                # SNS reports no outcome that could be asked for: the mark before makes it at most once.
                if not self.store.mark_effect(case.profile.customer, claim.origin, effect.key, EffectState.STARTED, now):
                    raise AlreadyClaimed(f"case {case.profile.customer}: claim {claim.id} is no longer held")
                effects.update(marked(effect, Mark(EffectState.STARTED, now)))
                self.sms.send(effect.to, text, envelope)
        return _Outcome(sent=True)

    def _cause_of(self, exc: Refused | NotYet | Disconnected, effect: Effect, case: Case, claim: Claim) -> NotYet | Disconnected | None:
        """When to come back, where that is known, or which connection is to be mended.

        Refused for SES's rate, a mail stands in line once; then it is put off like any.
        """
        if isinstance(exc, NotYet | Disconnected):
            return exc
        stood_in_line = claim.mail_at is not None or case.profile.retries > 0
        if not isinstance(exc, Throttled) or effect.channel is not Channel.EMAIL or stood_in_line:
            return None
        return self.line.after_refusal(_recipients(effect))

    def _unsubscribe_url(self, effect: Effect, case: Case, now: datetime) -> str | None:
        return self.unsubscribe.url(case.profile.customer, now) if self.unsubscribe and effect.kind == "reminder" else None

    def _surely_not_sent(self, effect: Effect, case: Case, claim: Claim, effects: dict[str, Mark]) -> None:
        if state_of(effect, effects) is EffectState.STARTED:
            self.store.mark_effect(case.profile.customer, claim.origin, effect.key, EffectState.REFUSED)
        effects.update(marked(effect, Mark(EffectState.REFUSED)))


def _since(effect: Effect, marks: Mapping[str, Mark]) -> str:
    at = min((mark.at for row in rows_of(effect.key) if (mark := marks[row]).at), default=None)
    return f" at {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def _recipients(effect: Effect) -> int:
    return 1 + len(effect.more_to) + len(effect.cc)


def _noted(effect: Effect, note: str | None) -> dict[str, str]:
    return {effect.key: note} if note else {}
