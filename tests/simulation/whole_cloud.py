"""A world on the whole local cloud: template.yaml's own functions, queues and schedules, signed webhooks, faults on the wire.

Fewer worlds, and fewer ways to fail, than on the twin; but nothing between the product and its promises is made up here.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from infra.local.http.wire import Request, rfc3339
from infra.local.running import RunningCloud, running_cloud
from tests.integration.end_to_end.driver import Json, LocalCloudOutside, invoice, paid
from tests.simulation.plans import Happening, Plan, What, plan_of
from tests.simulation.policy_text import as_yaml
from tests.simulation.shapes import SHAPES, SPANS

TOLD = frozenset({What.ISSUED, What.PAID, What.PARTLY_PAID, What.VOIDED})
FAULTY = (
    ("sesv2", "SendEmail"),
    ("sns", "Publish"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "Query"),
    ("sqs", "SendMessage"),
    ("sqs", "SendMessageBatch"),
)
MODES = ("error", "lost", "throttle", "crash")
NEWS = {
    What.ISSUED: "invoice.finalized",
    What.PAID: "invoice.paid",
    What.PARTLY_PAID: "invoice.updated",
    What.VOIDED: "invoice.voided",
}
SETTLED = timedelta(hours=33)
MOST_ABANDONED = 4
"""Claims that end without an answer: five in a row are poison by definition, and these faults wait until they meet their call."""

STRIPE_TRIES_AGAIN = timedelta(minutes=5)
OVERDUE = timedelta(minutes=75)
BETWEEN_CHECK_AND_CHANNEL = timedelta(seconds=60)


class Inside(LocalCloudOutside):
    """The driver of the end-to-end tests, without the socket."""

    def __init__(self, running: RunningCloud) -> None:
        super().__init__(port=0)
        self._api = running.api

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        raw = body if isinstance(body, str) else json.dumps(body)
        lowered = {name.lower(): value for name, value in (headers or {"content-type": "application/json"}).items()}
        answer = self._api.answer(Request(method, path, "", lowered, b"" if body is None else raw.encode()))
        try:
            return answer.status, json.loads(answer.body)
        except ValueError:
            return answer.status, answer.body.decode(errors="replace")


@dataclass
class CloudWorld:
    """What happened in one world, and how it stood at the end."""

    plan: Plan
    end: datetime
    truth: dict[str, Json] = field(default_factory=dict)
    closed_at: dict[str, datetime] = field(default_factory=dict)
    outbox: list[Json] = field(default_factory=list)
    cases: dict[str, Json] = field(default_factory=dict)
    dead: list[Json] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    abandoned: int = 0


def small_plan(seed: int) -> Plan:
    """The first plan from a seed on that is over within days and small enough."""
    short = [shape for shape, days in zip(SHAPES, SPANS, strict=True) if days <= 5]
    candidates = (plan_of(seed * 1000 + number) for number in range(1000))
    return next(plan for plan in candidates if plan.policy in short and len(plan.due) <= 5)


def run(seed: int) -> CloudWorld:
    """Run a world until it has settled."""
    plan, random = small_plan(seed), Random(f"cloud {seed}")
    world = CloudWorld(plan, plan.end)
    with running_cloud(world.plan.start, outer_env={}) as running:
        cloud = Inside(running)
        status, answer = cloud.put_policy(as_yaml(world.plan.policy))
        assert status < 300, answer
        for at, happening in _schedule(world.plan, random):
            cloud.move_to(rfc3339(max(at, cloud.now)))
            if happening:
                _happen(world, cloud, happening, random)
            else:
                _go_wrong(world, cloud, random)
        running.cloud.forget_faults()
        world.end = max(cloud.now, world.plan.end) + SETTLED
        cloud.move_to(rfc3339(world.end))
        world.outbox = cloud.outbox()
        world.cases = {customer: _case(cloud, customer) for customer, _ in world.plan.contacts}
        world.dead = cloud.ask("GET", "/_local/dead_letters")[1]
    return world


def _schedule(plan: Plan, random: Random) -> list[tuple[datetime, Happening | None]]:
    """What happens, and when something goes wrong (None): mostly about when something happens."""
    told = [happening for happening in plan.happenings if happening.what in TOLD]
    hot = [happening.at for happening in told]
    instants: list[tuple[datetime, Happening | None]] = [(happening.at, happening) for happening in told]
    instants += [(random.choice(hot) - timedelta(seconds=random.choice((1, 40, 600))), None) for _ in range(8)]
    instants += [(plan.start + (plan.end - plan.start) * random.random(), None) for _ in range(4)]
    return sorted(instants, key=lambda instant: instant[0])


def _go_wrong(world: CloudWorld, cloud: Inside, random: Random) -> None:
    (service, operation), mode, times = random.choice(FAULTY), random.choice(MODES), random.choice((1, 1, 2))
    if mode == "crash" or (operation in ("SendEmail", "Publish") and mode in ("error", "lost")):
        if world.abandoned + times > MOST_ABANDONED:
            return
        world.abandoned += times
    world.faults[f"{operation}: {mode}"] += times
    cloud.fault(service, operation, mode, times)


def _happen(world: CloudWorld, cloud: Inside, happening: Happening, random: Random) -> None:
    known = world.truth.get(happening.invoice)
    if happening.what is not What.ISSUED and (known is None or known["status"] != "open"):
        return
    changed = _changed(world.plan, happening, known or {})
    if changed["amount_remaining"] <= 0 and changed["status"] == "open":
        return
    world.truth[happening.invoice] = changed
    if changed["status"] != "open":
        world.closed_at[happening.invoice] = cloud.now
    how = random.random()
    if how < 0.15:
        world.faults["webhook: missing"] += 1
        cloud.stripe_says(changed)
        return
    _tell(cloud, cloud.event(NEWS[happening.what], changed))
    if how < 0.3:
        world.faults["webhook: doubled"] += 1
        _tell(cloud, cloud.event(NEWS[happening.what], changed))


def _tell(cloud: Inside, body: str) -> None:
    """As Stripe does: again until it is answered."""
    while cloud.deliver(body) != 200:
        cloud.move_to(rfc3339(cloud.now + STRIPE_TRIES_AGAIN))


def _changed(plan: Plan, happening: Happening, known: Json) -> Json:
    match happening.what:
        case What.ISSUED:
            contact, customer = dict(plan.contacts)[happening.customer], happening.customer.partition(":")[2]
            amounts = {"amount_due": happening.number, "amount_remaining": happening.number, "total": happening.number}
            reached = {"customer": customer, "customer_email": contact.email, "customer_phone": contact.phone and "+15550100"}
            return {**invoice(happening.invoice[3:], due=str(dict(plan.due)[happening.invoice])), **amounts, **reached}
        case What.PAID:
            return paid(known)
        case What.PARTLY_PAID:
            some = happening.number
            return {**known, "amount_paid": known["amount_paid"] + some, "amount_remaining": known["amount_remaining"] - some}
        case _:
            return {**known, "status": "void"}


def _case(cloud: Inside, customer: str) -> Json:
    status, answer = cloud.ask("GET", f"/_local/cases/{customer}")
    return answer if status == 200 else {"invoices": [], "activities": [], "profile": {"holds": []}}


def violations(world: CloudWorld) -> Iterator[str]:
    """What is wrong with a world that has settled, as far as the control interface shows it."""
    yield from _told_twice(world)
    yield from _told_after_payment(world)
    yield from (f"{letter['queue']} holds a dead letter: {letter['reason']}" for letter in world.dead)
    for customer, case in world.cases.items():
        for row in case["invoices"]:
            yield from _stands_wrongly(world, customer, case, row)


def _told_twice(world: CloudWorld) -> Iterator[str]:
    told = Counter(
        (message["channel"], message["kind"], message["step"], name)
        for message in world.outbox
        if message["channel"] != "team"
        for name in message["invoices"]
    )
    yield from (f"{channel} {kind} {step} about {name} was sent {n} times" for (channel, kind, step, name), n in told.items() if n > 1)


def _told_after_payment(world: CloudWorld) -> Iterator[str]:
    for message in world.outbox:
        sent_at = datetime.fromisoformat(message["sent_at"])
        for name in message["invoices"] if message["kind"] in ("reminder", "escalation") else ():
            closed = world.closed_at.get(name)
            if closed and sent_at > closed + BETWEEN_CHECK_AND_CHANNEL:
                yield f"{message['channel']} {message['step']} about {name} was sent at {sent_at}, though it was closed at {closed}"


def _stands_wrongly(world: CloudWorld, customer: str, case: Json, row: Json) -> Iterator[str]:
    name, truth = row["id"], world.truth[row["id"]]
    if row["status"] != truth["status"] or (row["status"] == "open" and row["amount_due"] != truth["amount_remaining"]):
        yield f"{name} of {customer} is {row['status']} {row['amount_due']} here, but {truth['status']} at the provider"
    log = [entry for entry in case["activities"] if name in entry["invoices"] and entry["step"]]
    steps = {entry["step"] for entry in log if entry["type"] in ("sent", "skipped", "escalated") or "no_address" in (entry["reason"] or "")}
    behind = {step.id for step in world.plan.policy.steps[: row["level"]]}
    if steps != behind:
        yield f"{name} of {customer} stands at level {row['level']}, but its log tells of {sorted(steps)}"
    due = row["next_at"] and datetime.fromisoformat(row["next_at"])
    if row["status"] == "open" and due and due < world.end - OVERDUE and not case["profile"]["holds"]:
        yield f"{name} of {customer}: step {row['next_step']} is due since {due}, and was lost"
    for entry in log:
        for channel in (entry["channel"] or "").split(", ") if entry["type"] == "sent" else ():
            sent = any(
                message["channel"] == channel and message["step"] == entry["step"] and name in message["invoices"]
                for message in world.outbox
            )
            if not sent and "not repeated" not in entry["reason"]:
                yield f"{name} of {customer}: the log says that {channel} {entry['step']} was sent, but no channel took it"
