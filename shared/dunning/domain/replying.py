"""A customer's answer: it holds the case until a person has handled it, or as long as the policy says (DESIGN §7). Pure."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.bounds import with_notice
from dunning.domain.case import Case, Notice
from dunning.domain.consolidation import PolicyOf
from dunning.domain.evolving import replace
from dunning.domain.holding import Held, hold_case, release_case
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.policy import OnReply
from dunning.domain.sms_keywords import SmsWish, wish_in
from dunning.domain.spans import end_of_span
from dunning.domain.timing import customer_zone

MOST_REMEMBERED = 16
"""Answers whose ids are kept, so that one that comes twice counts once."""
MOST_CHARACTERS = 4_000
"""Of an answer's text, for the team: a profile must fit into one item of the table."""
MOST_TEXTS = 15
"""Texts that wait for the team at once; of further answers it is told only that they came."""
MOST_INVOICES_NAMED = 20
_TOKEN = re.compile(r"\+([a-z2-7]{26})@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A mail or a text message that came in.

    `id` names it for ever; `addressed` are the addresses it went to; `automatic` says why no person wrote it (None: one did).
    """

    id: str
    channel: str
    sender: str
    text: str
    subject: str = ""
    addressed: tuple[str, ...] = ()
    automatic: str | None = None


def reply_token(customer: str) -> str:
    """What an answer's address carries instead of the customer's id: 26 letters and digits, the same for ever."""
    digest = int.from_bytes(hashlib.sha256(f"reply:{customer}".encode()).digest()[:17])
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[(digest >> shift) & 31] for shift in range(0, 130, 5))


def tokens_in(addresses: Iterable[str]) -> tuple[str, ...]:
    """The tokens in some addresses (`replies+TOKEN@…`)."""
    return tuple(found[1].lower() for address in addresses if (found := _TOKEN.search(address)))


def asks_to_stop(message: Inbound) -> bool:
    """Whether a text message is nothing but a word for opting out."""
    return message.channel == "sms" and wish_in(message.text) is SmsWish.STOP


def with_reply(case: Case, message: Inbound, policy_of: PolicyOf, now: datetime, actor: str) -> Held:
    """Hold the case, tell the team what was written, and remember it. The same message again changes nothing.

    The text goes to the team and nowhere else: no activity has it.
    """
    profile = case.profile
    if message.id in profile.replies:
        return case, ()
    owing = tuple(sorted(invoice.id for invoice in case.invoices.values() if invoice.is_open))
    rules = [policy_of(case.invoices[invoice]).on_reply for invoice in owing]
    what = "asks for no more text messages" if asks_to_stop(message) else "the customer answered"
    reason = f"{what} by {message.channel}"
    waiting = sum(1 for notice in profile.notices.values() if notice.text)
    notice = Notice(
        reason,
        now,
        owing[:MOST_INVOICES_NAMED],
        team=next((rule.notify for rule in rules if rule and rule.notify), None),
        text=in_words(message) if waiting < MOST_TEXTS else None,
    )
    answered = replace(profile, replied_at=now, replies=(*profile.replies, message.id)[-MOST_REMEMBERED:])
    after = case.with_profile(with_notice(answered, f"reply:{message.id}", notice))
    logged = Activity(now, ActivityType.REPLIED, reason, owing[:MOST_INVOICES_NAMED], None, actor, message.channel)
    if not owing:
        return after, (logged,)
    hold = Hold(now, _until(case, [case.invoices[one].id for one in owing], policy_of, now), reason)
    known = profile.holds.get(HoldKind.REPLY)
    if known and known.until is None:
        hold = replace(hold, until=None)
    after, held = hold_case(after, HoldKind.REPLY, hold, actor, owing[:MOST_INVOICES_NAMED])
    return after, (logged, *held)


def _until(case: Case, owing: Iterable[str], policy_of: PolicyOf, now: datetime) -> datetime | None:
    """The latest end that a policy names; None, until a person has handled it, where one does not name any."""
    ends: list[datetime] = []
    for name in owing:
        policy = policy_of(case.invoices[name])
        span = (policy.on_reply or OnReply()).hold
        if span is None:
            return None
        ends.append(end_of_span(now, span, customer_zone(case.profile.contact, policy), policy.calendar))
    return max(ends, default=None)


def handled(case: Case, reason: str, now: datetime, actor: str) -> Held:
    """A person has dealt with all that was answered: what was held goes on. Twice changes nothing."""
    if case.profile.replied_at is None and HoldKind.REPLY not in case.profile.holds:
        return case, ()
    after = case.with_profile(replace(case.profile, replied_at=None))
    return release_case(after, HoldKind.REPLY, reason, now, actor)


def in_words(message: Inbound) -> str:
    """What the team reads."""
    text = message.text.strip() or "(no text)"
    shortened = text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS].rstrip() + " …"
    return "\n".join([f"From: {message.sender}", *([f"Subject: {message.subject}"] if message.subject else []), "", shortened])
