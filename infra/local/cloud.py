"""The local cloud: a deployed template in virtual time, driven call by call."""

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import boto3

from dunning.config import PACKAGED_POLICIES
from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.errors import Rejected
from dunning.storage.cases import TableCaseStore
from infra.local.async_events import AsyncEvents
from infra.local.clock import VirtualClock, virtual_time
from infra.local.deployment import deploy, undeploy
from infra.local.event_source import EventSource
from infra.local.faults import Faults
from infra.local.json_edges import mapping
from infra.local.lambda_service import LambdaService
from infra.local.moto_door import MotoDoor
from infra.local.outbox import Outbox, OutboxEntry
from infra.local.queues import DeadLetter, Queues, QueueSource
from infra.local.routes import FAILED, NOT_FOUND, HttpAnswer, Request, find_route, to_answer, to_event
from infra.local.schedules import ScheduleSource
from infra.local.ses import MailService
from infra.local.stack import Function
from infra.local.streams import StreamSource
from infra.local.topics import Topics
from infra.local.wire import Calls, Wire

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
_MOST_AT_ONE_INSTANT = 100_000
_PROVIDER_BASES = {
    "STRIPE_API_BASE": "",
    "QUICKBOOKS_API_BASE": "",
    "QUICKBOOKS_TOKEN_URL": "/oauth2/v1/tokens/bearer",
    "XERO_API_BASE": "",
    "XERO_TOKEN_URL": "/connect/token",
}


