"""What must be true of every world once it has settled, each said so that a person understands what is wrong."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.calendar import is_open, local_date, window_of, zone_of
from dunning.domain.case import Case
from dunning.domain.fee_records import FeeState, fee_id
from dunning.domain.holds import HoldKind, waits_for_a_person
from dunning.domain.invoice import Invoice, Status
from dunning.domain.policy import AfterPrevious, Scope
from tests.simulation.limits import too_many
from tests.simulation.plans import POISONED, POISONED_PHONE
from tests.simulation.runs import runs_of
from tests.simulation.world import World

Invariant = Callable[[World], Iterator[str]]

OF_A_STEP = (ActivityType.SENT, ActivityType.SKIPPED, ActivityType.SUPPRESSED, ActivityType.ESCALATED)
_CLOSED = {ActivityType.PAID: Status.PAID, ActivityType.ENROLLED: Status.OPEN, ActivityType.REOPENED: Status.OPEN}
_OF_AN_INVOICE = (HoldKind.DISPUTE, HoldKind.PROMISE, HoldKind.PARTIAL_PAYMENT)
CLOCKS_APART = timedelta(seconds=100)
"""Two clocks, and the time a slow call takes between decision and channel."""


def violations(world: World) -> list[str]:
    """All that is wrong with a world that has settled."""
    return [*world.records.violations, *(text for invariant in INVARIANTS for text in invariant(world))]


def every_step_ran_once_or_has_a_reason(world: World) -> Iterator[str]:
    """The steps behind an invoice are exactly those that the log tells of, each once; once more where its plan started again."""
    for case, invoice, log in _invoices(world):
        ran: Counter[str | None] = Counter()
        for run in runs_of(log):
            ran = Counter(activity.step for activity in _of_steps(run) if not _is_second_word(activity, run))
            for step, times in ran.items():
                if times > 1:
                    yield f"{_name(case, invoice)}: step {step} is logged {times} times"
        behind = [step.id for step in world.plan.policy.steps[: invoice.level]]
        for step in behind:
            if step not in ran:
                yield f"{_name(case, invoice)}: step {step} lies behind, but nothing says that it ran or why not"
        for step in ran:  # of the run that it is in
            if step not in behind:
                yield f"{_name(case, invoice)}: step {step} is logged, but the invoice stands at level {invoice.level}"


def no_plan_stops_before_its_end(world: World) -> Iterator[str]:
    """What is open and has nothing to come has come to the end of its plan, or its log says why it is silent."""
    for case, invoice, log in _invoices(world):
        if not invoice.is_open or invoice.escalated or invoice.is_fee or invoice.next_at is not None:
            continue
        silent = invoice.suppressed_for
        if silent and not any(entry.type is ActivityType.SUPPRESSED and entry.reason == silent for entry in log):
            yield f"{_name(case, invoice)}: it is silent ({silent}), but its log does not say so"
        if not silent and invoice.level < len(world.plan.policy.steps):
            yield f"{_name(case, invoice)}: its plan stopped at level {invoice.level}, and nothing is to come"


def the_log_says_what_was_sent(world: World) -> Iterator[str]:
    """Every message a channel took is in the log, and nothing else is said to have been sent."""
    accepted = Counter((message.channel, *row) for message in world.records.accepted for row in message.rows)
    told, surely = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for case, invoice, log in _invoices(world):
        customer = case.profile.customer
        for activity in log:
            if activity.type is ActivityType.SENT:
                for channel in (activity.channel or "").split(", "):
                    effect = f"{channel}:{activity.step}:{invoice.id}" if activity.step else f"thanks:{invoice.id}"
                    told[channel, customer, effect] += 1
                    surely[channel, customer, effect] += "not repeated" not in (activity.reason or "")
                    if surely[channel, customer, effect] > (times := accepted[channel, customer, effect]):
                        yield f"{_name(case, invoice)}: the log says {effect} was sent oftener than the {times} times a channel took it"
            if activity.type is ActivityType.ESCALATED:
                effect = f"team:{activity.step}:{invoice.id}"
                told["team", customer, effect] += 1
                if not accepted["team", customer, effect]:
                    yield f"{_name(case, invoice)}: the log says that it was escalated, but the team was not told"
    for (channel, customer, effect), times in accepted.items():
        # Of a notice to our own people nothing is reported: when its sender dies and the invoice is paid, nobody knows of it.
        if times > told[channel, customer, effect] and channel != "team" and not _is_parked(world, customer):
            yield f"{customer}: {channel} took {effect}, but the log does not say so"


def no_step_is_sent_oftener_than_its_plan_began(world: World) -> Iterator[str]:
    """Once, and once more for each time that the invoice's plan started again."""
    accepted = Counter((one.channel, *row) for one in world.records.accepted if one.channel != "team" for row in one.rows)
    for case, invoice, log in _invoices(world):
        for (channel, customer, row), times in accepted.items():
            if customer == case.profile.customer and row.split(":", 2)[2:] == [invoice.id] and times > len(runs_of(log)):
                yield f"{_name(case, invoice)}: {channel} took {row} {times} times, though its plan began {len(runs_of(log))} times: twice"


