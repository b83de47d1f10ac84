"""What must be true of a run when all is over, each said so that a person understands what is wrong."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from dunning.domain.activity import ActivityType
from dunning.domain.holds import HoldKind
from tests.integration.faults.run import Run

LEVELS = {"first": 1, "second": 2, "escalate": 3}
_AT_MOST_ONCE, _AT_LEAST_ONCE = "sms", "team"
_OVER = (ActivityType.SENT, ActivityType.ESCALATED, ActivityType.SKIPPED)
NOT_REPEATED = "it is not repeated"


def broken(run: Run, customer: int, got: Sequence[str], log: Sequence[str], *, noticed_once: bool) -> list[str]:
    """What is wrong with a customer that should have got this, and whose log should read like that for each invoice.

    `noticed_once`: whether our own team, who are told at least once, must have been told just once.
    """
    sent = _sent_wrongly(run, customer, got, noticed_once=noticed_once)
    found = (*sent, *_logged_wrongly(run, customer, log), *_left_over(run, customer))
    return [f"{run.customer(customer)}: {text}" for text in found]


def amiss(
    run: Run, got: Sequence[str], log: Sequence[str], holds: Collection[HoldKind] = (), *, waits: bool = False, customer: int = 0
) -> Iterator[str]:
    """What is wrong with a customer when a scene is over: it should have got this, its log should read like that for each invoice,
    `holds` should hold it (the case and its invoices together), and a timer be set if it `waits`.
    """
    yield from _sent_wrongly(run, customer, got, noticed_once=False)
    yield from _logged_wrongly(run, customer, log)
    yield from _levels_gainsay_the_log(run, customer)
    case = run.case(customer)
    held = {*case.profile.holds, *(kind for invoice in case.invoices.values() for kind in invoice.holds)}
    if held != set(holds):
        yield f"it is held by {held}"
    profile = case.profile
    is_right = profile.due_at is not None and profile.due_at > run.cloud.now if waits else profile.due_at is None
    if not is_right:
        yield f"its timer stands at {profile.due_at}"
    if profile.claim or profile.retries or any(notice.at <= run.cloud.now for notice in profile.notices.values()):
        yield f"it is not settled: {profile}"


def _sent_wrongly(run: Run, customer: int, got: Sequence[str], *, noticed_once: bool) -> Iterator[str]:
    counts = Counter(f"{entry['channel']} {entry['step'] or entry['kind']}" for entry in run.got(customer))
    for name in counts.keys() - set(got):
        yield f"{name} was sent, and should not have been"
    for name in set(got):
        channel, _, step = name.partition(" ")
        times = counts[name]
        if channel == _AT_MOST_ONCE and times == 0:
            if not any(activity.step == step and NOT_REPEATED in (activity.reason or "") for activity in run.log(customer)):
                yield f"{name} was not sent, and the log does not say so"
        elif times == 0 or (times > 1 and (channel != _AT_LEAST_ONCE or noticed_once)):
            yield f"{name} was sent {times} times"


def _logged_wrongly(run: Run, customer: int, log: Sequence[str]) -> Iterator[str]:
    for invoice in run.case(customer).invoices:
        about = [activity for activity in run.log(customer) if not activity.invoices or invoice in activity.invoices]
        told = [f"{activity.type.value} {activity.step}" if activity.step else activity.type.value for activity in about]
        if _without_notices(told) != _without_notices(log) or sorted(told) != sorted(log):
            yield f"the log of {invoice} reads {told}"
    for activity in run.log(customer):
        for channel in (activity.channel or "").split(", ") if activity.type is ActivityType.SENT else ():
            sent = any((entry["channel"], entry["step"]) == (channel, activity.step) for entry in run.got(customer))
            if not sent and NOT_REPEATED not in (activity.reason or ""):
                yield f"its log says that {channel} {activity.step} was sent, and no channel took it"


def _without_notices(log: Sequence[str]) -> list[str]:
    """Our own people are told as soon as it works, whatever happens meanwhile."""
    return [line for line in log if line != ActivityType.NOTIFIED]


def _left_over(run: Run, customer: int) -> Iterator[str]:
    case = run.case(customer)
    profile = case.profile
    if HoldKind.PARKED in profile.holds:
        yield "it is parked"
    if profile.is_held:
        yield f"it is held: {profile.holds or profile.disputes}"
    if profile.claim or profile.due_at or profile.retries or profile.notices:
        yield f"it is not settled: {profile}"
    yield from _levels_gainsay_the_log(run, customer)


def _levels_gainsay_the_log(run: Run, customer: int) -> Iterator[str]:
    ran = [activity.step for activity in run.log(customer) if activity.type in _OVER]
    reached = max((LEVELS[step] for step in ran if step), default=0)
    for invoice in run.case(customer).invoices.values():
        if invoice.level != reached:
            yield f"{invoice.id} stands at level {invoice.level}, its log at {reached}"