class LocalCloud:
    """One deployment of the template. Safe to call from several threads; one call is served at a time."""

    def __init__(
        self,
        start: datetime,
        *,
        policies_dir: Path | None = None,
        outer_env: Mapping[str, str] = os.environ,
        sandbox_base: str | None = None,
        template: Path = TEMPLATE,
    ) -> None:
        """Deploy, and stand at `start` (aware). Nothing runs yet.

        `policies_dir` is copied; the packaged policies otherwise. Providers are where `outer_env` says, else at `sandbox_base`.
        Raises Rejected for a naive start and for a template that cannot run here.
        """
        self._lock = threading.RLock()
        self._clock = VirtualClock(start)
        self._policies = tempfile.TemporaryDirectory(prefix="dunning-policies-")
        shutil.copytree(policies_dir or PACKAGED_POLICIES, self._policies.name, dirs_exist_ok=True)
        with virtual_time(self._clock):
            self._stack = stack = deploy(template, self._clock)
        self._outbox = Outbox()
        self._faults = Faults()
        self._queues = Queues(stack)
        self._teams = _teams(stack.functions.values())
        topics = Topics(
            clock=self._clock,
            outbox=self._outbox,
            teams={arn: team for team, arn in self._teams.items()},
            subscriptions=stack.subscriptions,
            wake=lambda function, event: self._events.put(function, event),
            send=self._queues.send,
            account=stack.account,
            region=stack.region,
        )
        self.mail = MailService(
            clock=self._clock,
            outbox=self._outbox,
            publish=topics.publish,
            account=stack.account,
            region=stack.region,
            identities=frozenset(
                function.env["EMAIL_FROM"].lower() for function in stack.functions.values() if "EMAIL_FROM" in function.env
            ),
            destinations=stack.mail_destinations,
        )
        self._wire = Wire(MotoDoor(stack.account, stack.region), self.mail, topics, self._faults, stack.region)
        extra_env = {**_provider_bases(outer_env, sandbox_base), "POLICIES_DIR": self._policies.name, "AWS_REGION": stack.region}
        self._functions = LambdaService(stack.functions, extra_env, self._wire.session, self._clock)
        self._events = AsyncEvents(stack, self._functions, self._queues, self._clock)
        self._sources = list(self._event_sources())
        self._control = self._wire.session()

    def close(self) -> None:
        """Forget everything."""
        undeploy(self._stack)
        self._policies.cleanup()

    @property
    def now(self) -> datetime:
        """Virtual time, in UTC."""
        return self._clock()

    def session(self) -> boto3.Session:
        """A session for looking at the state from outside: not counted, never failed."""
        return self._control

    def cases(self) -> TableCaseStore:
        """The cases, for looking at them from outside."""
        table = next(function.env["TABLE_NAME"] for function in self._stack.functions.values())
        return TableCaseStore(self._control.client("dynamodb"), table, shards=1)

    def advance_to(self, instant: datetime) -> int:
        """Move time, and run everything that falls due on the way, in order; how many invocations that took.

        Raises Rejected for the past and for an instant without a zone.
        """
        if instant.tzinfo is None:
            raise Rejected(f"{instant.isoformat()} has no time zone: write an instant as 2026-03-02T08:00:00Z")
        with self._busy() as invocations:
            if instant < self.now:
                raise Rejected(f"{instant.isoformat()} is before {self.now.isoformat()}: time here only moves on")
            self._run_until(instant)
            self._clock.move_to(instant)
            return invocations()

    def settle(self) -> int:
        """Run what is due at this instant, until nothing is; how many invocations that took."""
        with self._busy() as invocations:
            self._run_until(self.now)
            return invocations()

    def request(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """A request to the product's HTTP API. 404 when it has no such route, 500 when the function died.

        What the request set off (messages, events) runs at the next `settle` or `advance_to`.
        """
        match = find_route(self._stack.routes, method, path)
        if match is None:
            return NOT_FOUND
        with self._busy():
            event = to_event(match, Request(method, path, query, headers, body), self.now, self._stack.account)
            outcome = self._functions.invoke(match.route.function, event)
        return FAILED if outcome.error is not None else to_answer(outcome.payload)

    def put_policy(self, name: str, text: str) -> None:
        """Replace a policy, in this cloud only. Raises Rejected naming file, step and field when it cannot be loaded."""
        policy = load_policy(text, f"{name}.yaml", frozenset(self._teams))
        with self._lock:
            directory = Path(self._policies.name)
            PolicyBook.load(directory, frozenset(self._teams)).with_policy(policy)
            (directory / f"{policy.name}.yaml").write_text(text, encoding="utf-8")
            self._functions.forget_containers()

    def add_fault(self, service: str, operation: str, mode: str, times: int) -> None:
        """Let the next `times` attempts of a boto3 call by functions fail: `error`, `lost`, `throttle` or `crash`. Raises Rejected."""
        with self._lock:
            self._faults.add(service, operation, mode, times)

    def outbox(self) -> list[OutboxEntry]:
        """All that SES and SNS accepted, oldest first, also where the answer was then lost."""
        with self._lock:
            return self._outbox.entries()

    def dead_letters(self) -> list[DeadLetter]:
        """All that was given up, with the best reason known."""
        with self._lock:
            return list(self._queues.dead_letters())

    def calls(self) -> list[Calls]:
        """AWS calls by functions, every attempt counted."""
        with self._lock:
            return self._wire.calls()

    def ses_event(self, to: str, event: str, bounce: str | None) -> None:
        """SES reports on the last mail to an address: bounce (`permanent`, `transient`), complaint, open, click. Raises Rejected."""
        with self._busy():
            self.mail.report(to, event, bounce)

    def inbound_email(self, raw: bytes) -> None:
        """A customer's mail. The template subscribes no function to inbound mail yet, so it is taken and goes nowhere."""

    def inbound_sms(self, sender: str, body: str) -> None:
        """A customer's text message. The template subscribes no function to them yet, so it is taken and goes nowhere."""

    def _event_sources(self) -> Iterator[EventSource]:
        stack = self._stack
        for schedule in stack.schedules:
            yield ScheduleSource(schedule, self._events, self._clock, stack.account, stack.region)
        yield self._events
        for stream in stack.stream_mappings:
            yield StreamSource(stream, stack, self._functions, self._queues, self._clock)
        for queue in stack.queue_mappings:
            yield QueueSource(queue, self._queues, self._functions, self._clock)

    @contextmanager
    def _busy(self) -> Iterator[Callable[[], int]]:
        with self._lock, virtual_time(self._clock):
            before = self._functions.invocations
            yield lambda: self._functions.invocations - before

    def _run_until(self, instant: datetime) -> None:
        at_this_instant = 0
        while True:
            due = [(at, place) for place, source in enumerate(self._sources) if (at := source.next_at()) is not None and at <= instant]
            if not due:
                return
            at, place = min(due)
            if at > self.now:
                self._clock.move_to(at)
                at_this_instant = 0
            self._sources[place].run()
            at_this_instant += 1
            if at_this_instant > _MOST_AT_ONE_INSTANT:
                raise RuntimeError(
                    f"{self.now.isoformat()}: {at_this_instant} events without time moving on: something wakes itself for ever"
                )


def _teams(functions: Iterable[Function]) -> dict[str, str]:
    teams: dict[str, str] = {}
    for function in functions:
        teams.update({team: str(arn) for team, arn in mapping(json.loads(function.env.get("TEAM_TOPICS", "{}"))).items()})
    return teams


def _provider_bases(outer_env: Mapping[str, str], sandbox_base: str | None) -> dict[str, str]:
    sandbox = {name: f"{sandbox_base}{path}" for name, path in _PROVIDER_BASES.items()} if sandbox_base else {}
    return sandbox | {name: outer_env[name] for name in _PROVIDER_BASES if outer_env.get(name)}
