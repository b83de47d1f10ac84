"""A world on the whole local cloud: template.yaml's own functions, queues and schedules, signed webhooks, faults on the wire.

Fewer worlds, and fewer ways to fail, than on the twin; but nothing between the product and its promises is made up here.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from infra.local.http.wire import Request, rfc3339
from infra.local.lambda_service import UnderWay
from infra.local.running import RunningCloud, running_cloud
from infra.local.wire import Attempt
from tests.integration.end_to_end.driver import Json, LocalCloudOutside, invoice, paid
from tests.simulation.cloud_plans import CloudFault, Misdelivery, Race, Strike, small_plan, troubles_of
from tests.simulation.last_tries import LastTries
from tests.simulation.plans import Happening, Plan, What
from tests.simulation.policy_text import as_yaml

NEWS = {
    What.ISSUED: "invoice.finalized",
    What.PAID: "invoice.paid",
    What.PARTLY_PAID: "invoice.updated",
    What.VOIDED: "invoice.voided",
}
SILENT = {"POWERTOOLS_LOG_LEVEL": "CRITICAL"}
SETTLED = timedelta(hours=33)
STRIPE_TRIES_AGAIN = timedelta(minutes=5)


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
    """What happened in one world, and how it stood at the end. `faults` counts those that struck."""

    plan: Plan
    end: datetime
    truth: dict[str, Json] = field(default_factory=dict)
    closed_at: dict[str, datetime] = field(default_factory=dict)
    outbox: list[Json] = field(default_factory=list)
    cases: dict[str, Json] = field(default_factory=dict)
    dead: list[Json] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    invocations: int = 0


def run(seed: int) -> CloudWorld:
    """The world of a seed."""
    plan = small_plan(seed)
    return run_plan(plan, troubles_of(plan))


def run_plan(plan: Plan, troubles: Sequence[CloudFault]) -> CloudWorld:
    """Run a world until it has settled."""
    world = CloudWorld(plan, plan.end)
    misdelivered = {trouble.happening: trouble.how for trouble in troubles if isinstance(trouble, Misdelivery)}
    races = [trouble for trouble in troubles if isinstance(trouble, Race)]

    def is_overtaken(slow: UnderWay, _attempt: Attempt) -> bool:
        met = (race for race in races if race.at <= running.cloud.now and (race.function, race.nth) == (slow.function, slow.calls))
        race = next(met, None)
        if race is None:
            return False
        races.remove(race)
        world.faults[f"{slow.function}: overtaken by another worker"] += 1
        return True

    with (
        running_cloud(plan.start, outer_env=SILENT) as running,
        running.cloud.attempts() as attempts,
        running.cloud.overtaken(is_overtaken),
        running.cloud.sparing(LastTries(running.cloud)),
    ):
        cloud = Inside(running)
        status, answer = cloud.put_policy(as_yaml(plan.policy))
        assert status < 300, answer
        for at, event in _schedule(plan, troubles):
            _move_to(world, cloud, max(at, cloud.now))
            if isinstance(event, Strike):
                cloud.fault(event.service, event.operation, event.mode, event.times)
            else:
                _happen(world, cloud, event, misdelivered.get(event))
        running.cloud.forget_faults()
        races.clear()
        world.end = max(cloud.now, plan.end) + SETTLED
        _move_to(world, cloud, world.end)
        world.faults.update(f"{attempt.operation}: {attempt.fault.value}" for attempt in attempts if attempt.fault)
        world.outbox = cloud.outbox()
        world.cases = {customer: _case(cloud, customer) for customer, _ in plan.contacts}
        world.dead = cloud.ask("GET", "/_local/dead_letters")[1]
    return world


def _schedule(plan: Plan, troubles: Sequence[CloudFault]) -> list[tuple[datetime, Happening | Strike]]:
    """What happens and what goes wrong, in order; what goes wrong at one instant comes first."""
    strikes: list[tuple[datetime, Happening | Strike]] = [(trouble.at, trouble) for trouble in troubles if isinstance(trouble, Strike)]
    return sorted([*strikes, *((happening.at, happening) for happening in plan.happenings)], key=lambda entry: entry[0])


def _move_to(world: CloudWorld, cloud: Inside, instant: datetime) -> None:
    status, answer = cloud.ask("POST", "/_local/clock", {"to": rfc3339(instant)})
    assert status == 200, answer
    world.invocations += answer["invocations"]


def _happen(world: CloudWorld, cloud: Inside, happening: Happening, misdelivered: str | None) -> None:
    known = world.truth.get(happening.invoice)
    if happening.what is not What.ISSUED and (known is None or known["status"] != "open"):
        return
    changed = _changed(world.plan, happening, known or {})
    if changed["amount_remaining"] <= 0 and changed["status"] == "open":
        return
    world.truth[happening.invoice] = changed
    if changed["status"] != "open":
        world.closed_at[happening.invoice] = cloud.now
    if misdelivered:
        world.faults[f"webhook: {misdelivered}"] += 1
    if misdelivered == "missing":
        cloud.stripe_says(changed)
        return
    for _ in range(2 if misdelivered == "doubled" else 1):
        _tell(world, cloud, cloud.event(NEWS[happening.what], changed))


def _tell(world: CloudWorld, cloud: Inside, body: str) -> None:
    """As Stripe does: again until it is answered."""
    while cloud.deliver(body) != 200:
        _move_to(world, cloud, cloud.now + STRIPE_TRIES_AGAIN)


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
