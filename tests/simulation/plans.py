"""What a seed makes: customers, invoices, a policy, what happens to them, and when things may go wrong."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from random import Random

from dunning.domain.calendar import at_local, zone_of
from dunning.domain.invoice import Contact
from dunning.domain.policy import AfterPrevious, BeforeDue, Policy
from tests.simulation.limits import limited
from tests.simulation.shapes import SHAPES, SPANS

Span = tuple[datetime, datetime]
POISONED = "poisoned@example.com"
"""The address that the twin of SES refuses for ever, as it does one that is not well formed."""

POISONED_PHONE = "+430000000"
"""The number that the twin of SNS refuses for ever: the mail beside it has gone out by then."""

_STARTS = (datetime(2026, 3, 2, 5, tzinfo=UTC), datetime(2026, 3, 26, 7, tzinfo=UTC), datetime(2026, 10, 22, 22, tzinfo=UTC))
_JITTERS = (-3600, -900, -130, -30, -5, -1, 0, 1, 3, 20, 60, 200, 900, 1800)


class What(StrEnum):
    """What can happen to an invoice or its customer at the provider."""

    ISSUED = "issued"
    PAID = "paid"
    PARTLY_PAID = "partly paid"
    VOIDED = "voided"
    GIVEN_UP = "marked uncollectible"
    REDATED = "due date moved"
    DELETED = "deleted"
    DISPUTED = "dispute opened"
    UNDISPUTED = "dispute closed"
    NEW_CONTACT = "new contact"
    BOUNCES = "mail starts to bounce"
    RELEASED = "released by a person"
    PROMISED = "promised to pay"
    REPLIED = "answered"
    HANDLED = "answer handled by a person"
    CONTESTED = "invoice disputed by a person"
    SETTLED = "dispute of the invoice ended by a person"
    APPROVED = "what waits approved by a person"
    DECLINED = "what waits declined by a person"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happens at the provider; `number` is an amount in minor units, or a count of days."""

    at: datetime
    customer: str
    invoice: str
    what: What
    number: int = 0

    def __str__(self) -> str:
        return f"{self.at:%d %b %H:%M:%S} {self.customer} {self.invoice}: {self.what.value}" + (f" ({self.number})" if self.number else "")


@dataclass(frozen=True, slots=True)
class Plan:
    """A world before it begins. Faults happen only in `storms`; the sum of all else that is out of order are spans too."""

    seed: int
    start: datetime
    policy: Policy
    contacts: tuple[tuple[str, Contact], ...]
    due: tuple[tuple[str, date], ...]
    happenings: tuple[Happening, ...]
    fault_rate: float
    storms: tuple[Span, ...]
    provider_down: tuple[Span, ...]
    mail_down: tuple[Span, ...]
    quota_spent: tuple[Span, ...]
    wheel_silent: tuple[Span, ...]
    sweep_silent: tuple[Span, ...]
    clocks: tuple[float, ...]
    index_lag: float
    end: datetime
    points_only: bool
    """Whether webhooks name only what has changed, as those of QuickBooks and Xero do."""

    @property
    def spells(self) -> tuple[str, ...]:
        """What is out of order for hours, besides single calls."""
        spans = {
            "provider down": self.provider_down,
            "SES down": self.mail_down,
            "SES quota spent": self.quota_spent,
            "ten-minute rule silent": self.wheel_silent,
            "daily rule silent": self.sweep_silent,
        }
        found = [name for name, times in spans.items() for _ in times]
        said = {"clocks apart": any(self.clocks), "index late": bool(self.index_lag), "webhooks only point": self.points_only}
        return (*found, *(name for name, is_so in said.items() if is_so))

    def opened_after(self, customer: str, effect: str) -> tuple[float, ...]:
        """Seconds after which a mail is looked at: by few, by some at once, by some much later, and by some again and again."""
        random = Random(f"opened {self.seed} {customer} {effect}")
        return tuple(random.choice((20.0, 900.0, 17_950.0, 18_100.0, 90_000.0)) for _ in range(random.choice((0, 0, 0, 1, 1, 2))))


def plan_of(seed: int) -> Plan:
    """The world of a seed: always the same."""
    return _Maker(seed).plan()


