"""What a decision sends: one message to one place, about one or several invoices.

The key of an effect names it within its customer for ever. About one invoice it is `channel:step:invoice`; about several
`channel:step*count,step*count:invoice,invoice,…`, which stands for one such row for each invoice: marks are kept by row, so that a
worker which takes over knows what went out whatever it would put together now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from dunning.domain.case import BEGUN, EffectState, Profile


class Channel(StrEnum):
    """Where an effect goes; `FEE` is the source, which gets a new invoice."""

    EMAIL = "email"
    SMS = "sms"
    TEAM = "team"
    FEE = "fee"


@dataclass(frozen=True, slots=True)
class Effect:
    """One message to send. `template` and `step` are those of the highest step in it.

    A mail may have more addresses than `to`, a `sender` who signs, and the documents of the invoices in `attach` (bare ids).
    `quote` is what a customer wrote.
    """

    key: str
    channel: Channel
    kind: str
    template: str
    step: str | None
    invoices: tuple[str, ...]
    to: str
    reason: str | None = None
    more_to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    sender: str | None = None
    attach: tuple[str, ...] = ()
    quote: str | None = None


def row_key(channel: Channel, step: str | None, invoice: str) -> str:
    """The key of one invoice's step on one channel."""
    return f"{channel.value}:{step}:{invoice}"


def joint_key(channel: Channel, rows: Sequence[tuple[str, str]]) -> str:
    """The key of one message about several (step, invoice)."""
    if len(rows) == 1:
        return row_key(channel, *rows[0])
    steps = ",".join(f"{step}*{len(list(group))}" for step, group in groupby(step for step, _ in rows))
    return f"{channel.value}:{steps}:{','.join(invoice for _, invoice in rows)}"


def rows_of(key: str) -> tuple[str, ...]:
    """The rows that a key stands for; the key itself for one."""
    channel, _, rest = key.partition(":")
    steps, _, invoices = rest.partition(":")
    if "*" not in steps:
        return (key,)
    counted = (part.partition("*") for part in steps.split(","))
    names = [step for step, _, count in counted for _ in range(int(count))]
    return tuple(f"{channel}:{step}:{invoice}" for step, invoice in zip(names, invoices.split(","), strict=True))


def marks_by_row(effects: Mapping[str, EffectState]) -> dict[str, EffectState]:
    """Marks as they are stored, spread over the rows they stand for; `DONE` is never weakened by an older mark."""
    found: dict[str, EffectState] = {}
    for key, state in effects.items():
        for row in rows_of(key):
            if found.get(row) is not EffectState.DONE:
                found[row] = state
    return found


def marks_of(profile: Profile) -> dict[str, EffectState]:
    """What the claim, or those it took over from, has begun to send, by row."""
    return marks_by_row(profile.claim.effects) if profile.claim else {}


def begun_steps(profile: Profile, invoice: str) -> set[str]:
    """The steps of an invoice (bare id) of which something has gone out under the claim, or may have."""
    begun = (key.split(":", 2) for key, state in marks_of(profile).items() if state in BEGUN)
    return {parts[1] for parts in begun if parts[0] in tuple(Channel) and parts[2:] == [invoice]}


def is_unanswered(profile: Profile, own_claim: str | None) -> bool:
    """Whether a message may be on its way of which nobody knows: a claim that is not `own_claim`, or that it took over, never ended."""
    claim = profile.claim
    return claim is not None and claim.attempt > (claim.id == own_claim)


def state_of(effect: Effect, marks: Mapping[str, EffectState]) -> EffectState | None:
    """The state that all rows of an effect share; None when they differ, or nothing is known."""
    states = {marks.get(row) for row in rows_of(effect.key)}
    return states.pop() if len(states) == 1 else None