def each_run_of_a_plan_sends_its_own(world: World) -> Iterator[str]:
    """What went out before a plan started again counts for no step of the plan that runs since."""
    for case, invoice, log in _invoices(world):
        runs = runs_of(log)
        for number in range(1, len(runs)):
            begun = runs[number - 1][-1].at
            later = [entry for run in runs[number:] for entry in run if entry.type is ActivityType.SENT and entry.step]
            mailed = Counter(entry.step for entry in later if "email" in (entry.channel or ""))
            for step, times in mailed.items():
                row = (case.profile.customer, f"email:{step}:{invoice.id}")
                took = sum(row in one.rows and one.at > begun - CLOCKS_APART for one in world.records.accepted if one.channel == "email")
                if took < times:
                    yield f"{_name(case, invoice)}: since its plan started again {step} is logged {times} times, but mailed {took} times"


def the_log_agrees_with_the_state(world: World) -> Iterator[str]:
    """The activities, put one upon the other, give status, level and count of reminders."""
    for case, invoice, log in _invoices(world):
        status = _status_in(log, invoice)
        if status is not invoice.status:
            yield f"{_name(case, invoice)}: its log ends with {status}, but it is {invoice.status.value}"
        steps = [activity.step for activity in _of_steps(runs_of(log)[-1])]
        if steps and steps[-1] != invoice.last_step:
            yield f"{_name(case, invoice)}: its log ends with step {steps[-1]}, but its last step is {invoice.last_step}"
        reminders = _overdue_reminders(world, case, invoice, log)
        if reminders is not None and invoice.reminders_sent not in reminders:
            yield f"{_name(case, invoice)}: its log tells of {reminders[-1]} reminders, but {invoice.reminders_sent} are counted"
        for once in (ActivityType.ENROLLED, ActivityType.PAID):
            if sum(activity.type is once for activity in log) > 1:
                yield f"{_name(case, invoice)}: it is logged as {once.value} more than once"


def holds_begin_and_end_in_the_log(world: World) -> Iterator[str]:
    """The last word about being held is what is so."""
    for case in _cases(world):
        log = [entry for entry in world.memory.written(case.profile.customer) if entry.type in (ActivityType.HELD, ActivityType.RELEASED)]
        words = [entry.type for entry in log if not _hold_of_an_invoice(entry) and not _is_question(entry)]
        if (words.count(ActivityType.HELD) > words.count(ActivityType.RELEASED)) is not case.profile.is_held:
            yield f"{case.profile.customer}: its log tells of {words}, but held is {case.profile.is_held}"
        of_invoices = {(entry.invoices[0], kind): entry.type for entry in log if (kind := _hold_of_an_invoice(entry))}
        told = {key for key, last in of_invoices.items() if last is ActivityType.HELD}
        holds = {(invoice.id, kind) for invoice in case.invoices.values() for kind in invoice.holds}
        for name, kind in told ^ holds:
            stands = "holds it" if (name, kind) in holds else "is over"
            yield f"{name} of {case.profile.customer}: {kind.value} {stands}, but its log says not"


