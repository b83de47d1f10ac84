"""What a decision sends: one message to one place, about one or several invoices.

The key of an effect names it within its customer for ever. About one invoice it is `channel:step:invoice`; about several
`channel:step*count,step*count:invoice,invoice,…`, which stands for one such row for each invoice: marks are kept by row, so that a
worker which takes over knows what went out whatever it would put together now.

A step that is sent once more, because its mail bounced, has rows of its own: what is known of the mail that bounced says nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby

from dunning.domain.case import EffectState, Mark, Profile
from dunning.domain.evolving import replace


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


_AGAIN = "~"
"""Follows a step in the row of its repetition; no step's id may have it."""


def repetition_of(step: str) -> str:
    """What stands for a step that is sent once more in the key of that message."""
    return step + _AGAIN


def step_in(row: str) -> str:
    """The step that a row tells of, sent again or not."""
    return row.split(":", 2)[1].removesuffix(_AGAIN)


def is_repetition(row: str) -> bool:
    """Whether a row tells of a step that is sent once more."""
    return row.split(":", 2)[1].endswith(_AGAIN)


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


def marked(effect: Effect, mark: Mark) -> dict[str, Mark]:
    """The mark of one message, by row."""
    return _by_row(effect.key, mark)


def _by_row(key: str, mark: Mark) -> dict[str, Mark]:
    first, *others = rows_of(key)
    return {first: mark, **dict.fromkeys(others, replace(mark, leads=False))}


def marks_by_row(effects: Mapping[str, Mark]) -> dict[str, Mark]:
    """Marks as they are stored, spread over the rows they stand for; where several tell of one row, the strongest counts.

    Never the one that was read last: a map that comes from the table has no order.
    """
    found: dict[str, Mark] = {}
    for key, mark in effects.items():
        for row, of_row in _by_row(key, mark).items():
            found[row] = min(found[row], of_row, key=_rank) if row in found else of_row
    return found


_STRONGEST_FIRST = (EffectState.DONE, EffectState.STARTED, EffectState.REFUSED)
_NOT_KNOWN = datetime.max.replace(tzinfo=UTC)


def _rank(mark: Mark) -> tuple[int, datetime, bool]:
    """`DONE` is never weakened, and what may have gone out outweighs that another message about the same row was refused: a refusal
    of the message itself stands under its own key, and so has replaced that it was begun. Of equals the earliest known."""
    return _STRONGEST_FIRST.index(mark.state), mark.at or _NOT_KNOWN, not mark.leads


def marks_of(profile: Profile) -> dict[str, Mark]:
    """What the claim, or those it took over from, has begun to send, by row."""
    return marks_by_row(profile.claim.effects) if profile.claim else {}


def begun_steps(profile: Profile, invoice: str) -> set[str]:
    """The steps of an invoice (bare id) of which something has gone out under the claim, or may have."""
    begun = (key.split(":", 2) for key, mark in marks_of(profile).items() if mark.has_begun)
    return {parts[1] for parts in begun if parts[0] in tuple(Channel) and parts[2:] == [invoice]}


def is_unanswered(profile: Profile, own_claim: str | None) -> bool:
    """Whether a message may be on its way of which nobody knows: a claim that is not `own_claim`, or that it took over, never ended."""
    claim = profile.claim
    return claim is not None and claim.attempt > (claim.id == own_claim)


def has_begun(marks: Mapping[str, Mark], row: str) -> bool:
    """Whether what a row tells of has gone out, or may have."""
    return row in marks and marks[row].has_begun


def state_of(effect: Effect, marks: Mapping[str, Mark]) -> EffectState | None:
    """The state that all rows of an effect share; None when they differ, or nothing is known."""
    states = {marks[row].state if row in marks else None for row in rows_of(effect.key)}
    return states.pop() if len(states) == 1 else None
