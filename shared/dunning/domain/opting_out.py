"""What a customer does not want any more, by channel, and what stands in for it: pure, idempotent, each with its activity."""

from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case
from dunning.domain.evolving import replace

Changed = tuple[Case, tuple[Activity, ...]]


def opted_out(case: Case, channel: str, reason: str, now: datetime, actor: str) -> Changed:
    """The customer does not want this channel ("email", "sms"); the plan goes on by the other one."""
    if case.profile.version == 0 or channel in case.profile.opted_out:
        return case, ()
    after = replace(case.profile, opted_out={**case.profile.opted_out, channel: now})
    return case.with_profile(after), (Activity(now, ActivityType.OPTED_OUT, reason, (), None, actor, channel),)


def opted_in(case: Case, channel: str, reason: str, now: datetime, actor: str) -> Changed:
    """The customer wants it again."""
    if channel not in case.profile.opted_out:
        return case, ()
    left = {name: since for name, since in case.profile.opted_out.items() if name != channel}
    wanted = Activity(now, ActivityType.OPTED_IN, reason, (), None, actor, channel)
    return case.with_profile(replace(case.profile, opted_out=left)), (wanted,)