def every_late_fee_was_charged_or_has_a_reason(world: World) -> Iterator[str]:
    """The fee of each step that lies behind stands at the provider once, or the log says why not; what is held still waits."""
    written = Counter(truth.fee_id for truth in world.provider.account.invoices.values() if truth.fee_id)
    for case, invoice, log in _invoices(world):
        for step in () if invoice.is_fee else world.plan.policy.steps[: invoice.level]:
            if step.late_fee is None:
                continue
            name, fee = f"{_name(case, invoice)}: the late fee of step {step.id}", invoice.fee_of(step.id)
            of_step = [entry for entry in log if entry.step == step.id]
            stands = written[fee_id(invoice.customer, invoice.id, step.id)]
            applied = sum(entry.type is ActivityType.FEE_APPLIED for entry in of_step)
            if (stands, applied) not in ((0, 0), (1, 1)):
                yield f"{name} stands {stands} times at the provider, and {applied} times in the log"
            if (fee is not None and fee.state is FeeState.APPLIED) is not bool(stands):
                yield f"{name} is {fee.state.value if fee else 'unknown'} here, but stands {stands} times at the provider"
            waits = fee is not None and fee.state is FeeState.ACCEPTED
            if waits and invoice.is_open and not case.profile.is_held and not invoice.is_held:
                yield f"{name} was never charged"
            reasons = [entry for entry in of_step if "no late fee" in (entry.reason or "") or entry.type is ActivityType.SKIPPED]
            if not stands and not waits and not reasons:
                yield f"{name} was not charged, and nothing says why"


def what_is_true_is_known(world: World) -> Iterator[str]:
    """After a sweep every invoice stands here as it stands at the provider."""
    for customer, _ in world.plan.contacts:
        known = world.memory.load(customer).invoices
        issued = {name: truth for name, truth in world.provider.account.invoices.items() if truth.customer == customer}
        for name, truth in issued.items():
            invoice = known.get(name)
            if invoice is None:
                if truth.status is Status.OPEN:
                    yield f"{name} of {customer} is open at the provider, but unknown here"
            elif Status.OPEN in (invoice.status, truth.status) and (invoice.status, invoice.amount_due) != (truth.status, truth.amount_due):
                ours, theirs = f"{invoice.status.value} {invoice.amount_due}", f"{truth.status.value} {truth.amount_due}"
                yield f"{name} of {customer} is {ours} here, but {theirs} at the provider"
        for name, invoice in known.items():
            if name not in issued and invoice.is_open:
                yield f"{name} of {customer} is open here, but gone at the provider"


def disputes_that_were_told_are_known(world: World) -> Iterator[str]:
    """A dispute whose webhooks all came is known as it is."""
    for dispute in world.provider.account.disputes.values():
        if dispute.dispute_id in world.records.unheard or dispute.charge is None:
            continue
        traced = next(traced for (_, charge), traced in world.provider.account.traces.items() if charge == dispute.charge)
        if traced.customer is None or traced.invoices[0] not in world.memory.load(traced.customer).invoices:
            continue
        known = world.memory.load(traced.customer).profile.disputes.get(dispute.dispute_id)
        if known is None and not dispute.is_open:
            continue
        if known is None or known.is_open is not dispute.is_open:
            yield f"{dispute.dispute_id} is {'open' if dispute.is_open else 'closed'} at the provider, but {known} here"


def contacts_that_were_told_are_known(world: World) -> Iterator[str]:
    """A new address whose webhook came is known as it is."""
    for customer, contact in world.provider.account.contacts.items():
        known = world.memory.load(customer).profile
        if f"contact of {customer}" not in world.records.unheard and known.contact_stamp and known.contact.email != contact.email:
            yield f"{customer} is reached at {contact.email}, but {known.contact.email} is known here"


