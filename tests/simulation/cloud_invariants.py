"""What must be true of a world on the whole local cloud once it has settled, as far as the control interface shows it."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from dunning.domain.policy import Scope
from tests.integration.end_to_end.driver import Json
from tests.simulation.whole_cloud import CloudWorld

OVERDUE = timedelta(minutes=75)
BETWEEN_CHECK_AND_CHANNEL = timedelta(seconds=60)
_ONCE = ("enrolled", "paid")
_RAN = ("sent", "skipped", "escalated")


def violations(world: CloudWorld) -> Iterator[str]:
    """All that is wrong."""
    yield from _told_twice(world)
    yield from _told_after_payment(world)
    yield from (f"{letter['queue']} holds a dead letter: {letter['reason']}" for letter in world.dead)
    yield from _unknown(world)
    yield from _logged_twice(world)
    for customer, case in world.cases.items():
        for row in case["invoices"]:
            yield from _stands_wrongly(world, customer, case, row)


def _told_twice(world: CloudWorld) -> Iterator[str]:
    """No message twice; where several invoices share one, none about an invoice that its log does not tell of."""
    to_customers = [message for message in world.outbox if message["channel"] != "team"]
    if world.plan.policy.scope is Scope.CUSTOMER:
        sent = Counter((message["channel"], name) for message in to_customers for name in message["invoices"])
        logged = Counter(
            (channel, name)
            for case in world.cases.values()
            for entry in case["activities"]
            if entry["type"] == "sent"
            for channel in (entry["channel"] or "").split(", ")
            for name in entry["invoices"]
        )
        yield from (
            f"{channel} about {name}: {n} were sent, {logged[channel, name]} are logged"
            for (channel, name), n in sent.items()
            if n > logged[channel, name]
        )
        return
    told = Counter((message["channel"], message["kind"], message["step"], name) for message in to_customers for name in message["invoices"])
    yield from (f"{channel} {kind} {step} about {name} was sent {n} times" for (channel, kind, step, name), n in told.items() if n > 1)


def _told_after_payment(world: CloudWorld) -> Iterator[str]:
    for message in world.outbox:
        sent_at = datetime.fromisoformat(message["sent_at"])
        for name in message["invoices"] if message["kind"] in ("reminder", "escalation") else ():
            closed = world.closed_at.get(name)
            if closed and sent_at > closed + BETWEEN_CHECK_AND_CHANNEL:
                yield f"{message['channel']} {message['step']} about {name} was sent at {sent_at}, though it was closed at {closed}"


def _logged_twice(world: CloudWorld) -> Iterator[str]:
    """What happens to an invoice of Stripe's but once."""
    for customer, case in world.cases.items():
        logged = Counter((entry["type"], name) for entry in case["activities"] for name in entry["invoices"])
        yield from (f"{name} of {customer}: {kind} is logged {n} times" for (kind, name), n in logged.items() if kind in _ONCE and n > 1)


def _unknown(world: CloudWorld) -> Iterator[str]:
    known = {row["id"] for case in world.cases.values() for row in case["invoices"]}
    for name, truth in world.truth.items():
        if truth["status"] == "open" and name not in known:
            yield f"{name} is open at the provider, but unknown here"


def _stands_wrongly(world: CloudWorld, customer: str, case: Json, row: Json) -> Iterator[str]:
    name, truth = row["id"], world.truth[row["id"]]
    if row["status"] != truth["status"] or (row["status"] == "open" and row["amount_due"] != truth["amount_remaining"]):
        yield f"{name} of {customer} is {row['status']} {row['amount_due']} here, but {truth['status']} at the provider"
    log = [entry for entry in case["activities"] if name in entry["invoices"] and entry["step"]]
    ran = Counter((entry["type"], entry["step"]) for entry in log if entry["type"] in _RAN or "no_address" in (entry["reason"] or ""))
    yield from (f"{name} of {customer}: {kind} {step} is logged {n} times" for (kind, step), n in ran.items() if n > 1)
    behind = {step.id for step in world.plan.policy.steps[: row["level"]]}
    if {step for _, step in ran} != behind:
        yield f"{name} of {customer} stands at level {row['level']}, but its log tells of {sorted(step for _, step in ran)}"
    due = row["next_at"] and datetime.fromisoformat(row["next_at"])
    if row["status"] == "open" and due and due < world.end - OVERDUE and not case["profile"]["holds"]:
        yield f"{name} of {customer}: step {row['next_step']} is due since {due}, and was lost"
    yield from _stops_before_its_end(world, customer, case, row)
    yield from _logged_wrongly(world, customer, name, log)


def _stops_before_its_end(world: CloudWorld, customer: str, case: Json, row: Json) -> Iterator[str]:
    """What is open and has nothing to come has come to the end of its plan, or its log says why it is silent."""
    if row["status"] != "open" or row["escalated"] or row["next_at"] is not None:
        return
    told = [entry["reason"] for entry in case["activities"] if entry["type"] == "suppressed" and row["id"] in entry["invoices"]]
    silent = row["suppressed_for"]
    if silent and silent not in told:
        yield f"{row['id']} of {customer}: it is silent ({silent}), but its log does not say so"
    if not silent and row["level"] < len(world.plan.policy.steps):
        yield f"{row['id']} of {customer}: its plan stopped at level {row['level']}, and nothing is to come"


def _logged_wrongly(world: CloudWorld, customer: str, name: str, log: list[Json]) -> Iterator[str]:
    """Of a message about several invoices only the highest step can be seen outside."""
    is_joint = world.plan.policy.scope is Scope.CUSTOMER
    for entry in log:
        for channel in (entry["channel"] or "").split(", ") if entry["type"] == "sent" else ():
            sent = any(
                message["channel"] == channel and name in message["invoices"] and (is_joint or message["step"] == entry["step"])
                for message in world.outbox
            )
            if not sent and "not repeated" not in entry["reason"]:
                yield f"{name} of {customer}: the log says that {channel} {entry['step']} was sent, but no channel took it"
