"""A person's answer to a proposed late fee: on AWS with the operator's own credentials, or in a running local cloud."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from getpass import getuser
from typing import cast
from urllib.parse import quote

from dunning.bootstrap import Platform
from dunning.bootstrap.operating import answer_fee
from infra.deployed_stack import platform_of
from infra.reaching import ask_local_cloud


@dataclass(frozen=True, slots=True)
class FeeAnswer:
    """What a person says of one fee. `step` None: of the one that waits."""

    customer: str
    invoice: str
    step: str | None
    accept: bool
    actor: str = "operator"

    def on_platform(self, platform: Platform) -> str:
        """Give it there: "recorded" or "nothing new". Raises Rejected, Retryable."""
        return answer_fee(platform)(self.customer, self.invoice, self.step, accept=self.accept, actor=self.actor)

    def as_call(self) -> tuple[str, Mapping[str, object]]:
        """The local cloud's call that gives it."""
        said = {"answer": "accept" if self.accept else "decline", "invoice": self.invoice, "actor": self.actor}
        return f"/_local/cases/{quote(self.customer, safe='')}/fees", said | ({"step": self.step} if self.step else {})


def give(answer: FeeAnswer, stack: str | None, url: str) -> str:
    """Give it where the person says. Raises Rejected when there is no such fee, or nobody answers."""
    if stack is not None:
        with platform_of(stack) as platform:
            return answer.on_platform(platform)
    path, body = answer.as_call()
    return cast("Mapping[str, str]", ask_local_cloud(url, path, json.dumps(body).encode()))["outcome"]


def this_person() -> str:
    """Who sits at this shell, for the log."""
    try:
        return getuser()
    except (OSError, KeyError):
        return "operator"
