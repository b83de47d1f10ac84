"""What a person does to a case by `dunning` commands: on AWS with the operator's own credentials, or in a running local cloud."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from dunning.bootstrap import Platform
from dunning.bootstrap.people import operator_record
from dunning.domain.errors import Rejected, Retryable
from dunning.workflow.answer_approval import AnswerApproval
from dunning.workflow.mark_do_not_chase import MarkDoNotChase
from infra.deployed_stack import platform_of
from infra.reaching import LOCAL_URL, ask_local_cloud


@dataclass(frozen=True, slots=True)
class Mark:
    """Set or lift a person's mark that a customer gets no reminders."""

    customer: str
    on: bool

    def on_platform(self, platform: Platform) -> str:
        """Do it there."""
        return MarkDoNotChase(operator_record(platform))(self.customer, on=self.on)

    def as_call(self) -> tuple[str, Mapping[str, object]]:
        """The local cloud's call that does it."""
        return f"/_local/cases/{quote(self.customer, safe='')}/do_not_chase", {"on": self.on}


@dataclass(frozen=True, slots=True)
class Answer:
    """Approve or decline the step that waits for a person; `invoice` None: of all of the customer's that wait."""

    customer: str
    invoice: str | None
    approved: bool
    reason: str | None

    def on_platform(self, platform: Platform) -> str:
        """Do it there."""
        return AnswerApproval(operator_record(platform))(self.customer, self.invoice, approved=self.approved, reason=self.reason)

    def as_call(self) -> tuple[str, Mapping[str, object]]:
        """The local cloud's call that does it."""
        path = f"/_local/cases/{quote(self.customer, safe='')}/approval"
        return path, {"invoice": self.invoice, "approved": self.approved, "reason": self.reason}


def add_place(parser: argparse.ArgumentParser) -> None:
    """The arguments `--stack` and `--url`."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--stack", metavar="NAME", help="the deployed stack, with this shell's AWS credentials")
    where.add_argument("--url", default=LOCAL_URL, metavar="URL", help=f"a running `dunning up` (default {LOCAL_URL})")


def operate(act: Mark | Answer, stack: str | None, url: str) -> str:
    """Do it where the person says; what became of it. Raises Rejected, also where it was not done, or not all of it, for now."""
    if stack is not None:
        try:
            with platform_of(stack) as platform:
                return act.on_platform(platform)
        except Retryable as exc:
            raise Rejected(f"{exc}: give the same command again, it does what is left to do") from exc
    path, body = act.as_call()
    answer = cast("Mapping[str, str]", ask_local_cloud(url, path, json.dumps(body).encode()))
    return answer["outcome"]
