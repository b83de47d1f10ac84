"""Playing a worked case: what happens outside, and every turn of run_step between, in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Dispute, Profile
from dunning.domain.effects import Channel
from dunning.domain.holding import hold_case, hold_invoice, release_case, release_invoice
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Snapshot, Status
from dunning.domain.money import Money, minor_digits
from dunning.domain.netting import covered, net_of
from dunning.domain.policy import Policy
from dunning.domain.recording import Recorder
from dunning.domain.rehearsing import Turn, turns
from dunning.domain.timing import customer_zone
from dunning.domain.works import Verdict
from tests.unit.domain.worked_cases import reading
from tests.unit.domain.worked_cases.reading import Happening, instant, money, text

CUSTOMER = "manual:acme"
_CHANNELS = {"email": "mail", "sms": "SMS", "team": "team"}
_NOTHING: Mapping[tuple[str, str], datetime | None] = {}
_TOLD = (
    ActivityType.SKIPPED,
    ActivityType.SUPPRESSED,
    ActivityType.HELD,
    ActivityType.RELEASED,
    ActivityType.PLAN_ENDED,
    ActivityType.PARTLY_PAID,
    ActivityType.FEE_PROPOSED,
    ActivityType.FEE_APPLIED,
)


@dataclass(frozen=True, slots=True)
class Played:
    """What went out, and what else was decided: lines as the table has them."""

    sent: tuple[str, ...]
    decided: tuple[str, ...]
    case: Case


def play(worked: reading.Case) -> Played:
    """Play it from the instant when its invoices are known."""
    player = _Player(worked, worked.policy())
    return player.play()


class _Player:
    def __init__(self, worked: reading.Case, policy: Policy) -> None:
        self.worked = worked
        self.policy = policy
        self.zone = customer_zone(worked.customer, policy)
        self.snapshots: dict[str, Snapshot] = {}
        self.case = Case(Profile(CUSTOMER))
        self.credit = {worked.credit.currency: worked.credit.minor} if worked.credit else {}
        self.sent: list[str] = []
        self.decided: list[str] = []

    def play(self) -> Played:
        events = sorted([*self._first_seen(), *self.worked.happens], key=lambda one: one.at)
        for position, happening in enumerate(events):
            self._happen(happening)
            later = events[position + 1].at if position + 1 < len(events) else self.worked.until
            for turn in turns(self.case, lambda _: self.policy, happening.at, later, self.credit):
                self._note(turn)
                self.case = turn.case
        sent = [line for line in self.sent if self.worked.tasks or "| team notice |" not in line]
        return Played(tuple(sent), tuple(self.decided), self.case)

    def _first_seen(self) -> Iterator[Happening]:
        for owed in self.worked.invoices:
            known = max(self.worked.known, owed.issued or self.worked.known)
            self.snapshots[owed.name] = Snapshot(
                source="manual",
                customer=CUSTOMER,
                invoice_id=owed.name,
                number=owed.name,
                status=Status.OPEN,
                currency=owed.money.currency,
                total=owed.money.minor,
                amount_due=owed.money.minor,
                due=owed.due,
                issued_at=owed.issued,
                stamp=known,
                collects_automatically=owed.automatic,
                contact=self.worked.customer,
            )
            yield Happening(known, "known", {"invoice": owed.name})

    def _happen(self, happening: Happening) -> None:
        row, at = happening.row, happening.at
        if "hold" in row or "release" in row:
            self._hold_or_release(happening)
        elif "dispute" in row:
            dispute = Dispute("dp_1", row["dispute"] == "opened", at)
            self.case = self.case.with_profile(replace(self.case.profile, disputes={dispute.id: dispute}))
        else:
            self._record(happening)

    def _record(self, happening: Happening) -> None:
        row, name = happening.row, text(happening.row["invoice"])
        seen = replace(self.snapshots[name], stamp=happening.at)
        if "owes" in row:
            seen = replace(seen, amount_due=money(text(row["owes"])).minor)
        if "due" in row:
            seen = replace(seen, due=date.fromisoformat(text(row["due"])))
        if "status" in row:
            status = Status(text(row["status"]))
            seen = replace(seen, status=status, amount_due=0 if status is Status.PAID else seen.amount_due)
        self.snapshots[name] = seen
        recorder = Recorder(lambda _: self.policy, frozenset(), happening.at, "test")
        recorded = recorder.record(self.case, seen, fetched=True)
        self.case = recorded.case
        self._tell(recorded.activities)

    def _hold_or_release(self, happening: Happening) -> None:
        row, at = happening.row, happening.at
        invoice = self.case.invoices[text(row["invoice"])] if "invoice" in row else None
        if "hold" in row:
            kind = HoldKind(text(row["hold"]))
            hold = Hold(at, instant(text(row["until"])) if "until" in row else None)
            held = hold_invoice(self.case, invoice, kind, hold, "test") if invoice else hold_case(self.case, kind, hold, "test")
        else:
            kind = HoldKind(text(row["release"]))
            held = (
                release_invoice(self.case, invoice, kind, "released", at, "test")
                if invoice
                else release_case(self.case, kind, "released", at, "test")
            )
        self.case, activities = held
        self._tell(activities)

    def _note(self, turn: Turn) -> None:
        seen: set[str] = set()
        for work in turn.works:
            for effect in work.effects:
                if effect.key in seen or effect.channel is Channel.FEE:
                    continue
                seen.add(effect.key)
                net = net_of(turn.before, covered(turn.before, self.credit))
                invoices = [net.invoices[one] for one in effect.invoices]
                what = f"{_CHANNELS[effect.channel.value]} {effect.step or effect.kind}"
                owed = ", ".join(f"{invoice.number} {_money(invoice.money_due)}" for invoice in invoices)
                self.sent.append(f"{self._when(turn.at)} | {what} | {owed}")
            if work.verdict is Verdict.MOVE and work.move_to:
                self.decided.append(f"{self._when(turn.at)} | put off {work.step} | {work.reason}, to {self._when(work.move_to)}")
        self._tell(turn.activities, {(work.invoice, work.reason): work.move_to for work in turn.works if work.verdict is Verdict.SUPPRESS})

    def _tell(self, activities: Sequence[Activity], put_off: Mapping[tuple[str, str], datetime | None] = _NOTHING) -> None:
        for activity in activities:
            if activity.type not in _TOLD:
                continue
            later = put_off.get((activity.invoices[0], activity.reason or "")) if activity.invoices else None
            what = "put off" if later else activity.type.value.replace("_", " ")
            said = f"{self._when(activity.at)} | {what} {activity.step or ''}".rstrip() + f" | {activity.reason}"
            self.decided.append(said + (f", to {self._when(later)}" if later else ""))

    def _when(self, at: datetime) -> str:
        there = at.astimezone(self.zone)
        offset = there.strftime("%z")
        zone = "UTC" if self.zone.key == "UTC" else f"{offset[:3]}:{offset[3:]}"
        return f"{there:%a} {there.day} {there:%b %Y %H:%M} {zone}"


def _money(owed: Money) -> str:
    return f"{owed.currency} {owed.as_decimal():,.{minor_digits(owed.currency)}f}"
