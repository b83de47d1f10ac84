"""Some worlds' plans bound what goes out: so many reminders in a span, and steps over an amount that wait for a person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.fees import Amounts
from dunning.domain.policy import MessageLimit, Policy, Scope
from tests.simulation.records import Accepted

CLOCKS_APART = timedelta(seconds=100)
_LIMITS = (MessageLimit(1, timedelta(hours=6)), MessageLimit(2, timedelta(hours=30)), MessageLimit(2, timedelta(hours=2)))
_ASKED_ABOVE = Amounts(default=Decimal("60.00"))
"""Above some of a world's invoices, and above two of the others together."""

TO_CUSTOMERS = ("email", "sms")


def limited(policy: Policy, random: Random) -> Policy:
    """The policy, in some worlds with a limit of either kind."""
    if random.random() < 0.15:
        policy = replace(policy, max_messages=random.choice(_LIMITS))
    if random.random() < 0.15:
        steps = (replace(step, approve_above=_ASKED_ABOVE) if step.is_message else step for step in policy.steps)
        policy = replace(policy, steps=tuple(steps))
    return policy


def without_limits(policy: Policy) -> Policy:
    """The shape that a policy was made of."""
    return replace(policy, max_messages=None, steps=tuple(replace(step, approve_above=None) for step in policy.steps))


def too_many(accepted: Sequence[Accepted], policy: Policy) -> Iterator[str]:
    """More reminders to a customer in a span than the policy allows, as the channels took them; mail and SMS of one step are one."""
    limit = policy.max_messages
    if limit is None or not isinstance(limit.per, timedelta):
        return
    first: dict[str, dict[object, datetime]] = {}
    for message in accepted:
        if message.channel in TO_CUSTOMERS and message.envelope.kind == "reminder":
            one = message.envelope.claim if policy.scope is Scope.CUSTOMER else tuple(row.split(":", 1)[1] for _, row in message.rows)
            first.setdefault(message.envelope.customer, {}).setdefault(one, message.at)
    for customer, reminders in first.items():
        instants = sorted(reminders.values())
        for begins, ends in zip(instants, instants[limit.count :], strict=False):
            if ends - begins < limit.per - CLOCKS_APART:
                yield f"{customer}: {limit.count + 1} reminders from {begins} to {ends}: the policy allows {limit.count} in {limit.per}"


def unapproved(message: Accepted, policy: Policy, owed: Mapping[str, int], log: Sequence[Activity]) -> str | None:
    """Why a message must have waited for a person's yes; `owed`: what its invoices still owe, in minor units.

    What nobody has approved counts together, in a message about several.
    """
    if message.channel not in TO_CUSTOMERS or message.envelope.kind != "reminder":
        return None
    asks = {step.id: step.approve_above.in_currency("EUR") for step in policy.steps if step.approve_above}
    rows = [(step, name) for _, row in message.rows for step, name in [row.split(":")[1:3]] if step in asks]
    said = {(entry.step, name) for entry in log if entry.type is ActivityType.APPROVED for name in entry.invoices}
    total = sum(owed.get(name, 0) for step, name in rows if (step, name) not in said)
    least = min((limit for step, _ in rows if (limit := asks[step]) is not None), default=total)
    return f"though nobody has approved {total} of it, and steps over {least} wait for a person" if total > least else None