OFTEN_SPENT = 0.6
OFTEN_LACKING = 0.8


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.seed = seed
        shape = self.random.randrange(len(SHAPES))
        self.limits = Random(f"limits {seed}")
        """By itself, so that limits change nothing else of a seed's world; so is what people do."""
        self.policy = limited(SHAPES[shape], self.limits)
        self.start = self.random.choice(_STARTS) + timedelta(seconds=self.random.randrange(7200))
        self.end = self.start + timedelta(days=SPANS[shape], hours=self.random.randrange(24))
        self.contacts: list[tuple[str, Contact]] = []
        self.due: list[tuple[str, date]] = []
        self.happenings: list[Happening] = []
        self.people = Random(f"people {seed}")
        self.numbers = Random(f"numbers {seed}")
        self.pointing = Random(f"pointing {seed}")
        self.points_only = self.pointing.random() < 0.25

    def plan(self) -> Plan:
        count = self.random.choice((1, 1, 2, 3))
        for number in range(1, count + 1):
            self._customer(f"stripe:cus_{number}")
        self._people()
        if any(step.approve_above for step in self.policy.steps):
            self._answers()
        if self.points_only:
            self._in_quick_succession()
        else:
            self._one_soon_after_another()
        storms = self._storms()
        troubled = bool(storms)
        return Plan(
            self.seed,
            self.start,
            self.policy,
            tuple(self.contacts),
            tuple(self.due),
            tuple(sorted(self.happenings, key=lambda happening: happening.at)),
            self.random.choice((0.01, 0.03, 0.1, 0.25)),
            storms,
            self._spans(0.4, 8) if troubled else (),
            self._spans(0.15, 4) if troubled else (),
            (*self._spans(0.1, 6), *self._spent_where_it_hurts()) if troubled else self._spent_for_long(),
            (*self._spans(0.6, 5), *self._spans(0.3, 3)) if troubled else (),
            self._spans(0.2, 30) if troubled else (),
            tuple(self.random.uniform(-5, 5) for _ in range(5)) if troubled else (0.0,),
            self.random.choice((0.0, 1.0, 20.0, 120.0)),
            self.end,
            self.points_only,
        )

    def _customer(self, customer: str) -> None:
        chance = self.random.random
        address = POISONED if chance() < 0.03 else f"{customer[7:]}@example.com"
        contact = Contact(
            name="Pat",
            email=address if chance() < 0.93 else None,
            phone="+431234567" if chance() < 0.65 else None,
            timezone=self.random.choice((None, None, "Europe/Vienna", "America/Los_Angeles")),
        )
        is_poisoned = contact.phone is not None and self.numbers.random() < 0.08
        if is_poisoned:
            contact = replace(contact, phone=POISONED_PHONE)
        self.contacts.append((customer, contact))
        for number in range(1, self.random.choice((1, 1, 2, 2, 3, 6)) + 1):
            self._invoice(customer, contact, f"in_{customer[11:]}_{number}")
        hot = [happening.at for happening in self.happenings if happening.customer == customer]
        if chance() < 0.2:
            self._happens(self.random.choice(hot), customer, "", What.NEW_CONTACT)
        if chance() < 0.05:
            self._happens(self.random.choice(hot), customer, "", What.BOUNCES)
        if address == POISONED and chance() < 0.7:
            self._mended(customer, self._anywhen())
        elif is_poisoned and self.numbers.random() < 0.8:
            self._mended(customer, self._near(hot, self.numbers) + timedelta(hours=self.numbers.randrange(1, 8)))

    def _mended(self, customer: str, at: datetime) -> None:
        self._happens(at, customer, "", What.NEW_CONTACT)
        self._happens(at + timedelta(minutes=30), customer, "", What.RELEASED)

    def _invoice(self, customer: str, contact: Contact, invoice: str) -> None:
        issued = self.start + timedelta(seconds=self.random.choice((0, 1, 30, 3600, 20_000, 60_000)))
        due = self.start.date() + timedelta(days=self.random.choice((0, 1, 1, 1, 2)))
        self.due.append((invoice, due))
        self.happenings.append(Happening(issued, customer, invoice, What.ISSUED, self.random.choice((100_00, 100_00, 50_00, 1))))
        hot = self._hot(contact, due)
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 4))):
            what = self.random.choice((What.PARTLY_PAID, What.PARTLY_PAID, What.REDATED, What.DISPUTED, What.GIVEN_UP))
            at = self._near(hot)
            self._happens(at, customer, invoice, what, self.random.choice((1, 2, 10_00)))
            if what is What.DISPUTED and self.random.random() < 0.7:
                self._happens(max(at, self._near(hot)) + timedelta(seconds=5), customer, invoice, What.UNDISPUTED)
        if self.random.random() < 0.4:
            ending = self.random.choice((What.PAID, What.PAID, What.PAID, What.VOIDED, What.DELETED))
            self._happens(self._near(hot), customer, invoice, ending)

    def _people(self) -> None:
        """Customers promise and answer, people dispute an invoice; most of it ends again, some never does."""
        chance, likely = self.people.random, 0.4 if any(step.late_fee for step in self.policy.steps) else 0.1
        contacts, due = dict(self.contacts), dict(self.due)
        for issued in [happening for happening in self.happenings if happening.what is What.ISSUED]:
            customer, invoice = issued.customer, issued.invoice
            hot = self._hot(contacts[customer], due[invoice])
            if chance() < likely:
                self._happens(self._near(hot, self.people), customer, invoice, What.PROMISED, self.people.randrange(3))
            for begins, ends, rarely in ((What.CONTESTED, What.SETTLED, 0.6), (What.REPLIED, What.HANDLED, 0.4)):
                if chance() < likely * rarely:
                    at = self._near(hot, self.people)
                    self._happens(at, customer, invoice, begins)
                    if chance() < 0.8:
                        self._happens(max(at, self._near(hot, self.people)) + timedelta(minutes=7), customer, invoice, ends)

    def _answers(self) -> None:
        """A person answers what waits for approval: some of it soon, some late, some never; now and then all of a customer's at once."""
        contacts, due, choice = dict(self.contacts), dict(self.due), self.limits.choice
        for issued in [happening for happening in self.happenings if happening.what is What.ISSUED]:
            hot = self._hot(contacts[issued.customer], due[issued.invoice])
            for _ in range(choice((0, 1, 2, 3))):
                at = self._near(hot, self.limits) + timedelta(minutes=choice((0, 5, 60, 600)))
                answer = What.APPROVED if self.limits.random() < 0.75 else What.DECLINED
                self._happens(at, issued.customer, issued.invoice if self.limits.random() < 0.7 else "", answer)

    def _in_quick_succession(self) -> None:
        """A part payment is seldom alone: the next one comes while the first one's news are still looked at."""
        for first in [happening for happening in self.happenings if happening.what in (What.ISSUED, What.PARTLY_PAID)]:
            if self.pointing.random() < 0.5:
                at = first.at + timedelta(seconds=self.pointing.randrange(120, 140))
                for seconds in (0, self.pointing.randrange(1, 16)):
                    self._happens(at + timedelta(seconds=seconds), first.customer, first.invoice, What.PARTLY_PAID, 1)

    def _one_soon_after_another(self) -> None:
        """So soon that the news of the first may come when those of the second are known."""
        random = Random(f"soon {self.seed}")
        for first in [happening for happening in self.happenings if happening.what in (What.ISSUED, What.PARTLY_PAID)]:
            if random.random() < 0.5:
                at = first.at + timedelta(seconds=random.randrange(70, 360))
                self._happens(at, first.customer, first.invoice, What.PARTLY_PAID, 1)

    def _happens(self, at: datetime, customer: str, invoice: str, what: What, number: int = 0) -> None:
        self.happenings.append(Happening(max(at, self.start + timedelta(minutes=2)), customer, invoice, what, number))

    def _hot(self, contact: Contact, due: date) -> list[datetime]:
        """About when the steps will run: what happens then is most likely to be told wrongly."""
        zone = zone_of(contact.timezone, self.policy.timezone)
        instants: list[datetime] = []
        for step in self.policy.steps:
            if isinstance(step.at, AfterPrevious):
                instants.append(instants[-1] + step.at.delay)
            else:
                days = -step.at.days if isinstance(step.at, BeforeDue) else step.at.days
                instants.append(at_local(due + timedelta(days=days), step.at.time, zone))
        return instants

    def _near(self, hot: list[datetime], random: Random | None = None) -> datetime:
        random = random or self.random
        if random.random() < 0.25:
            return self._anywhen(random)
        return random.choice(hot) + timedelta(seconds=random.choice(_JITTERS))

    def _anywhen(self, random: Random | None = None) -> datetime:
        return self.start + timedelta(seconds=(random or self.random).randrange(int((self.end - self.start).total_seconds())))

    def _storms(self) -> tuple[Span, ...]:
        """Ten worlds in a hundred know no trouble at all, half of the others pause it at times."""
        if self.random.random() < 0.1:
            return ()
        if self.random.random() < 0.5:
            return ((self.start, self.end),)
        found: list[Span] = []
        begins = self.start
        while begins < self.end:
            ends = min(begins + timedelta(hours=self.random.randrange(2, 30)), self.end)
            found.append((begins, ends))
            begins = ends + timedelta(hours=self.random.randrange(4, 24))
        return tuple(found)

    def _spent_where_it_hurts(self) -> tuple[Span, ...]:
        """Now and then SES's quota is spent from shortly before something is due."""
        random = Random(f"quota {self.seed}")
        if random.random() >= OFTEN_SPENT:
            return ()
        due, contacts = dict(self.due), dict(self.contacts)
        issued = random.choice([happening for happening in self.happenings if happening.what is What.ISSUED])
        step_at = random.choice(self._hot(contacts[issued.customer], due[issued.invoice]))
        begins = min(max(step_at - timedelta(minutes=random.randrange(90)), self.start), self.end)
        return ((begins, min(begins + timedelta(hours=random.randrange(2, 7)), self.end)),)

    def _spent_for_long(self) -> tuple[Span, ...]:
        """SES's quota is all that most quiet worlds lack, and for a day: what needs no mail must not notice."""
        random = Random(f"drought {self.seed}")
        if random.random() >= OFTEN_LACKING:
            return ()
        begins = max(self.start, random.choice(self.happenings).at - timedelta(minutes=random.randrange(90)))
        return ((begins, min(begins + timedelta(hours=random.randrange(12, 30)), self.end)),)

    def _spans(self, likely: float, longest_hours: int) -> tuple[Span, ...]:
        if self.random.random() >= likely:
            return ()
        begins = self._anywhen()
        ends = begins + timedelta(minutes=self.random.randrange(5, longest_hours * 60))
        return ((begins, min(ends, self.end)),)