def only_poison_is_dead(world: World) -> Iterator[str]:
    """Nothing lies in a dead-letter queue but what was poisoned."""
    poisoned = {customer for customer, contact in world.plan.contacts if contact.email == POISONED or contact.phone == POISONED_PHONE}
    for queue, about, reason in world.records.dead:
        if about not in poisoned:
            yield f"{about} is in the dead-letter queue of {queue}: {reason}"


def what_is_parked_has_a_letter(world: World) -> Iterator[str]:
    """As often as a case was parked, a letter told of it: who ends a park must know of it."""
    letters = Counter(about for queue, about, _ in world.records.dead if queue == "run")
    for customer in world.memory.customers():
        parked = sum(
            entry.type is ActivityType.HELD and (entry.reason or "").startswith(f"{HoldKind.PARKED.value}:") and not entry.invoices
            for entry in world.memory.written(customer)
        )
        if parked > letters[customer]:
            yield f"{customer} was parked {parked} times, and {letters[customer]} letters tell of it"


def nobody_is_written_to_at_night(world: World) -> Iterator[str]:
    """Mail and text go out in their hours, by the customer's clock."""
    contacts = dict(world.plan.contacts)
    for message in world.records.accepted:
        window = window_of((message.channel,), world.plan.policy.send_window)
        if message.channel == "team":
            continue
        zone = zone_of(contacts[message.envelope.customer].timezone, world.plan.policy.timezone)
        if any(is_open(message.at + late, window, zone) for late in (-CLOCKS_APART, CLOCKS_APART)):
            continue
        yield f"{message.channel} {message.envelope.effect} was sent at {message.at.astimezone(zone):%H:%M:%S}, outside its hours"


def no_customer_gets_more_than_the_limit(world: World) -> Iterator[str]:
    """As the channels took them."""
    yield from too_many(world.records.accepted, world.plan.policy)


def reminders_keep_their_gap(world: World) -> Iterator[str]:
    """Two reminders to one customer lie as far apart as the policy says, where it counts hours."""
    gap = world.plan.policy.min_gap
    if not isinstance(gap, timedelta) or not gap:
        return
    for customer, _ in world.plan.contacts:
        reminders = [message for message in world.records.accepted if message.envelope.customer == customer]
        mails = sorted(message.at for message in reminders if message.channel == "email" and message.envelope.kind == "reminder")
        for before, after in pairwise(mails):
            if after - before < gap - CLOCKS_APART:
                yield f"{customer}: reminders at {before:%d %b %H:%M:%S} and {after:%d %b %H:%M:%S} are closer than {gap}"


def no_step_comes_before_its_delay(world: World) -> Iterator[str]:
    """A step that follows another by so many hours comes no sooner, unless it rides along with what else is due that day."""
    if world.plan.policy.scope is Scope.CUSTOMER:
        return
    ran = _went_out(world)
    for case, invoice, log in _invoices(world):
        if runs_of(log)[1:]:
            continue
        for activity in _of_steps(log):
            # Of a text that was perhaps never taken nobody can say when; it counts from when it was begun, whatever mail went after it.
            ran.setdefault((case.profile.customer, f"{activity.step}:{invoice.id}"), activity.at)
            if "not repeated" in (activity.reason or ""):
                del ran[case.profile.customer, f"{activity.step}:{invoice.id}"]
        for before, step in pairwise(world.plan.policy.steps):
            earlier, later = (ran.get((case.profile.customer, f"{one.id}:{invoice.id}")) for one in (before, step))
            if earlier and later and isinstance(step.at, AfterPrevious) and later - earlier < step.at.delay - CLOCKS_APART:
                yield f"{_name(case, invoice)}: step {step.id} came {later - earlier} after {before.id}, not {step.at.delay}"


INVARIANTS: tuple[Invariant, ...] = (
    every_step_ran_once_or_has_a_reason,
    no_plan_stops_before_its_end,
    the_log_says_what_was_sent,
    no_step_is_sent_oftener_than_its_plan_began,
    each_run_of_a_plan_sends_its_own,
    the_log_agrees_with_the_state,
    holds_begin_and_end_in_the_log,
    every_late_fee_was_charged_or_has_a_reason,
    what_is_true_is_known,
    disputes_that_were_told_are_known,
    contacts_that_were_told_are_known,
    only_poison_is_dead,
    what_is_parked_has_a_letter,
    nobody_is_written_to_at_night,
    reminders_keep_their_gap,
    no_customer_gets_more_than_the_limit,
    no_step_comes_before_its_delay,
)


