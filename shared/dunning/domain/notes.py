"""Which activities a bookkeeper finds noted at the invoice, in which words, and how notes keep within a field that is full.

Noted is what a customer heard or said, and what it may cost: reminders and thanks that were sent or did not arrive, the hand-over to
the team, disputes, promises, fees. Not noted is what the source itself told us (paid, changed), and what nobody outside noticed.
No address is ever written.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.holds import HoldKind

_OURS = re.compile(r"\[(?P<id>[0-9A-HJKMNP-TV-Z]{26})\]\s*$")
_LONGEST_REASON = 160
_HOLDS = {
    (ActivityType.HELD, HoldKind.DISPUTE): "Disputed; reminders wait",
    (ActivityType.RELEASED, HoldKind.DISPUTE): "Dispute over; reminders go on",
    (ActivityType.HELD, HoldKind.PROMISE): "Promise: {told}; reminders wait",
    (ActivityType.UPDATED, HoldKind.PROMISE): "Promise, anew: {told}; reminders wait",
    (ActivityType.RELEASED, HoldKind.PROMISE): "Promise over: {told}",
}


@dataclass(frozen=True, slots=True)
class Note:
    """One note. `id` is the activity's own (a ULID: it sorts by time), by which a retry finds it again."""

    id: str
    text: str

    @property
    def line(self) -> str:
        """The text with its id."""
        return f"{self.text} [{self.id}]"


def is_noted(activity: Activity) -> bool:
    """Whether this activity is written back."""
    return bool(activity.invoices) and _words(activity) is not None


def note_of(activity: Activity, activity_id: str, zone: ZoneInfo) -> Note | None:
    """The note about an activity, dated in a zone; None when it is not written back."""
    words = _words(activity)
    return Note(activity_id, f"{activity.at.astimezone(zone):%Y-%m-%d} dunning: {words}") if words else None


def with_lines(text: str, notes: Sequence[Note], limit: int) -> str | None:
    """A text with notes at its end, at most `limit` characters long; None when it holds them already, or has no room for any.

    What must give way is the oldest of our own lines, never another's.
    """
    lines = text.split("\n") if text else []
    known = {_id_of(line) for line in lines}
    missing = {note.id for note in notes} - known
    lines += [note.line for note in sorted(notes, key=lambda note: note.id) if note.id in missing]
    while len("\n".join(lines)) > limit:
        oldest = min(filter(None, map(_id_of, lines)), default=None)
        if oldest is None:
            return None
        lines = [line for line in lines if _id_of(line) != oldest]
        missing.discard(oldest)
    return "\n".join(lines) if missing else None


def holds_all(text: str, notes: Sequence[Note]) -> bool:
    """Whether a text holds all these notes already."""
    return {note.id for note in notes} <= {_id_of(line) for line in text.split("\n")}


def _id_of(line: str) -> str | None:
    found = _OURS.search(line)
    return found["id"] if found else None


def _words(activity: Activity) -> str | None:
    if activity.type in (ActivityType.HELD, ActivityType.RELEASED, ActivityType.UPDATED):
        kind = _hold_kind(activity)
        words = _HOLDS.get((activity.type, kind)) if kind else None
        return words.format(told=_told(activity)) if words else None
    tell = _WORDS.get(activity.type)
    return tell(activity) if tell else None


def _hold_kind(activity: Activity) -> HoldKind | None:
    """The reason of a hold begins with its kind."""
    first = re.split(r"[\s:]", activity.reason or "", maxsplit=1)[0]
    return next((kind for kind in HoldKind if kind.value == first), None)


def _told(activity: Activity) -> str:
    """What a hold's reason says behind its kind, without the instant at which it ends."""
    return (activity.reason or "").partition(": ")[2].partition(", until ")[0][:_LONGEST_REASON]


def _sent(activity: Activity) -> str:
    by = (activity.channel or "email").replace("sms", "SMS").replace(", ", " and ")
    return f'Reminder "{activity.step}" sent by {by}' if activity.step else f"Thank-you for the payment sent by {by}"


def _escalated(activity: Activity) -> str:
    return "Handed over to our team" + (f' (step "{activity.step}")' if activity.step else "")


def _undelivered(activity: Activity) -> str:
    return "Message could not be delivered" + (f' (step "{activity.step}")' if activity.step else "")


def _fee(words: str) -> Callable[[Activity], str]:
    def told(activity: Activity) -> str:
        return f"{words}: {activity.reason[:_LONGEST_REASON]}" if activity.reason else words

    return told


_WORDS: dict[ActivityType, Callable[[Activity], str]] = {
    ActivityType.SENT: _sent,
    ActivityType.ESCALATED: _escalated,
    ActivityType.UNDELIVERED: _undelivered,
    ActivityType.FEE_PROPOSED: _fee("Late fee proposed"),
    ActivityType.FEE_ACCEPTED: _fee("Late fee accepted"),
    ActivityType.FEE_DECLINED: _fee("Late fee declined"),
    ActivityType.FEE_APPLIED: _fee("Late fee applied"),
}