def _cases(world: World) -> Iterator[Case]:
    for customer in world.memory.customers():
        yield world.memory.load(customer)


def _invoices(world: World) -> Iterator[tuple[Case, Invoice, list[Activity]]]:
    for case in _cases(world):
        log = world.memory.written(case.profile.customer)
        for invoice in case.invoices.values():
            yield case, invoice, [activity for activity in log if invoice.id in activity.invoices]


def _name(case: Case, invoice: Invoice) -> str:
    return f"{invoice.id} of {case.profile.customer}"


def _of_steps(log: list[Activity]) -> list[Activity]:
    """What tells of a step; a new reason for silence is no step, though it names the next one."""
    of_steps = [activity for activity in log if activity.step and activity.type in OF_A_STEP]
    return [activity for activity in of_steps if activity.type is not ActivityType.SUPPRESSED or "no_address" in (activity.reason or "")]


def _is_second_word(activity: Activity, log: list[Activity]) -> bool:
    """A step that writes and escalates is told of twice."""
    first = (ActivityType.SENT, ActivityType.SUPPRESSED)
    return activity.type is ActivityType.ESCALATED and any(other.step == activity.step and other.type in first for other in _of_steps(log))


def _is_question(entry: Activity) -> bool:
    """A step that waits for a person's yes ends with the answer, or when it need not be answered any more: it is no hold."""
    return (entry.reason or "").startswith("approval: ")


def _hold_of_an_invoice(entry: Activity) -> HoldKind | None:
    """The hold that begins or ends here, where it is an invoice's own; a chargeback ("dispute opened") holds the case."""
    kind = (entry.reason or "").partition(":")[0]
    return next((each for each in _OF_AN_INVOICE if each.value == kind), None)


def _status_in(log: list[Activity], invoice: Invoice) -> Status | None:
    status: Status | None = None
    for activity in log:
        if activity.type is ActivityType.FEE_APPLIED and invoice.is_fee:
            status = Status.OPEN
        if activity.type is ActivityType.CLOSED:
            status = Status.DELETED if activity.reason == "not found at its source" else Status(activity.reason or "")
        status = _CLOSED.get(activity.type, status)
    return status


def _overdue_reminders(world: World, case: Case, invoice: Invoice, log: list[Activity]) -> range | None:
    """Reminders after the due date: as many as went out then, or up to as many as were put down by then.

    None where the date or the customer's clock moved, the plan started again, or the world issued no such invoice.
    """
    due = dict(world.plan.due).get(invoice.id)
    if invoice.is_fee or due is None or invoice.due_date != due or any(activity.type is ActivityType.UPDATED for activity in log):
        return None
    if runs_of(log)[1:]:
        return None
    zone = zone_of(case.profile.contact.timezone, world.plan.policy.timezone)
    sent = [activity for activity in log if activity.type is ActivityType.SENT and activity.step]
    ran = _went_out(world)
    first = [ran.get((case.profile.customer, f"{activity.step}:{invoice.id}"), activity.at) for activity in sent]
    fewest, most = (sum(local_date(at, zone) > due for at in instants) for instants in (first, [activity.at for activity in sent]))
    return range(fewest, most + 1)


def _went_out(world: World) -> dict[tuple[str, str], datetime]:
    """When the first reminder of a customer's "step:invoice" was taken, put down or not."""
    found: dict[tuple[str, str], datetime] = {}
    for message in world.records.accepted:
        if message.envelope.kind == "reminder":
            for customer, row in message.rows:
                found.setdefault((customer, row.split(":", 1)[-1]), message.at)
    return found


def _is_parked(world: World, customer: str) -> bool:
    """What went out before is put down when a person releases the case."""
    return waits_for_a_person(world.memory.load(customer).profile.holds)
